import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  compareSegments,
  isSucceeded,
  parseSegmentName,
  segmentName,
} from '../../../../src/records/spool/segment-names.ts'

const NAME = { replica: 1, incarnation: 12, generation: 0, number: 3 }

test('a name says what it is the name of', () => {
  expect(segmentName(NAME)).toBe('r1-i12-g0-3.seg')
  const count = fc.nat()
  fc.assert(
    fc.property(fc.tuple(count, count, fc.nat(1e9 - 1), count), (numbers) => {
      const [replica, incarnation, generation, number] = numbers.map((n) => n % 1e9)
      const name = {
        replica: replica!,
        incarnation: incarnation!,
        generation: generation!,
        number: number!,
      }
      expect(parseSegmentName(segmentName(name))).toEqual(name)
    }),
  )
})

test.each([
  'r1-i12-g0-3',
  'r1-i12-g0-3.seg.tmp',
  'r1-i12-g0-03.seg',
  'r1-i12-3.seg',
  'R1-i12-g0-3.seg',
  'r-1-i12-g0-3.seg',
  '',
])('"%s" is no name of a segment', (name) => {
  expect(parseSegmentName(name)).toBeNull()
})

test('a segment is followed by those of the same replica that are later', () => {
  const later = [
    { ...NAME, number: 4 },
    { ...NAME, generation: 1, number: 1 },
    { ...NAME, incarnation: 13, number: 1 },
  ]
  for (const other of later) {
    expect(compareSegments(NAME, other)).toBeLessThan(0)
    expect(isSucceeded(NAME, [NAME, other])).toBe(true)
    expect(isSucceeded(other, [NAME, other])).toBe(false)
  }
  expect(isSucceeded(NAME, [NAME, { ...NAME, replica: 2, number: 9 }])).toBe(false)
})
