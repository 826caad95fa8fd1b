import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cellWidth, renderRows } from '../../../src/cli/query-output.ts'

test.each([
  [[5, 5], 80, 60],
  [[5, 500], 80, 60],
  [[5, 500], 40, 33],
  [[5, 500, 500], 60, 25],
  [[500, 500, 500], 20, 12],
  [[], 80, 60],
])('cellWidth() of cells of %j on %i columns is %i', (widths, columns, wanted) => {
  expect(cellWidth(widths, columns)).toBe(wanted)
})

test('cellWidth() makes rows fit wherever the narrowest cells do', () => {
  const widths = fc.array(fc.nat(200), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(widths, fc.integer({ min: 20, max: 300 }), (cells, columns) => {
      const width = cellWidth(cells, columns)
      const total = (most: number) =>
        cells.reduce((sum, one) => sum + Math.min(one, most), 2 * (cells.length - 1))
      if (total(12) <= columns) expect(total(width)).toBeLessThanOrEqual(columns)
    }),
  )
})

test('renderRows() aligns columns and cuts what is wide', () => {
  const page = renderRows(
    [
      ['id', 'text'],
      ['1', 'a'.repeat(100)],
      ['22', 'null'],
    ],
    30,
  )
  expect(stripVTControlCharacters(page)).toBe(`id  text\n1   ${'a'.repeat(25)}…\n22  null`)
})
