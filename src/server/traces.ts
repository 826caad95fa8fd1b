/**
 * Tracing on a data thread: decides which requests are traced, and leaves what spans are made of in
 * a ring for the agent. Spans, and OpenTelemetry, are a matter of control. Where tracing is off
 * there is none of this, and no header is read for it.
 */

import { randomFillSync } from 'node:crypto'
import type { Place, RunTimes } from '../runtime/batch-runs.ts'
import type { Clock } from '../shared/clock.ts'
import { REASON_OK, SLOT_DOUBLES } from '../shared/counters.ts'
import {
  foldTraceId,
  ID_WORDS,
  PARENT,
  readTraceparent,
  TRACE_WORDS,
  type TraceSampling,
} from '../shared/trace-context.ts'
import {
  claimSlot,
  doubleAt,
  NOT_SO_FAR,
  publishSlot,
  ROUTE,
  type Route,
  TRACE,
  TRACE_AT,
  type TraceRing,
  wordAt,
} from '../shared/trace-ring.ts'
import type { Answerable } from './pending.ts'

/** What a traced request carries along. */
export interface RequestTrace {
  /** Trace id and the caller's span id (trace-context.ts). */
  readonly ids: Uint32Array
  /** Monotonic milliseconds at which its head was complete. */
  readonly receivedMs: number
  // Set by the request path:
  /**
   * The same for its body; 0: not so far. `Exchange.startedMs` is when this thread could have had
   * it.
   */
  startedMs: number
  /** Number of the epoch that it is served by. */
  epoch: number
  route: Route
}

/** Date.now() is a whole number, so that of two readings the higher one tells more. */
const WALL_STEP_MS = 2

/** Drawn at once: 0.02 us a trace id, instead of 3 us. */
const RANDOM_WORDS = 1024

export class Traces {
  readonly #sampling: TraceSampling
  readonly #ring: TraceRing
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>
  readonly #ids = new Uint32Array(ID_WORDS)
  readonly #random = new Uint32Array(RANDOM_WORDS)
  #randomAt = RANDOM_WORDS
  /** What monotonic milliseconds lack to wall-clock ones. */
  #wallMs = Number.NEGATIVE_INFINITY

  constructor(sampling: TraceSampling, ring: TraceRing, clock: Pick<Clock, 'now' | 'monotonic'>) {
    this.#sampling = sampling
    this.#ring = ring
    this.#clock = clock
  }

  /** The head of a request is complete. `traceparent`: as sent, '' without one. */
  begin(traceparent: string): RequestTrace | null {
    const { isParentBased, threshold } = this.#sampling
    const ids = this.#ids
    const parent = traceparent === '' ? PARENT.NONE : readTraceparent(traceparent, ids)
    const isFollowed = isParentBased && parent !== PARENT.NONE
    if (isFollowed && parent === PARENT.UNSAMPLED) return null
    if (!isFollowed) {
      if (threshold === 0) return null
      if (parent === PARENT.NONE) this.#makeTraceId()
      if (foldTraceId(ids) >= threshold) return null
    }
    const receivedMs = this.#clock.monotonic()
    return { ids: ids.slice(), receivedMs, startedMs: 0, epoch: 0, route: ROUTE.NONE }
  }

  /** A trace begins here. */
  #makeTraceId(): void {
    if (this.#randomAt === RANDOM_WORDS) {
      randomFillSync(this.#random)
      this.#randomAt = 0
    }
    for (let word = 0; word < TRACE_WORDS; word++) {
      this.#ids[word] = this.#random[this.#randomAt++]!
    }
    // All zeros mean that there is none.
    this.#ids[0] ||= 1
    this.#ids.fill(0, TRACE_WORDS)
  }

  /** Its answer has left. `writingMs`: when the writing of it began. */
  answered(
    request: Answerable,
    { runRows }: Place,
    times: RunTimes,
    writingMs: number,
    endedMs: number,
  ): void {
    const { trace } = request.exchange
    if (trace === null) return
    const slot = this.#claim(trace, request, REASON_OK, endedMs)
    if (slot < 0) return
    const { receivedMs } = trace
    const { words, doubles } = this.#ring
    const at = doubleAt(slot)
    words[wordAt(slot) + TRACE.RUN_ROWS] = runRows
    doubles[at + TRACE_AT.TAKEN] = times.startedMs - receivedMs
    doubles[at + TRACE_AT.RUN_START] = times.runStartMs - receivedMs
    doubles[at + TRACE_AT.RUN_END] = times.endedMs - receivedMs
    doubles[at + TRACE_AT.WRITING] = writingMs - receivedMs
    publishSlot(this.#ring)
  }

  /** It was refused, has failed, or its client has gone. `reason`: index of counters.ts. */
  ended(request: Answerable, reason: number): void {
    const { trace } = request.exchange
    if (trace === null || request.sequence === 0) return
    const slot = this.#claim(trace, request, reason, this.#clock.monotonic())
    if (slot < 0) return
    const { words, doubles } = this.#ring
    const at = doubleAt(slot)
    words[wordAt(slot) + TRACE.RUN_ROWS] = 0
    doubles.fill(NOT_SO_FAR, at + TRACE_AT.TAKEN, at + TRACE_AT.ENDED)
    publishSlot(this.#ring)
  }

  /** A slot with what is the same for all requests; -1: there is no room. */
  #claim(trace: RequestTrace, request: Answerable, reason: number, endedMs: number): number {
    const slot = claimSlot(this.#ring)
    if (slot < 0) return slot
    const { admittedMs } = request
    const { ids, receivedMs, startedMs } = trace
    const { words, doubles } = this.#ring
    const word = wordAt(slot)
    words.set(ids, word + TRACE.IDS)
    words[word + TRACE.PROTOCOL] = request.format.protocol
    words[word + TRACE.REASON] = reason
    words[word + TRACE.ROUTE] = trace.route
    words[word + TRACE.COUNTER_SLOT] = request.counterBase / SLOT_DOUBLES
    words[word + TRACE.ROWS] = request.rows
    const at = doubleAt(slot)
    doubles[at + TRACE_AT.EPOCH] = trace.epoch
    doubles[at + TRACE_AT.SEQUENCE] = request.sequence
    doubles[at + TRACE_AT.RECEIVED] = receivedMs + this.#wallOffset()
    doubles[at + TRACE_AT.STARTED] = startedMs === 0 ? NOT_SO_FAR : startedMs - receivedMs
    doubles[at + TRACE_AT.ADMITTED] = admittedMs === 0 ? NOT_SO_FAR : admittedMs - receivedMs
    doubles[at + TRACE_AT.ENDED] = endedMs - receivedMs
    return slot
  }

  /** The highest of what was read, until the wall clock has been set back. */
  #wallOffset(): number {
    const readMs = this.#clock.now() - this.#clock.monotonic()
    if (readMs > this.#wallMs || readMs < this.#wallMs - WALL_STEP_MS) this.#wallMs = readMs
    return this.#wallMs
  }
}

/** null: tracing is off. */
export const tracesOf = (
  sampling: TraceSampling | null,
  ring: TraceRing,
  clock: Pick<Clock, 'now' | 'monotonic'>,
): Traces | null => (sampling === null ? null : new Traces(sampling, ring, clock))
