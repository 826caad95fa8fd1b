/** What becomes of the GPU that a version asks for: whether it is there, and what runs on it. */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../shared/errors.ts'
import { isFields } from '../shared/fields.ts'
import { gpusOf, onCpu, type SessionSettings, sessionAt } from '../shared/session-settings.ts'
import type { Tensor } from '../shared/tensor.ts'
import { gpuMemoryBytes } from './gpu-memory.ts'
import type { GpuFindings } from './proving-report.ts'
import { createSession, providerFault } from './session.ts'

/** What a version is proved with: as it asks, or without the GPU that it cannot have. */
export interface SettledGpu {
  readonly settings: SessionSettings
  readonly use: GpuFindings['use'] | null
  /** A sentence for the operator; null: all is as was asked for. */
  readonly warning: string | null
}

/** Why some GPU that is asked for cannot be used, or watched as is asked for. */
const gpuFault = (settings: SessionSettings): GatewayError | null => {
  for (let i = 0; i < new Set(gpusOf(settings)).size; i++) {
    const fault = providerFault(sessionAt({ ...settings, cuda: distinct(settings) }, i))
    if (fault !== null) return fault
  }
  if (settings.cuda?.memoryBytesMax == null || gpuMemoryBytes() !== null) return null
  const detail = 'cuda.memory_bytes_max cannot be looked at here: nvidia-smi does not answer'
  return new GatewayError('PROVIDER_UNAVAILABLE', detail)
}

const distinct = (settings: SessionSettings): SessionSettings['cuda'] =>
  settings.cuda && { ...settings.cuda, deviceIds: [...new Set(gpusOf(settings))] }

/** Throws PROVIDER_UNAVAILABLE where a GPU that is required cannot be used. */
export const settleGpu = (settings: SessionSettings): SettledGpu => {
  if (gpusOf(settings).length === 0) return { settings, use: null, warning: null }
  const fault = gpuFault(settings)
  if (fault === null) return { settings, use: 'used', warning: null }
  if (settings.cuda?.isRequired) throw fault
  const warning = `it asks for a GPU and runs on the CPU: ${fault.message}`
  return { settings: onCpu(settings), use: 'unavailable', warning }
}

export const idleGpu = (settings: SessionSettings): SettledGpu => ({
  settings: onCpu(settings),
  use: 'idle',
  warning: 'it asks for a GPU and runs on the CPU: none of its operators has a kernel for one',
})

/** Events of ONNX Runtime's profile (Chrome's trace format): one for each operator of a run. */
const operatorsIn = (events: readonly unknown[]): NonNullable<GpuFindings['operators']> => {
  const seen = { gpu: 0, cpu: 0 }
  for (const event of events) {
    const { cat, args } = isFields(event) ? event : {}
    if (cat !== 'Node' || !isFields(args)) continue
    const { provider, op_name: operator } = args
    // Copies from and to the GPU are no operators of the model.
    if (typeof provider !== 'string' || String(operator).startsWith('Memcpy')) continue
    seen[provider === 'CPUExecutionProvider' ? 'cpu' : 'gpu']++
  }
  return seen
}

/**
 * Runs a row in a session of its own and counts who ran its operators. null: the profile cannot be
 * read. `folder` is made, and holds the profile afterwards.
 */
export const countOperators = (
  file: string,
  settings: SessionSettings,
  row: readonly Tensor[],
  folder: string,
): GpuFindings['operators'] => {
  mkdirSync(folder, { recursive: true })
  const disabled = { ...settings, graphOptimization: 'disabled' } as const
  const session = createSession({ file }, disabled, { profile: join(folder, 'run') })
  try {
    session.run(row)
  } finally {
    session.dispose() // writes the profile
  }
  try {
    const [name = ''] = readdirSync(folder)
    const events: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    return Array.isArray(events) ? operatorsIn(events) : null
  } catch {
    return null
  }
}

/** Throws PROVING_MEMORY where a version takes more of its GPU than it may. */
export const checkGpuMemory = (bytes: number | null, { cuda }: SessionSettings): void => {
  const max = cuda?.memoryBytesMax ?? null
  if (max === null || bytes === null || bytes <= max) return
  const [took, may] = [bytes, max].map((size) => `${Math.ceil(size / 2 ** 20)} MiB`)
  const detail = `It takes ${took} of its GPU, and cuda.memory_bytes_max is ${may}`
  throw new GatewayError('PROVING_MEMORY', detail)
}
