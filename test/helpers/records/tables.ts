/** Tables of any shape and content, and tables that hold given rows. */

import fc from 'fast-check'
import type { ColumnSpec, ColumnType } from '../../../src/records/table/column.ts'
import { Table } from '../../../src/records/table/table.ts'

export type Cell = number | bigint | boolean | string | null

export interface Rows {
  readonly specs: readonly ColumnSpec[]
  readonly rows: readonly (readonly Cell[])[]
}

const few = fc.constantFrom<number>(0, -0, 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY)
const text = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'ä', '\0', '"', 'x'.repeat(300)),
  fc.string({ unit: 'grapheme' }),
)

/** Some value of each type, few of them and many. */
const CELLS: Readonly<Record<ColumnType, readonly fc.Arbitrary<Cell>[]>> = {
  double: [few, fc.double()],
  int32: [fc.constantFrom(0, 200, -1), fc.integer()],
  int64: [fc.constantFrom(0n, -1n, 12n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })],
  uint64: [fc.constantFrom(0n, 2n ** 64n - 1n), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
  timestamp: [fc.bigInt({ min: 0n, max: 4_000_000_000_000_000n })],
  boolean: [fc.boolean()],
  text: [text, fc.constant('same')],
  id: [text],
}

const TYPES = Object.keys(CELLS) as ColumnType[]

/** Values of a column: never null, sometimes null, always null. */
const anyColumn = (type: ColumnType, rows: number): fc.Arbitrary<Cell[]> =>
  fc.oneof(
    ...CELLS[type].flatMap((cell) => [
      fc.array(cell, { minLength: rows, maxLength: rows }),
      fc.array(fc.option(cell), { minLength: rows, maxLength: rows }),
    ]),
    fc.constant(new Array<Cell>(rows).fill(null)),
  )

/** One column at least of a few types, up to 200 rows. */
export const anyTable: fc.Arbitrary<Rows> = fc
  .record({
    types: fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 5 }),
    rows: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200 })),
  })
  .chain(({ types, rows }) =>
    fc.tuple(...types.map((type) => anyColumn(type, rows))).map((columns) => ({
      specs: types.map((type, index) => ({ name: `c${index}`, type })),
      rows: Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!)),
    })),
  )

/** A table of these rows; `table` is one of the same shape that is empty. */
export const fillTable = ({ specs, rows }: Rows, table = new Table(specs)): Table => {
  for (const cells of rows) {
    const row = table.addRows(1)
    for (const [index, cell] of cells.entries()) {
      const column = table.columns[index]!
      if (cell === null) column.setNull(row)
      else if (typeof cell === 'bigint') column.setBigInt(row, cell)
      else if (typeof cell === 'string') column.setText(row, cell)
      else column.setNumber(row, Number(cell))
    }
  }
  return table
}
