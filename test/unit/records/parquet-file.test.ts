import { expect, test } from 'vitest'
import { parquetFile } from '../../../src/records/parquet-file.ts'
import { type Cell, fillTable } from '../../helpers/records/tables.ts'

const fileOf = (cells: readonly Cell[], type: 'text' | 'double') =>
  parquetFile(fillTable({ specs: [{ name: 'a', type }], rows: cells.map((cell) => [cell]) }), {})

test('parquetFile() begins and ends as the format says', () => {
  const bytes = fileOf(['x'], 'text')
  const magic = [...Buffer.from('PAR1')]
  expect([...bytes.subarray(0, 4)]).toEqual(magic)
  expect([...bytes.subarray(-4)]).toEqual(magic)
})

test('parquetFile() writes the same bytes for the same rows', () => {
  const cells = Array.from({ length: 300 }, (_, i) => (i % 7 === 0 ? null : `${i % 13}`))
  expect(fileOf(cells, 'text')).toEqual(fileOf(cells, 'text'))
})

test('parquetFile() makes little of what repeats', () => {
  const repeated = fileOf(new Array<string>(10_000).fill('flight-delay'), 'text')
  expect(repeated.length).toBeLessThan(1000)
  const integers = Array.from({ length: 10_000 }, (_, i) => (i * 7919) % 50)
  expect(fileOf(integers, 'double').length).toBeLessThan(10_000)
})
