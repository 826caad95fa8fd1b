/** Records on their way to stdout: each once, by time as far as they are found together. */

import type { PredictionRecord } from '../records/record.ts'
import { recordToJson } from '../records/record-json.ts'
import { RecordLines } from './record-line.ts'

/** Lines that wait to be put in order. */
const WAITING_MAX = 10_000

const byTime = (a: { timeMs: number }, b: { timeMs: number }): number => a.timeMs - b.timeMs

/** Writes lines. */
export class TailOutput {
  readonly #lineOf: (record: PredictionRecord) => string
  #waiting: PredictionRecord[] = []

  constructor(json: boolean) {
    const lines = new RecordLines()
    this.#lineOf = json
      ? (record) => JSON.stringify(recordToJson(record))
      : (record) => lines.lineOf(record)
  }

  readonly take = (record: PredictionRecord): void => {
    this.#waiting.push(record)
    if (this.#waiting.length >= WAITING_MAX) this.flush()
  }

  /** Writes what has been taken. */
  flush(): void {
    if (this.#waiting.length === 0) return
    const lines = this.#waiting.sort(byTime).map((record) => `${this.#lineOf(record)}\n`)
    this.#waiting = []
    process.stdout.write(lines.join(''))
  }
}

/** The latest of the records that it is given. */
export class Latest {
  readonly #count: number
  #records: PredictionRecord[] = []

  constructor(count: number) {
    this.#count = count
  }

  readonly take = (record: PredictionRecord): void => {
    this.#records.push(record)
    if (this.#records.length >= 2 * this.#count + 1000) this.records()
  }

  /** By time. */
  records(): readonly PredictionRecord[] {
    const sorted = this.#records.sort(byTime)
    this.#records = sorted.slice(Math.max(0, sorted.length - this.#count))
    return this.#records
  }

  /** Whether no record that arrived before can be one of them. */
  areAfter(timeMs: number): boolean {
    const records = this.records()
    return records.length >= this.#count && records.every((record) => record.timeMs >= timeMs)
  }
}
