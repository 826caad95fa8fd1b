import { expect, test } from 'vitest'
import {
  addGivenUp,
  contentsIn,
  contentsOf,
  gapContentsOf,
} from '../../../../src/records/files/contents.ts'
import { fillTable } from '../../../helpers/records/tables.ts'

test('contentsOf() counts requests, not rows, and no shadows', () => {
  const table = fillTable({
    specs: [
      { name: 'producer', type: 'text' },
      { name: 'sequence', type: 'int64' },
      { name: 'row', type: 'int32' },
      { name: 'role', type: 'text' },
    ],
    rows: [
      ['a', 7n, 0, 'answer'],
      ['a', 7n, 1, 'answer'],
      ['b', 2n ** 40n, 0, 'failed'],
      ['a', 5n, 0, 'answer'],
      ['c', 5n, 0, 'shadow'],
    ],
  })
  expect(contentsOf(table)).toEqual({ a: [2, 7], b: [1, 2 ** 40] })
})

test('gapContentsOf() counts sequences', () => {
  const table = fillTable({
    specs: [
      { name: 'producer', type: 'text' },
      { name: 'first', type: 'int64' },
      { name: 'last', type: 'int64' },
    ],
    rows: [
      ['a', 1n, 10n],
      ['a', 20n, 20n],
    ],
  })
  expect(gapContentsOf(table)).toEqual({ a: [11, 20] })
})

test('addGivenUp() notes what files held, records and gaps apart', () => {
  const givenUp = new Map()
  addGivenUp(givenUp, contentsIn('{"a":[2,7],"b":[1,9]}'), [4, 2], false)
  addGivenUp(givenUp, contentsIn('{"a":[5,20]}'), [5], true)
  expect(Object.fromEntries(givenUp)).toEqual({
    a: [
      { numbers: [4, 2], records: 2, gaps: 0, below: 8 },
      { numbers: [5], records: 0, gaps: 5, below: 21 },
    ],
    b: [{ numbers: [4, 2], records: 1, gaps: 0, below: 10 }],
  })
  for (const text of ['[]', '', '{"a":3}', '{"a":["1",2]}'])
    expect(() => contentsIn(text)).toThrow()
})
