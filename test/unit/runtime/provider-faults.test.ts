import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  cudaFault as faultOn,
  isOutOfMemory,
  type ProviderMachine,
} from '../../../src/runtime/provider-faults.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

/** As onnxruntime-node 1.30.0 says it, whatever is missing. */
const NOT_LOADED = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library'
const [SHARED, CUDA] = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so']

const folderWith = (...names: string[]): string => {
  const folder = makeTempDir('providers')
  for (const name of names) writeFileSync(join(folder, name), '')
  return folder
}

const cudaFault = (
  thrown: string,
  plain: string,
  folder: string,
  tryLibrary: ProviderMachine['tryLibrary'],
  gpus: number | null = null,
): string => faultOn(thrown, plain, { folder, tryLibrary, gpuCount: () => gpus })

/** As the CUDA provider of ONNX Runtime 1.30.0 says it. */
const cudaFailure = (code: number, says: string): string =>
  `/onnxruntime_src/core/providers/cuda/cuda_call.cc:154 std::conditional_t<THRW, void> CUDA failure ${code}: ${says} ; GPU=-1 ; hostname=vm ; file=/onnxruntime_src/cuda_execution_provider.cc ; line=352 ; expr=cudaSetDevice(info_.device_id);`

test('cudaFault() names the file that is not there', () => {
  const never = () => expect.unreachable('nothing is there to be tried')
  const fault = (...names: string[]) => cudaFault(NOT_LOADED, 'plain', folderWith(...names), never)
  expect(fault()).toMatch(/^libonnxruntime_providers_shared\.so is not beside .*docs\/guides\/gpu/)
  expect(fault(CUDA)).toMatch(/^libonnxruntime_providers_shared\.so is not beside/)
  expect(fault(SHARED)).toMatch(/^libonnxruntime_providers_cuda\.so is not beside/)
})

test.each([
  ['libcublasLt.so.13', 'cuBLAS (pip: nvidia-cublas)'],
  ['libcudart.so.13', 'the CUDA runtime (pip: nvidia-cuda-runtime)'],
  ['libcurand.so.10', 'cuRAND (pip: nvidia-curand)'],
  ['libcudnn.so.9', 'cuDNN 9 (pip: nvidia-cudnn-cu13)'],
  ['libcuda.so.1', 'the NVIDIA driver'],
])('cudaFault() says where %s comes from', (library, from) => {
  const folder = folderWith(SHARED, CUDA)
  const fault = cudaFault(NOT_LOADED, 'plain', folder, (file) =>
    file.endsWith(CUDA)
      ? `${library}: cannot open shared object file: No such file or directory`
      : `Module did not self-register: '${file}'.`,
  )
  expect(fault).toContain(`${library}, of ${from}`)
  expect(fault).toContain('LD_LIBRARY_PATH')
})

test('cudaFault() names a library that nobody has heard of', () => {
  const fault = cudaFault(
    NOT_LOADED,
    'plain',
    folderWith(SHARED, CUDA),
    () => 'libnew.so.1: cannot open shared object file: No such file or directory',
  )
  expect(fault).toMatch(/^libnew\.so\.1 is not found/)
})

test('cudaFault() does not make a cause up', () => {
  const all = folderWith(SHARED, CUDA)
  expect(cudaFault(NOT_LOADED, 'plain', all, () => '')).toMatch(/are there, and cannot be loaded/)
  expect(cudaFault('something else', 'plain', all, () => '')).toBe('plain')
})

test.each([
  [35, 'CUDA driver version is insufficient for CUDA runtime version', 'the driver is older'],
  [100, 'no CUDA-capable device is detected', 'give it the GPU'],
  [101, 'invalid device ordinal', 'see nvidia-smi and CUDA_VISIBLE_DEVICES'],
  [2, 'out of memory', 'other sessions or programs'],
])('cudaFault() gives CUDA error %i in its words, with what to do', (code, says, hint) => {
  const fault = cudaFault(cudaFailure(code, says), 'plain', '/', () => '')
  expect(fault).toContain(`CUDA error ${code}, ${says}: `)
  expect(fault).toContain(hint)
})

test('cudaFault() says how many GPUs there are to who asks for one more', () => {
  const thrown = cudaFailure(101, 'invalid device ordinal')
  const fault = cudaFault(thrown, 'plain', '/', () => '', 1)
  expect(fault).toBe(
    'CUDA error 101, invalid device ordinal: there is no such GPU: nvidia-smi shows 1, counted from 0; CUDA_VISIBLE_DEVICES may hide some',
  )
})

test('cudaFault() gives a CUDA error without a hint where it has none', () => {
  const fault = cudaFault(cudaFailure(999, 'unknown error'), 'plain', '/', () => '')
  expect(fault).toBe('CUDA error 999, unknown error')
})

test.each([
  [cudaFailure(2, 'out of memory'), true],
  ['BFCArena: Available memory of 512 is smaller than requested bytes of 1024', true],
  ['Failed to allocate memory for requested buffer of size 1024', true],
  [cudaFailure(101, 'invalid device ordinal'), false],
  ['Load model failed: Protobuf parsing failed.', false],
])('isOutOfMemory() of %s', (said, expected) => {
  expect(isOutOfMemory(said)).toBe(expected)
})
