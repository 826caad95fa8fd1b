/** What becomes of the GPU that a version asks for: whether it is there, and what runs on it. */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../shared/errors.ts'
import { isFields } from '../shared/fields.ts'
import { gpusOf, onCpu, type SessionSettings, sessionAt } from '../shared/session-settings.ts'
import type { Tensor } from '../shared/tensor.ts'
import { type GpuMemory, gpuMemory, smiName } from './gpu-memory.ts'
import { isOutOfMemory } from './provider-faults.ts'
import type { GpuFindings } from './proving-report.ts'
import { createSession, providerFault } from './session.ts'

/** What a version is proved with: as it asks, or without the GPU that it cannot have. */
export interface SettledGpu {
  readonly settings: SessionSettings
  readonly use: GpuFindings['use'] | null
  /** A sentence for the operator; null: all is as was asked for. */
  readonly warning: string | null
}

/** What is asked about GPUs. */
export interface GpuMachine {
  /** Why nothing runs with these settings, on the first of its GPUs; null: it does. */
  providerFault(settings: SessionSettings): GatewayError | null
  /** null: nobody tells. */
  memoryOf(settings: SessionSettings): GpuMemory | null
}

/** `cudaVisibleDevices`: as in the environment. */
export const gpuMachine = (cudaVisibleDevices: string | null): GpuMachine => ({
  providerFault,
  memoryOf: (settings) => gpuMemory(smiName(gpusOf(settings)[0]!, cudaVisibleDevices)),
})

/** Why some GPU that is asked for cannot be used. */
const gpuFault = (settings: SessionSettings, machine: GpuMachine): GatewayError | null => {
  for (let i = 0; i < new Set(gpusOf(settings)).size; i++) {
    const fault = machine.providerFault(sessionAt({ ...settings, cuda: distinct(settings) }, i))
    if (fault !== null) return fault
  }
  return null
}

const UNWATCHED = 'cuda.memory_bytes_max cannot be looked at here: nvidia-smi does not answer'

const distinct = (settings: SessionSettings): SessionSettings['cuda'] =>
  settings.cuda && { ...settings.cuda, deviceIds: [...new Set(gpusOf(settings))] }

/**
 * Throws PROVIDER_UNAVAILABLE where a GPU that is required cannot be used, or not be watched as is
 * asked for, and PROVING_MEMORY where it is full.
 */
export const settleGpu = (settings: SessionSettings, machine: GpuMachine): SettledGpu => {
  if (gpusOf(settings).length === 0) return { settings, use: null, warning: null }
  const fault = gpuFault(settings, machine)
  const isRequired = settings.cuda?.isRequired ?? false
  if (fault === null) {
    const isWatched = settings.cuda?.memoryBytesMax == null || machine.memoryOf(settings) !== null
    if (isWatched) return { settings, use: 'used', warning: null }
    if (isRequired) throw new GatewayError('PROVIDER_UNAVAILABLE', UNWATCHED)
    return { settings, use: 'used', warning: UNWATCHED }
  }
  if (isRequired) throw fault
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

/** What lies with the machine and not with the model that was loaded or run; null: neither does. */
export const machineFault = (thrown: unknown): GatewayError | null => {
  const { code } = GatewayError.from(thrown)
  if (code === 'PROVIDER_UNAVAILABLE' || code === 'PROVING_MEMORY') return thrown as GatewayError
  const said = (thrown as Error).message
  if (!isOutOfMemory(said) && !/allocate memory|bad_alloc/.test(said)) return null
  const detail = 'It asks for more memory than there is'
  return new GatewayError('PROVING_MEMORY', detail, { cause: thrown })
}

/**
 * Runs a row in a session of its own and counts who ran its operators. null: nobody can tell, as it
 * does not run once more, or there is no profile. `folder` is made, and holds it afterwards.
 */
export const countOperators = (
  file: string,
  settings: SessionSettings,
  row: readonly Tensor[],
  folder: string,
): GpuFindings['operators'] => {
  const disabled = { ...settings, graphOptimization: 'disabled' } as const
  try {
    mkdirSync(folder, { recursive: true })
    const session = createSession({ file }, disabled, { profile: join(folder, 'run') })
    try {
      session.run(row)
    } finally {
      session.dispose() // writes the profile
    }
    const [name = ''] = readdirSync(folder)
    const events: unknown = JSON.parse(readFileSync(join(folder, name), 'utf8'))
    return Array.isArray(events) ? operatorsIn(events) : null
  } catch {
    return null
  }
}

/** Growth of the memory in use; null: nobody tells, or not of the same programs. */
export const gpuGrowth = (before: GpuMemory | null, now: GpuMemory | null): GpuMemory | null =>
  before === null || now === null || before.isOfAll !== now.isOfAll
    ? null
    : { ...now, bytes: Math.max(0, now.bytes - before.bytes) }

/** Throws PROVING_MEMORY where a version takes more of its GPU than it may. */
export const checkGpuMemory = (growth: GpuMemory | null, { cuda }: SessionSettings): void => {
  const max = cuda?.memoryBytesMax ?? null
  if (max === null || growth === null || growth.bytes <= max) return
  const [took, may] = [growth.bytes, max].map((size) => `${Math.ceil(size / 2 ** 20)} MiB`)
  const what = growth.isOfAll ? `All programs took ${took} more` : `It takes ${took}`
  const detail = `${what} of its GPU, and cuda.memory_bytes_max is ${may}`
  throw new GatewayError('PROVING_MEMORY', detail)
}
