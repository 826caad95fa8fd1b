/** What there is of GPUs, for a version that asks for one: another set of them proves it again. */

import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment } from '../../config/environment.ts'
import { packageFolder } from '../../shared/package-version.ts'

/** Where the driver says its version. */
const DRIVER = '/proc/driver/nvidia/version'
const DEVICE = /^(?:nvidia\d+|dxg)$/
const PROVIDER = `bin/napi-v6/${process.platform}/${process.arch}/libonnxruntime_providers_cuda.so`
/** They decide which GPUs are seen, in what order, and how FP32 is multiplied. */
const VARIABLES = ['CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'NVIDIA_TF32_OVERRIDE'] as const

const orNothing = <T>(read: () => T): T | null => {
  try {
    return read()
  } catch {
    return null
  }
}

/** Changes with the driver, the devices, and the CUDA provider of ONNX Runtime. Loads nothing. */
export const gpuStamp = (environment: Environment): string => {
  const provider = orNothing(() =>
    statSync(join(packageFolder('onnxruntime-node') ?? '', PROVIDER)),
  )
  return JSON.stringify([
    orNothing(() => readFileSync(DRIVER, 'utf8')),
    orNothing(() =>
      readdirSync('/dev')
        .filter((name) => DEVICE.test(name))
        .sort(),
    ),
    provider && [provider.size, provider.mtimeMs],
    VARIABLES.map((name) => environment[name] ?? null),
  ])
}
