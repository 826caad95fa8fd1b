/**
 * Why ONNX Runtime cannot use CUDA, and what to do about it. It throws `Failed to load shared
 * library` whatever is missing, and prints what to stderr; the loader of the system is asked again.
 */

import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Where the binding looks for them: its own folder. The second needs the first. */
const PROVIDER_FILES = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
] as const

/** Of the CUDA provider of ONNX Runtime 1.30, and what brings them. */
const BRINGS: readonly (readonly [library: RegExp, package_: string])[] = [
  [/^libcuda\.so/, 'the NVIDIA driver (in a container: its runtime, `--gpus all`)'],
  [/^libcublas/, 'cuBLAS (pip: nvidia-cublas)'],
  [/^libcudart/, 'the CUDA runtime (pip: nvidia-cuda-runtime)'],
  [/^libcurand/, 'cuRAND (pip: nvidia-curand)'],
  [/^libcufft/, 'cuFFT (pip: nvidia-cufft)'],
  [/^libcudnn/, 'cuDNN 9 (pip: nvidia-cudnn-cu13)'],
  [/^libnvrtc/, 'NVRTC (pip: nvidia-cuda-nvrtc)'],
]

const GUIDE = 'docs/guides/gpu.md'

/** `libcublas.so.13: cannot open shared object file: …`, as glibc has it. */
const MISSING = /(lib[\w.+-]+): cannot open shared object file/
/** As ONNX Runtime says it: `CUDA failure 35: CUDA driver version is … ; GPU=-1 ; …` */
const CUDA_FAILURE = /CUDA failure (\d+): ([^;]*?) *;/

const NO_SUCH_GPU = '101'

/** Of cudaError: no memory left, no driver that fits, no device at all, not so many devices. */
const CUDA_HINTS: Readonly<Record<string, string>> = {
  2: 'other sessions or programs have its memory',
  35: 'the driver is older than CUDA 13, or there is none: see nvidia-smi',
  100: 'see nvidia-smi; in a container, give it the GPU (`--gpus all`)',
  [NO_SUCH_GPU]: 'there is no such GPU: see nvidia-smi and CUDA_VISIBLE_DEVICES',
}

/** Of CUDA, and of the arena that ONNX Runtime has on a GPU. */
export const isOutOfMemory = (thrown: string): boolean =>
  CUDA_FAILURE.exec(thrown)?.[1] === '2' ||
  /Available memory of \d+ is smaller|Failed to allocate memory/.test(thrown)

/** Where it is asked what is missing. */
export interface ProviderMachine {
  /** Of the binding. */
  readonly folder: string
  /** What the loader of the system says to a library, which it drops again. */
  tryLibrary(file: string): string
  /** null: nobody tells. */
  gpuCount(): number | null
}

const missingLibrary = (said: string): string | null => {
  const library = MISSING.exec(said)?.[1]
  if (library === undefined) return null
  const brings = BRINGS.find(([pattern]) => pattern.test(library))?.[1]
  const from = brings === undefined ? '' : `, of ${brings},`
  return `${library}${from} is not found: put its folder into LD_LIBRARY_PATH or ldconfig; ${GUIDE}`
}

const hintOf = (code: string, machine: ProviderMachine): string | undefined => {
  const count = code === NO_SUCH_GPU ? machine.gpuCount() : null
  return count === null
    ? CUDA_HINTS[code]
    : `there is no such GPU: nvidia-smi shows ${count}, counted from 0; CUDA_VISIBLE_DEVICES may hide some`
}

/**
 * What `thrown`, an error of ONNX Runtime as one line, comes from. `plain`: the same without where
 * in its sources it was said.
 */
export const cudaFault = (thrown: string, plain: string, machine: ProviderMachine): string => {
  const { folder } = machine
  const [, code = '', says = ''] = CUDA_FAILURE.exec(thrown) ?? []
  if (code !== '') {
    const hint = hintOf(code, machine)
    return `CUDA error ${code}, ${says}${hint === undefined ? '' : `: ${hint}`}`
  }
  if (!thrown.includes('Failed to load shared library')) return plain
  const absent = PROVIDER_FILES.find((name) => !existsSync(join(folder, name)))
  if (absent !== undefined) {
    return `${absent} is not beside libonnxruntime.so.1: ${GUIDE} says how it comes there`
  }
  for (const name of PROVIDER_FILES) {
    const missing = missingLibrary(machine.tryLibrary(join(folder, name)))
    if (missing !== null) return missing
  }
  return `its libraries are there, and cannot be loaded: ${GUIDE}`
}
