/** Stage 8: counters of one data thread. Plain increments in shared memory; nothing allocates. */

import { COMPUTE_AT, QUEUE_AT, REASON_OK, ROWS_AT, TOTAL_AT } from '../shared/counters.ts'
import { countRequest, countRun, observe } from '../shared/counting.ts'
import {
  THREAD_GAUGES,
  THREAD_STATE,
  THREAD_WORDS,
  type ThreadMemory,
} from '../shared/shared-memory.ts'

export interface AnswerTimes {
  readonly totalUs: number
  readonly queueUs: number
  readonly computeUs: number
}

export class Account {
  readonly #counters: Float64Array
  readonly #words: Int32Array
  readonly #gauges: Float64Array

  constructor(memory: ThreadMemory) {
    this.#counters = memory.counters
    this.#words = memory.words
    this.#gauges = memory.gauges
  }

  /** An answered request. `base`: first double of the variant's slot. */
  answered(base: number, protocol: number, rows: number, times: AnswerTimes): void {
    const counters = this.#counters
    countRequest(counters, base, protocol, REASON_OK)
    counters[base + ROWS_AT]! += rows
    observe(counters, base + TOTAL_AT, times.totalUs)
    observe(counters, base + QUEUE_AT, times.queueUs)
    observe(counters, base + COMPUTE_AT, times.computeUs)
  }

  /** Any other request. `reason`: index of counters.ts. */
  counted(base: number, protocol: number, reason: number): void {
    countRequest(this.#counters, base, protocol, reason)
  }

  ranBatch(base: number, rows: number): void {
    countRun(this.#counters, base, rows)
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

  /** Rows that joined the queue of any version of this thread, or left it (negative). */
  queueRows(delta: number): void {
    this.#gauges[THREAD_GAUGES.QUEUE_ROWS]! += delta
  }

  /** `versionNumber`: of version-numbers.ts. */
  running(versionNumber: number): void {
    this.#words[THREAD_WORDS.VERSION] = versionNumber
    this.#enter(THREAD_STATE.RUN)
  }

  loading(versionNumber: number): void {
    this.#words[THREAD_WORDS.VERSION] = versionNumber
    this.#enter(THREAD_STATE.LOAD)
  }

  /** Only where decoding may take long: the usual request is decoded in less than this costs. */
  decoding(): void {
    this.#enter(THREAD_STATE.DECODE)
  }

  /** Only where writing an answer may take long; to the watchdog each is a new one. */
  encoding<T>(write: () => T): T {
    this.#enter(THREAD_STATE.ENCODE)
    try {
      return write()
    } finally {
      this.idle()
    }
  }

  idle(): void {
    this.#enter(THREAD_STATE.IDLE)
  }

  /**
   * Every entry is a beat: each run and each load is judged by its own time alone. The beat comes
   * first, and the watchdog reads it last, so that no state is judged by the time of another.
   */
  #enter(state: number): void {
    this.#words[THREAD_WORDS.BEAT]! += 1
    this.#words[THREAD_WORDS.STATE] = state
  }

  beat(cpuSeconds: number, loopLagSeconds: number): void {
    this.#gauges[THREAD_GAUGES.CPU_SECONDS] = cpuSeconds
    this.#gauges[THREAD_GAUGES.LOOP_LAG_SECONDS] = loopLagSeconds
    this.#words[THREAD_WORDS.BEAT]! += 1
  }
}
