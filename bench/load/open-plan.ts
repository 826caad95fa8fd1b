/** What the open loop (open-loop.ts) is asked for, and what came of it. */

import type { Phase } from './arrivals.ts'
import type { Target } from './load.ts'

/** Requests of one kind, each due at a moment of its own, whatever became of those before. */
export interface StreamPlan {
  readonly name: string
  readonly target: Target
  readonly phases: readonly Phase[]
  /** An answer counts when it has come so long after the request was due. */
  readonly deadlineMs: number
}

export interface OpenPlan {
  readonly streams: readonly StreamPlan[]
  /** Opened before the start; a request that finds none free is not sent, and counts as missed. */
  readonly connections: number
  readonly seed: number
  readonly binMs: number
}

/** A piece of the time, from the start on. */
export interface Bin {
  /** Requests that were due in it. */
  readonly due: number
  /** Those of them that were answered with 200 within the deadline. */
  readonly dueGood: number
  /** Good answers that came in it, whenever they were due. */
  readonly good: number
}

export interface Latencies {
  readonly p50: number
  readonly p99: number
  readonly highest: number
}

export interface StreamResult {
  readonly name: string
  readonly due: number
  readonly good: number
  /** Answered with 200 behind the deadline, or never. */
  readonly late: number
  /** Answered with 503 or 429. */
  readonly refused: number
  /** Any other answer, and connections that broke. */
  readonly failed: number
  readonly missed: number
  /** Milliseconds of good answers and of refusals, from when the request was due. */
  readonly goodMs: Latencies
  readonly refusedMs: Latencies
  readonly bins: readonly Bin[]
}

export interface OpenResult {
  /** Milliseconds since 1970, of its start. */
  readonly startedAtMs: number
  readonly streams: readonly StreamResult[]
  /** How much later than due requests were sent: what the generator itself is late by. */
  readonly lagMs: Latencies
  readonly firstFailure: string | null
}
