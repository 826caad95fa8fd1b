/** Records on their way into files: one table for each endpoint, hour and set of columns. */

import { RECORD_ROLES } from '../../shared/record-policy.ts'
import { ENTRY_DOUBLE, ENTRY_WORD, LENGTH_AT } from '../entry.ts'
import { EntryInvalid } from '../entry-cursor.ts'
import { decodeEntry } from '../entry-reader.ts'
import { FEEDBACK_PARTITION } from '../record-columns.ts'
import type { RecordLayout } from '../record-layout.ts'
import type { Held, ShipBatch } from '../shipping/sink.ts'
import { addFeedback, addPrediction, boundedTimeMs } from '../table/record-rows.ts'
import { FEEDBACK_SHAPE, type Shape, shapeOf } from '../table/shape.ts'
import { Table } from '../table/table.ts'
import { endpointFolder, hourOf } from './partitions.ts'

const FEEDBACK = RECORD_ROLES.indexOf('feedback')

export interface RecordTable {
  /** Where its file belongs. */
  readonly folder: string
  readonly table: Table
}

export class RecordTables {
  readonly #tables = new Map<string, RecordTable>()
  readonly #shapes = new WeakMap<RecordLayout, Shape>()
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
  add({ producer, layouts, frame, froms, count }: ShipBatch): number[] {
    const unreadable: number[] = []
    const { bytes, words, doubles } = frame
    for (let i = 0; i < count; i++) {
      const from = froms[i]!
      const entry = bytes.subarray(from, from + words[(from >> 2) + LENGTH_AT]!)
      const layout = layouts.get(words[(from >> 2) + ENTRY_WORD.LAYOUT]!)
      try {
        const record = decodeEntry(entry, layouts, producer)
        const isFeedback = words[(from >> 2) + ENTRY_WORD.ROLE] === FEEDBACK
        const hour = hourOf(boundedTimeMs(record.timeMs))
        const shape = isFeedback ? FEEDBACK_SHAPE : this.#shapeOf(layout!)
        const endpoint = isFeedback ? FEEDBACK_PARTITION : layout!.endpoint
        const { table } = this.#tableOf(endpoint, hour, shape)
        const before = table.rows
        if (isFeedback) addFeedback(table, record)
        else addPrediction(table, shape, record)
        this.#rows += table.rows - before
        this.#bytes += entry.length
      } catch (thrown) {
        if (!(thrown instanceof EntryInvalid)) throw thrown
        unreadable.push(doubles[(from >> 3) + ENTRY_DOUBLE.SEQUENCE]!)
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
    this.#rows = 0
    this.#bytes = 0
  }

  #shapeOf(layout: RecordLayout): Shape {
    let shape = this.#shapes.get(layout)
    if (shape === undefined) {
      shape = shapeOf(layout)
      this.#shapes.set(layout, shape)
    }
    return shape
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
