/** Records on their way into files: one table for each endpoint, hour and set of columns. */

import { RECORD_ROLES } from '../../shared/record-policy.ts'
import { ENTRY_DOUBLE, ENTRY_WORD, LENGTH_AT } from '../entry.ts'
import { decodeEntry } from '../entry-reader.ts'
import { FEEDBACK_PARTITION } from '../record-columns.ts'
import type { RecordLayout } from '../record-layout.ts'
import type { FrameViews } from '../shipping/frame-views.ts'
import type { Held, ShipBatch, Unreadable } from '../shipping/sink.ts'
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

interface TablePlace {
  readonly endpoint: string
  readonly hour: number
  readonly shape: Shape
}

/** What is known of a layout. */
interface LayoutPlan {
  readonly layout: RecordLayout
  readonly shape: Shape
  /** null: its entries have to be decoded. */
  readonly rows: EntryRows | null
}

const SHADOW = RECORD_ROLES.indexOf('shadow')

/** There is no memory for it now: a new process may have it. */
const isOfMemory = (thrown: unknown): boolean =>
  thrown instanceof RangeError && /allocation/i.test(thrown.message)

/** What a table takes beside its entries as soon as it has a row: room for 64, texts for more. */
const COLUMN_BYTES = 1536
/** Tables that are kept with the room that they have for the next rows. */
const KEPT_MAX = 64

export class RecordTables {
  readonly #onFault: (producer: string, thrown: unknown) => void
  readonly #tables = new Map<string, RecordTable>()
  readonly #plans = new WeakMap<RecordLayout, LayoutPlan>()
  #rows = 0
  #bytes = 0

  /** `onFault` is told why an entry is no record. */
  constructor(onFault: (producer: string, thrown: unknown) => void = () => {}) {
    this.#onFault = onFault
  }

  get held(): Held {
    return { rows: this.#rows, bytes: this.#bytes }
  }

  /** Those that have rows. */
  get filled(): readonly RecordTable[] {
    return [...this.#tables.values()].filter(({ table }) => table.rows > 0)
  }

  /**
   * Returns entries that are no records. Whatever goes wrong with one of them is its own matter:
   * shipped again and again, it would stop all others.
   */
  add(batch: ShipBatch): Unreadable[] {
    const unreadable: Unreadable[] = []
    const { froms, count } = batch
    const { words, doubles } = batch.frame
    for (let i = 0; i < count; ) {
      const from = froms[i]!
      const plan = this.#planAt(batch, from)
      const usualEnd = plan === null ? i : this.#usualUpTo(plan, batch, i)
      if (plan !== null && usualEnd > i && this.#addUsual(plan, batch, i, usualEnd)) {
        i = usualEnd
        continue
      }
      for (const end = Math.max(i + 1, usualEnd); i < end; i++) {
        if (plan !== null && i < usualEnd && this.#addUsual(plan, batch, i, i + 1)) continue
        const at = froms[i]!
        if (this.#decode(plan, batch, at)) continue
        const sequence = doubles[(at >> 3) + ENTRY_DOUBLE.SEQUENCE]!
        const isShadow = words[(at >> 2) + ENTRY_WORD.ROLE] === SHADOW
        unreadable.push({ sequence, isShadow })
      }
    }
    return unreadable
  }

  /** All rows are in files. Tables that had none are given up. */
  clear(): void {
    for (const [key, { table }] of this.#tables) {
      if (table.rows === 0) this.#tables.delete(key)
      table.clear()
    }
    if (this.#tables.size > KEPT_MAX) this.#tables.clear()
    this.#rows = 0
    this.#bytes = 0
  }

  /** Behind the usual entries from index `start` on of one layout and one hour. */
  #usualUpTo({ layout, rows }: LayoutPlan, batch: ShipBatch, start: number): number {
    if (rows === null) return start
    const { frame, froms, count } = batch
    const hour = hourAt(frame, froms[start]!)
    let end = start
    while (end < count) {
      const from = froms[end]!
      if (frame.words[(from >> 2) + ENTRY_WORD.LAYOUT] !== layout.id) break
      if (!rows.takes(frame, from) || hourAt(frame, from) !== hour) break
      end++
    }
    return end
  }

  /** null: none that can be made sense of. */
  #planAt({ layouts, frame, producer }: ShipBatch, from: number): LayoutPlan | null {
    const layout = layouts.get(frame.words[(from >> 2) + ENTRY_WORD.LAYOUT]!)
    try {
      return layout === undefined ? null : this.#planOf(layout)
    } catch (thrown) {
      this.#onFault(producer, thrown)
      return null
    }
  }

  /** False: nothing was added. */
  #addUsual(plan: LayoutPlan, batch: ShipBatch, start: number, end: number): boolean {
    const { producer, frame, froms } = batch
    const { layout, shape, rows } = plan
    const place = { endpoint: layout.endpoint, hour: hourAt(frame, froms[start]!), shape }
    const isAdded = this.#tryRows(producer, () => {
      const table = this.#tableOf(place)
      return [table, () => rows!.add(table, { producer, frame, froms, start, end })]
    })
    if (!isAdded) return false
    for (let i = start; i < end; i++) this.#bytes += frame.words[(froms[i]! >> 2) + LENGTH_AT]!
    return true
  }

  /** False: it is no record. */
  #decode(plan: LayoutPlan | null, batch: ShipBatch, from: number): boolean {
    const { bytes, words } = batch.frame
    const isAdded = this.#tryRows(batch.producer, () => {
      const entry = bytes.subarray(from, from + words[(from >> 2) + LENGTH_AT]!)
      const record = decodeEntry(entry, batch.layouts, batch.producer)
      const isFeedback = record.role === 'feedback'
      const endpoint = isFeedback ? FEEDBACK_PARTITION : record.endpoint
      const shape = isFeedback ? FEEDBACK_SHAPE : plan!.shape
      const table = this.#tableOf({ endpoint, hour: hourOf(boundedTimeMs(record.timeMs)), shape })
      const add = () =>
        isFeedback ? addFeedback(table, record) : addPrediction(table, shape, record)
      return [table, add]
    })
    if (isAdded) this.#bytes += words[(from >> 2) + LENGTH_AT]!
    return isAdded
  }

  /** Adds rows to the table that `choose` gives: all of them or, and then it says false, none. */
  #tryRows(producer: string, choose: () => readonly [Table, () => void]): boolean {
    let table: Table | null = null
    let before = 0
    try {
      const [chosen, add] = choose()
      table = chosen
      before = table.rows
      add()
      this.#rows += table.rows - before
      if (before === 0) this.#bytes += table.columns.length * COLUMN_BYTES
      return true
    } catch (thrown) {
      table?.cut(before)
      if (isOfMemory(thrown)) throw thrown
      this.#onFault(producer, thrown)
      return false
    }
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

  #tableOf({ endpoint, hour, shape }: TablePlace): Table {
    const key = `${endpoint}\0${hour}\0${shape.key}`
    let table = this.#tables.get(key)
    if (table === undefined) {
      table = { folder: endpointFolder(endpoint, hour), table: new Table(shape.specs) }
      this.#tables.set(key, table)
    }
    return table.table
  }
}
