/** What there is of GPUs, for a version that asks for one: another set of them proves it again. */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../config/environment.ts'
import { packageFolder } from '../../shared/package-version.ts'

/** Where the driver says its version. */
const DRIVER = '/proc/driver/nvidia/version'
const DEVICE = /^(?:nvidia\d+|dxg)$/
const PROVIDER_FILES = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
] as const
/**
 * They decide which GPUs are seen, in what order, how FP32 is multiplied, and where the libraries
 * of CUDA are found.
 */
const VARIABLES = [
  'CUDA_VISIBLE_DEVICES',
  'CUDA_DEVICE_ORDER',
  'NVIDIA_TF32_OVERRIDE',
  'LD_LIBRARY_PATH',
] as const

/** Where ONNX Runtime looks for its providers. */
const providerFolder = (): string =>
  join(packageFolder('onnxruntime-node') ?? '', ...['bin/napi-v6', process.platform, process.arch])

const orNothing = <T>(read: () => T): T | null => {
  try {
    return read()
  } catch {
    return null
  }
}

/** Changes with the driver, the devices, and the CUDA provider of ONNX Runtime. Loads nothing. */
export const gpuStamp = (environment: Environment, folder = providerFolder()): string =>
  JSON.stringify([
    orNothing(() => readFileSync(DRIVER, 'utf8')),
    orNothing(() =>
      readdirSync('/dev')
        .filter((name) => DEVICE.test(name))
        .sort(),
    ),
    PROVIDER_FILES.map((name) =>
      orNothing(() => {
        const { size, mtimeMs } = statSync(join(folder, name))
        return [size, mtimeMs]
      }),
    ),
    VARIABLES.map((name) => environment[name] ?? null),
  ])
