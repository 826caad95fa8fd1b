/**
 * What data threads, compute threads and their agent say to each other. Between data and compute
 * threads requests go through slots (pool-slots.ts); what does not fit there goes by message, and a
 * thread that sleeps is woken by one.
 */

import type { MessagePort } from 'node:worker_threads'
import type { PlannedVersion } from '../../shared/epoch-plan.ts'
import type { Refusal } from '../../shared/errors.ts'
import type { Tensor, TensorData } from '../../shared/tensor.ts'

/** `workerData` of a compute thread. */
export interface ComputeThreadStart {
  readonly thread: number
  readonly dataThreads: number
  readonly computeThreads: number
  /** The shared memory of the replica. */
  readonly memory: SharedArrayBuffer
  /** To each data thread. */
  readonly ports: readonly MessagePort[]
  readonly keptValuesMax: number
}

/** A pooled version, as the threads that use it are told of it. */
export interface PoolGrant {
  /** Never used again. */
  readonly pool: number
  /** Of `poolBytes(poolShape(planned, dataThreads))` bytes or more. */
  readonly memory: SharedArrayBuffer
  /** Compute threads that have a session of it. */
  readonly hosts: readonly number[]
}

export interface PoolFailure {
  readonly failure: { readonly code: Refusal['code']; readonly detail: string }
}

export type ToComputeThread =
  | {
      readonly type: 'load'
      readonly grant: PoolGrant
      readonly planned: PlannedVersion
      /** Of version-numbers.ts. */
      readonly versionNumber: number
    }
  | { readonly type: 'unload'; readonly pool: number }
  /** Look for what is ready. */
  | { readonly type: 'wake' }
  | { readonly type: 'close' }

export type FromComputeThread =
  | {
      readonly type: 'loaded'
      readonly pool: number
      readonly failure: PoolFailure['failure'] | null
    }
  /** It looks into the memory of the pool no more. */
  | { readonly type: 'unloaded'; readonly pool: number }
  | { readonly type: 'fault'; readonly detail: string }

/** To a thread that slept: there is something in its slots. */
export const WAKE = 0

/** Tensors of a request, from a data thread to the compute thread that is to run it. */
export interface SentRequest {
  readonly pool: number
  readonly slot: number
  readonly generation: number
  readonly tensors: readonly Tensor[]
  /** They are to come back with the result. */
  readonly wantsInputs: boolean
}

export interface Withdrawn extends Pick<SentRequest, 'pool' | 'slot' | 'generation'> {
  readonly tensors: null
}

export type SentTensors = SentRequest | Withdrawn

/** What a compute thread answers where it does not fit into the slot. */
export interface SentResult {
  readonly pool: number
  readonly slot: number
  readonly generation: number
  /** null when it failed. */
  readonly tensors: readonly Tensor[] | null
  /**
   * What was sent for it, if that is wanted and it had a run; null in place of texts, which its
   * sender has kept.
   */
  readonly inputs: readonly (Tensor | null)[] | null
  readonly refusal: Refusal | null
  readonly badRow: number
}

const owned = (data: TensorData, taken: ReadonlySet<ArrayBufferLike>): boolean =>
  !Array.isArray(data) &&
  data.buffer instanceof ArrayBuffer &&
  data.byteLength === data.buffer.byteLength &&
  !taken.has(data.buffer)

/**
 * Tensors as they can be posted without a copy: the sender must not use them any more. Only a part
 * of a buffer, or shared memory, is copied out first.
 */
export const transferable = (
  tensors: readonly Tensor[],
): { tensors: Tensor[]; transfer: ArrayBuffer[] } => {
  const transfer = new Set<ArrayBuffer>()
  const sent = tensors.map(({ datatype, shape, data }) => {
    if (Array.isArray(data)) return { datatype, shape, data }
    const own = owned(data, transfer) ? data : data.slice()
    transfer.add(own.buffer as ArrayBuffer)
    return { datatype, shape, data: own }
  })
  return { tensors: sent, transfer: [...transfer] }
}

/** What the sender of a request keeps of it: posting has copied the texts, and taken all else. */
export const textsOf = (tensors: readonly Tensor[]): readonly (Tensor | null)[] | null => {
  if (!tensors.some(({ data }) => Array.isArray(data))) return null
  return tensors.map((tensor) => (Array.isArray(tensor.data) ? tensor : null))
}

/** The inputs of a request that its result has brought back, with the texts that were kept. */
export const withTexts = (
  inputs: SentResult['inputs'],
  texts: readonly (Tensor | null)[] | null,
): readonly Tensor[] | null => inputs?.map((input, i) => input ?? texts![i]!) ?? null

/** A result as it can be posted without a copy. `inputs`: what was sent for its request. */
export const packResult = (
  ended: Pick<SentResult, 'pool' | 'slot' | 'generation' | 'refusal' | 'badRow'>,
  results: readonly Tensor[] | null,
  inputs: readonly Tensor[] | null,
): { sent: SentResult; transfer: ArrayBuffer[] } => {
  const numeric = inputs?.filter(({ data }) => !Array.isArray(data)) ?? []
  const { tensors, transfer } = transferable([...numeric, ...(results ?? [])])
  const back = tensors.splice(0, numeric.length)
  let at = 0
  const returned = inputs?.map(({ data }) => (Array.isArray(data) ? null : back[at++]!)) ?? null
  const sent = { ...ended, tensors: results === null ? null : tensors, inputs: returned }
  return { sent, transfer }
}
