/** What a data thread knows of a request when it writes its record down. */

import type { RecordRole } from '../shared/record-policy.ts'
import type { Tensor } from '../shared/tensor.ts'

/** Index of a role in RECORD_ROLES. Numbers are on disk. */
export const ROLE = {
  answer: 0,
  shadow: 1,
  refused: 2,
  failed: 3,
  feedback: 4,
} as const satisfies Record<RecordRole, number>

/** What decoding saw and the inputs do not say: one place for each, in the order of all three. */
export interface WrittenExtras {
  /** Row of the request, from 0. */
  readonly rows: readonly number[]
  /** Index of the contract's feature. */
  readonly features: readonly number[]
  /** A category that the vocabulary does not have; null: the value was missing. */
  readonly texts: readonly (string | null)[]
  /** There were more than are kept, and none is here: the inputs say what nobody sent. */
  readonly isCut: boolean
}

/** One object for all requests of a thread, whose fields are overwritten: nothing is allocated. */
export interface WriteFacts {
  sequence: number
  /** ROLE */
  role: number
  /** `reasonIndex` of counters.ts: 0 ok, 1 aborted, then the error codes. */
  code: number
  /** As answered over HTTP; 0: not at all. */
  status: number
  /** Index in PROTOCOLS of counters.ts. */
  protocol: number
  epoch: number
  /** -1: it was not routed by bucket. */
  bucket: number
  /** Monotonic ms at which the request arrived, and what makes wall clock of it. */
  startedMs: number
  wallOffsetMs: number
  /** Milliseconds; NaN: it did not come so far. */
  latencyMs: number
  decodeMs: number
  queueMs: number
  computeMs: number
  rows: number
  isBatch: boolean
  requestId: string | null
  /** Four words of a trace id, big end first. */
  traceIds: Uint32Array | null
  /** Of the run, in the order of the signature; null: there are none (any more). */
  inputs: readonly Tensor[] | null
  results: readonly Tensor[] | null
  /** First row of the request in both. */
  rowStart: number
  extras: WrittenExtras | null
  /** Of feedback: its JSON (feedback-text.ts). */
  text: string | null
}

export const makeWriteFacts = (): WriteFacts => ({
  sequence: 0,
  role: ROLE.answer,
  code: 0,
  status: 0,
  protocol: 0,
  epoch: 0,
  bucket: -1,
  startedMs: 0.5,
  wallOffsetMs: 0.5,
  latencyMs: Number.NaN,
  decodeMs: Number.NaN,
  queueMs: Number.NaN,
  computeMs: Number.NaN,
  rows: 0,
  isBatch: false,
  requestId: null,
  traceIds: null,
  inputs: null,
  results: null,
  rowStart: 0,
  extras: null,
  text: null,
})
