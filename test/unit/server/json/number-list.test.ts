import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  numberPlace,
  readNumbers,
  readRows,
  rowsRead,
} from '../../../../src/server/json/number-list.ts'
import { blanks, numberText, perhapsDamaged } from '../../../helpers/damaged-json.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const FREE = 77

const read = (bytes: Uint8Array, count: number, magnitudeMax: number) => {
  numberPlace.column = new Float64Array(count + 2).fill(FREE)
  Object.assign(numberPlace, { base: 1, count, magnitudeMax })
  const end = readNumbers(bytes, 0, numberPlace)
  const { column } = numberPlace
  expect([column[0], column[count + 1]]).toEqual([FREE, FREE])
  return { end, values: [...column.slice(1, count + 1)] }
}

/** Up to nine digits, as most numbers are. */
const short = fc.stringMatching(/^-?(0|[1-9][0-9]{0,4})(\.[0-9]{1,4})?$/)
const lists = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: short }, numberText), { minLength: 1 }),
    fc.oneof(fc.constant(['']), blanks),
  )
  .map(([numbers, [blank = '', other = '']]) => `[${numbers.join(`${blank},${other}`)}${blank}]`)

test('readNumbers() reads what JSON.parse reads, to the bit', () => {
  const property = fc.property(lists, (text) => {
    const expected = JSON.parse(text) as number[]
    const { end, values } = read(Buffer.from(`${text}}`), expected.length, Number.MAX_VALUE)
    const areFinite = expected.every(Number.isFinite)
    expect(end).toBe(areFinite ? text.length : -1)
    if (areFinite) expect(values).toEqual(expected)
  })
  fc.assert(property, { numRuns: propertyRuns(1000) })
})

/** What `JSON.parse` reads; null where it refuses. */
const parsed = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return null
  }
}

test('readNumbers() reads a damaged list only where it is one still, of that many', () => {
  const property = fc.property(perhapsDamaged(lists), fc.nat({ max: 3 }), (bytes, more) => {
    const { end, values } = read(bytes, more + 1, 1e6)
    if (end < 0) return
    expect(parsed(bytes.subarray(0, end))).toEqual(values)
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(1e6)
  })
  fc.assert(property, { numRuns: propertyRuns(2000) })
})

test.each([
  '[',
  '[]',
  '[1',
  '[1,]',
  '[,1]',
  '[-]',
  '[01]',
  '[1.]',
  '[.5]',
  '[1.e5]',
  '[1e]',
  '[+1]',
  '["1"]',
  '[1 2]',
  '[1}',
  '1]',
])('readNumbers() reads no %s', (text) => {
  for (const count of [0, 1, 2]) expect(read(Buffer.from(text), count, 1e9).end).toBe(-1)
})

/** text, rows at most, offset of the end, rows, values */
const MATRICES: readonly (readonly [string, number, number, number, readonly number[]])[] = [
  ['[[1,2]]', 3, 7, 1, [1, 2]],
  [' [ [1,2] , [3, 4] ] ', 3, 19, 2, [1, 2, 3, 4]],
  ['[[1,2],[3,4],[5,6]]', 3, 19, 3, [1, 2, 3, 4, 5, 6]],
  ['[[1,2],[3,4],[5,6]]', 2, -1, 2, [1, 2, 3, 4]],
  ['[[1,2],[3]]', 3, -1, 1, [1, 2]],
  ['[[1,2],]', 3, -1, 1, [1, 2]],
  ['[[1,2]', 3, -1, 1, [1, 2]],
  ['[[1,2] [3,4]]', 3, -1, 1, [1, 2]],
  ['[[1,2],{}]', 3, -1, 1, [1, 2]],
  ['[]', 3, -1, 0, []],
  ['[1,2]', 3, -1, 0, []],
  ['[[1,2]]', 0, -1, 0, []],
]

test.each(MATRICES)('readRows() reads of %s up to %i rows', (text, rowsMax, end, rows, values) => {
  numberPlace.column = new Float64Array(8).fill(FREE)
  Object.assign(numberPlace, { base: 1, count: 2, magnitudeMax: 100 })
  expect(readRows(Buffer.from(`${text}}`), 0, numberPlace, rowsMax)).toBe(end)
  expect(rowsRead).toBe(rows)
  expect([...numberPlace.column.slice(1, 1 + rows * 2)]).toEqual(values)
  expect(numberPlace.column[7]).toBe(FREE)
})
