/** Records on their way into files: one table for each endpoint, hour and set of columns. */

import { ENTRY_DOUBLE, ENTRY_WORD, LENGTH_AT } from '../entry.ts'
import { EntryInvalid } from '../entry-cursor.ts'
import { decodeEntry } from '../entry-reader.ts'
import type { PredictionRecord } from '../record.ts'
import { FEEDBACK_PARTITION } from '../record-columns.ts'
import type { RecordLayout } from '../record-layout.ts'
import type { FrameViews } from '../shipping/frame-views.ts'
import type { Held, ShipBatch } from '../shipping/sink.ts'
import { type EntryRows, entryRowsOf } from '../table/entry-rows.ts'
import { addFeedback, addPrediction, boundedTimeMs } from '../table/record-rows.ts'
import { FEEDBACK_SHAPE, type Shape, shapeOf } from '../table/shape.ts'
import { Table } from '../table/table.ts'
import { endpointFolder, hourOf } from './partitions.ts'

/** Hour of the entry that begins at byte `from`. */
const hourAt = ({ doubles }: FrameViews, from: number): number =>
  hourOf(boundedTimeMs(doubles[(from >> 3) + ENTRY_DOUBLE.TIME]!))

export interface RecordTable {
  /** Where its file belongs. */
  readonly folder: string
  readonly table: Table
}

/** What is known of a layout. */
interface LayoutPlan {
  readonly layout: RecordLayout
  readonly shape: Shape
  /** null: its entries have to be decoded. */
  readonly rows: EntryRows | null
}

export class RecordTables {
  readonly #tables = new Map<string, RecordTable>()
  readonly #plans = new WeakMap<RecordLayout, LayoutPlan>()
  #rows = 0
  #bytes = 0

  get held(): Held {
    return { rows: this.#rows, bytes: this.#bytes }
  }

  /** Those that have rows. */
  get filled(): readonly RecordTable[] {
    return [...this.#tables.values()].filter(({ table }) => table.rows > 0)
  }

  /** Returns sequences of entries that are no records. */
  add(batch: ShipBatch): number[] {
    const unreadable: number[] = []
    const { layouts, froms, count } = batch
    const { words, doubles } = batch.frame
    for (let i = 0; i < count; ) {
      const from = froms[i]!
      const layout = layouts.get(words[(from >> 2) + ENTRY_WORD.LAYOUT]!)
      const plan = layout === undefined ? null : this.#planOf(layout)
      const end = plan === null ? i : this.#usualUpTo(plan, batch, i)
      if (plan !== null && end > i) {
        this.#addUsual(plan, batch, i, end)
        i = end
        continue
      }
      const isUsual = plan?.rows?.takes(batch.frame, from) === true
      if (plan !== null && isUsual) this.#addMany(plan, batch, from)
      else if (!this.#addDecoded(plan, batch, from)) {
        unreadable.push(doubles[(from >> 3) + ENTRY_DOUBLE.SEQUENCE]!)
      }
      i++
    }
    return unreadable
  }

  /** All rows are in files. Tables that had none are given up. */
  clear(): void {
    for (const [key, { table }] of this.#tables) {
      if (table.rows === 0) this.#tables.delete(key)
      table.clear()
    }
    this.#rows = 0
    this.#bytes = 0
  }

  /** Behind the entries from index `start` on of one usual row, one layout and one hour. */
  #usualUpTo({ layout, rows }: LayoutPlan, batch: ShipBatch, start: number): number {
    if (rows === null) return start
    const { frame, froms, count } = batch
    const hour = hourAt(frame, froms[start]!)
    let end = start
    while (end < count) {
      const from = froms[end]!
      if (frame.words[(from >> 2) + ENTRY_WORD.LAYOUT] !== layout.id) break
      if (frame.words[(from >> 2) + ENTRY_WORD.ROWS] !== 1) break
      if (!rows.takes(frame, from) || hourAt(frame, from) !== hour) break
      end++
    }
    return end
  }

  #addUsual(plan: LayoutPlan, batch: ShipBatch, start: number, end: number): void {
    const { producer, frame, froms } = batch
    const { layout, shape, rows } = plan
    const { table } = this.#tableOf(layout.endpoint, hourAt(frame, froms[start]!), shape)
    rows!.add(table, { producer, frame, froms, headers: froms, start, end })
    this.#rows += end - start
    for (let i = start; i < end; i++) this.#bytes += frame.words[(froms[i]! >> 2) + LENGTH_AT]!
  }

  #addMany(
    { layout, shape, rows }: LayoutPlan,
    { producer, frame }: ShipBatch,
    from: number,
  ): void {
    const { table } = this.#tableOf(layout.endpoint, hourAt(frame, from), shape)
    const before = table.rows
    rows!.addMany(table, { producer, frame }, from)
    this.#rows += table.rows - before
    this.#bytes += frame.words[(from >> 2) + LENGTH_AT]!
  }

  /** False: it is no record. */
  #addDecoded(plan: LayoutPlan | null, batch: ShipBatch, from: number): boolean {
    const { bytes, words } = batch.frame
    const entry = bytes.subarray(from, from + words[(from >> 2) + LENGTH_AT]!)
    let record: PredictionRecord
    try {
      record = decodeEntry(entry, batch.layouts, batch.producer)
    } catch (thrown) {
      if (!(thrown instanceof EntryInvalid)) throw thrown
      return false
    }
    const isFeedback = record.role === 'feedback'
    const endpoint = isFeedback ? FEEDBACK_PARTITION : record.endpoint
    const shape = isFeedback ? FEEDBACK_SHAPE : plan!.shape
    const { table } = this.#tableOf(endpoint, hourOf(boundedTimeMs(record.timeMs)), shape)
    const before = table.rows
    if (isFeedback) addFeedback(table, record)
    else addPrediction(table, shape, record)
    this.#rows += table.rows - before
    this.#bytes += entry.length
    return true
  }

  #planOf(layout: RecordLayout): LayoutPlan {
    let plan = this.#plans.get(layout)
    if (plan === undefined) {
      const shape = shapeOf(layout)
      plan = { layout, shape, rows: entryRowsOf(layout, shape) }
      this.#plans.set(layout, plan)
    }
    return plan
  }

  #tableOf(endpoint: string, hour: number, shape: Shape): RecordTable {
    const key = `${endpoint}\0${hour}\0${shape.key}`
    let table = this.#tables.get(key)
    if (table === undefined) {
      table = { folder: endpointFolder(endpoint, hour), table: new Table(shape.specs) }
      this.#tables.set(key, table)
    }
    return table
  }
}
