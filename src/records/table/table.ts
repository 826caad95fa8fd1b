/** Rows of one shape on their way into one file. */

import { Column, type ColumnSpec } from './column.ts'

const FIRST_ROWS = 64

export class Table {
  readonly columns: readonly Column[]
  rows = 0
  #capacity = 0

  constructor(specs: readonly ColumnSpec[]) {
    this.columns = specs.map((spec) => new Column(spec))
  }

  /** Bytes that the rows take in memory; as much again may be held for those to come. */
  get usedBytes(): number {
    return this.columns.reduce((sum, column) => sum + column.usedBytes(this.rows), 0)
  }

  /**
   * Takes `count` more rows, whose values the caller then writes into every column.
   *
   * @returns the first of them
   */
  addRows(count: number): number {
    const first = this.rows
    if (first + count > this.#capacity) {
      this.#capacity = Math.max(FIRST_ROWS, 2 * this.#capacity, first + count)
      for (const column of this.columns) column.grow(this.#capacity, first)
    }
    this.rows = first + count
    return first
  }

  /** Takes back rows from `rows` on, whatever has been written into them. */
  cut(rows: number): void {
    this.rows = rows
    for (const column of this.columns) column.cut(rows)
  }

  clear(): void {
    this.rows = 0
    for (const column of this.columns) column.clear()
  }
}
