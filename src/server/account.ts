/** Stage 8: counters of one data thread. Plain increments in shared memory; nothing allocates. */

import type { Place, RunTimes } from '../runtime/batch-runs.ts'
import { type Clock, systemClock } from '../shared/clock.ts'
import {
  COMPUTE_AT,
  FAIL_SECONDS_AT,
  PENDING_AT,
  QUEUE_AT,
  REASON_OK,
  ROWS_AT,
  TOTAL_AT,
} from '../shared/counters.ts'
import { countParts, countRequest, countRun, noteEnd, observe } from '../shared/counting.ts'
import {
  THREAD_GAUGES,
  THREAD_STATE,
  THREAD_WORDS,
  type ThreadMemory,
} from '../shared/shared-memory.ts'
import { beat, enterState, enterVersion } from '../shared/thread-state.ts'
import { ACCEPTING, type Accepting } from './accepting.ts'

/** Of one answered request, in milliseconds. */
export interface AnswerTimes {
  /** From its last byte to the end of its answer. */
  readonly totalMs: number
  readonly queueMs: number
  /** Writing the answer. */
  readonly outputMs: number
}

type Clocks = Pick<Clock, 'now' | 'monotonic'>

export class Account {
  readonly #counters: Float64Array
  readonly #words: Int32Array
  readonly #gauges: Float64Array
  readonly #clock: Clocks
  /** What monotonic milliseconds lack to wall-clock ones, as of the last beat. */
  #wallMs: number

  constructor(memory: ThreadMemory, clock: Clocks = systemClock) {
    this.#counters = memory.counters
    this.#words = memory.words
    this.#gauges = memory.gauges
    this.#clock = clock
    this.#wallMs = clock.now() - clock.monotonic()
  }

  /** An answered request. `base`: first double of the variant's slot. */
  answered(base: number, protocol: number, place: Place, run: RunTimes, times: AnswerTimes): void {
    this.sent(base, protocol, times.totalMs)
    this.ran(base, place, run, times)
  }

  /** An answer has left. */
  sent(base: number, protocol: number, totalMs: number): void {
    const counters = this.#counters
    countRequest(counters, base, protocol, REASON_OK)
    observe(counters, base + TOTAL_AT, totalMs * 1000)
  }

  /** What else is to be counted of an answer, whether or not it has left. */
  ran(
    base: number,
    { rows, runRows }: Place,
    run: RunTimes,
    times: Omit<AnswerTimes, 'totalMs'>,
  ): void {
    const counters = this.#counters
    counters[base + ROWS_AT]! += rows
    observe(counters, base + QUEUE_AT, times.queueMs * 1000)
    observe(counters, base + COMPUTE_AT, (run.endedMs - run.runStartMs) * 1000)
    const inputSeconds = (run.runStartMs - run.startedMs) / 1000
    countParts(counters, base, runRows, inputSeconds, times.outputMs / 1000)
  }

  /** Any other request. `reason`: index of counters.ts. */
  counted(base: number, protocol: number, reason: number): void {
    countRequest(this.#counters, base, protocol, reason)
  }

  /** Time of a request that was admitted and not answered; `counted` counts it. */
  failed(base: number, ms: number): void {
    this.#counters[base + FAIL_SECONDS_AT]! += ms / 1000
  }

  /** A run that gave answers. `base`: of its first member, as each run is counted once. */
  ranBatch(base: number, rows: number, { startedMs, runStartMs, endedMs }: RunTimes): void {
    const inputSeconds = (runStartMs - startedMs) / 1000
    const runSeconds = (endedMs - runStartMs) / 1000
    countRun(this.#counters, base, rows, inputSeconds, runSeconds)
    noteEnd(this.#counters, base, endedMs + this.#wallMs)
  }

  /** Requests of a slot that joined the queue of their version, or left it (-1). */
  pending(base: number, delta: 1 | -1): void {
    this.#counters[base + PENDING_AT]! += delta
  }

  admitted(): void {
    this.#words[THREAD_WORDS.IN_FLIGHT]! += 1
  }

  left(): void {
    this.#words[THREAD_WORDS.IN_FLIGHT]! -= 1
  }

  connections(delta: 1 | -1): void {
    this.#words[THREAD_WORDS.CONNECTIONS]! += delta
  }

  /** Whether this thread accepts connections, by accepting.ts. */
  accepting(state: Accepting): void {
    this.#words[THREAD_WORDS.ACCEPTING] = state
    if (state === ACCEPTING.FULL) this.#words[THREAD_WORDS.TIMES_FULL]! += 1
    if (state === ACCEPTING.LATE) this.#words[THREAD_WORDS.TIMES_LATE]! += 1
  }

  /** Rows that joined the queue of any version of this thread, or left it (negative). */
  queueRows(delta: number): void {
    this.#gauges[THREAD_GAUGES.QUEUE_ROWS]! += delta
  }

  /** `versionNumber`: of version-numbers.ts. */
  running(versionNumber: number): void {
    enterVersion(this.#words, THREAD_STATE.RUN, versionNumber)
  }

  loading(versionNumber: number): void {
    enterVersion(this.#words, THREAD_STATE.LOAD, versionNumber)
  }

  /** Only where decoding may take long: the usual request is decoded in less than this costs. */
  decoding(): void {
    enterState(this.#words, THREAD_STATE.DECODE)
  }

  /** Only where writing an answer may take long; to the watchdog each is a new one. */
  encoding<T>(write: () => T): T {
    enterState(this.#words, THREAD_STATE.ENCODE)
    try {
      return write()
    } finally {
      this.idle()
    }
  }

  idle(): void {
    enterState(this.#words, THREAD_STATE.IDLE)
  }

  beat(cpuSeconds: number, loopLagSeconds: number): void {
    beat({ words: this.#words, gauges: this.#gauges }, cpuSeconds, loopLagSeconds)
    this.#wallMs = this.#clock.now() - this.#clock.monotonic()
  }
}
