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

  /** A request that got no answer. `reason`: index of counters.ts. */
  unanswered(base: number, protocol: number, reason: number): void {
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

  queueRows(rows: number): void {
    this.#gauges[THREAD_GAUGES.QUEUE_ROWS] = rows
  }

  running(versionIndex: number): void {
    this.#words[THREAD_WORDS.VERSION] = versionIndex
    this.#words[THREAD_WORDS.STATE] = THREAD_STATE.RUN
  }

  loading(versionIndex: number): void {
    this.#words[THREAD_WORDS.VERSION] = versionIndex
    this.#words[THREAD_WORDS.STATE] = THREAD_STATE.LOAD
  }

  idle(): void {
    this.#words[THREAD_WORDS.STATE] = THREAD_STATE.IDLE
  }

  beat(cpuSeconds: number, loopLagSeconds: number): void {
    this.#gauges[THREAD_GAUGES.CPU_SECONDS] = cpuSeconds
    this.#gauges[THREAD_GAUGES.LOOP_LAG_SECONDS] = loopLagSeconds
    this.#words[THREAD_WORDS.BEAT]! += 1
  }
}
