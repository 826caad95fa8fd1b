/** Records on their way to stdout: each once, by time as far as they are found together. */

import type { PredictionRecord } from '../records/record.ts'
import { encodeRecord } from '../records/record-codec.ts'
import { recordToJson } from '../records/record-json.ts'
import { RecordLines } from './record-line.ts'

/** Lines that wait to be put in order. */
const WAITING_MAX = 10_000

const byTime = (a: { timeMs: number }, b: { timeMs: number }): number => a.timeMs - b.timeMs

/** `text`: a line for people. `json`: a line. `proto`: a message behind its length, as a varint. */
export type TailForm = 'text' | 'json' | 'proto'

/** How records are written, one behind the other. */
const rendererOf = (form: TailForm): ((record: PredictionRecord) => string | Uint8Array) => {
  if (form === 'proto') return delimited
  if (form === 'json') return (record) => `${JSON.stringify(recordToJson(record))}\n`
  const lines = new RecordLines()
  return (record) => `${lines.lineOf(record)}\n`
}

const delimited = (record: PredictionRecord): Uint8Array => {
  const message = encodeRecord(record)
  const bytes: number[] = []
  for (let left = message.length; ; left >>>= 7) {
    bytes.push(left < 0x80 ? left : (left & 0x7f) | 0x80)
    if (left < 0x80) return Buffer.concat([Uint8Array.from(bytes), message])
  }
}

export class TailOutput {
  readonly #render: (record: PredictionRecord) => string | Uint8Array
  #waiting: PredictionRecord[] = []
  /** Records that it was given. */
  count = 0

  constructor(form: TailForm) {
    this.#render = rendererOf(form)
  }

  readonly take = (record: PredictionRecord): void => {
    this.count++
    this.#waiting.push(record)
    if (this.#waiting.length >= WAITING_MAX) this.flush()
  }

  /** Writes what has been taken. */
  flush(): void {
    if (this.#waiting.length === 0) return
    const parts = this.#waiting.sort(byTime).map((record) => Buffer.from(this.#render(record)))
    this.#waiting = []
    process.stdout.write(Buffer.concat(parts))
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
