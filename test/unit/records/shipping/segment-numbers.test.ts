import { expect, test } from 'vitest'
import {
  type LatestSegment,
  NONE_YET,
  SegmentNumbers,
} from '../../../../src/records/shipping/segment-numbers.ts'
import { listStreams } from '../../../../src/records/shipping/spool-folder.ts'

const streamOf = (...numbers: readonly string[]) =>
  listStreams(numbers.map((each) => `r1-i3-g${each}.seg`))[0]!

/** What is known after looks at these. */
const seen = (latest: LatestSegment | null, ...looks: readonly (readonly string[])[]) => {
  const numbers = new SegmentNumbers(latest)
  const isRenewed = looks.map((look) => numbers.see(streamOf(...look)))
  const { generation, number } = numbers.latest!
  return [`${generation}-${number}`, numbers.isShort, isRenewed.includes(true)]
}

test('see() misses a number that was left out, from the first one on', () => {
  expect(seen(NONE_YET, ['0-1'], ['0-1', '0-2'], ['0-3'])).toEqual(['0-3', false, false])
  expect(seen(NONE_YET, ['0-2'])).toEqual(['0-2', true, false])
  expect(seen(NONE_YET, ['0-1', '0-3'])).toEqual(['0-3', true, false])
  expect(seen({ generation: 0, number: 7 }, ['0-3', '0-8'])).toEqual(['0-8', false, false])
  expect(seen({ generation: 0, number: 7 }, ['0-9'])).toEqual(['0-9', true, false])
})

test('see() misses none of which nobody knows, and none that is put back', () => {
  expect(seen(null, ['0-4', '0-9'], ['0-10'])).toEqual(['0-10', false, false])
  expect(seen({ generation: 1, number: 2 }, ['0-4'], ['1-1'])).toEqual(['1-2', false, false])
})

test('see() knows when a spool thread has begun to number anew', () => {
  const latest = { generation: 0, number: 7 }
  expect(seen(latest, ['0-8', '1-1'], ['1-2'])).toEqual(['1-2', false, true])
  expect(seen(latest, ['1-2'])).toEqual(['1-2', true, true])
})

test('settled() has one succeeded that has had a later one', () => {
  const numbers = new SegmentNumbers({ generation: 1, number: 2 })
  const isSucceeded = (...each: readonly string[]) =>
    numbers.settled(streamOf(...each)).map((segment) => segment.isSucceeded)
  expect([isSucceeded('1-1'), isSucceeded('0-5', '1-2'), isSucceeded('1-3')]).toEqual([
    ...[[true], [true, false], [false]],
  ])
  expect(new SegmentNumbers(null).settled(streamOf('1-1'))[0]!.isSucceeded).toBe(false)
})

test('takeShort() waits ten minutes for what was left out by one who lives', () => {
  const numbers = new SegmentNumbers(NONE_YET)
  numbers.see(streamOf('0-2'))
  expect([5, 600_004, 600_005, 2e6].map((nowMs) => numbers.takeShort(false, nowMs))).toEqual([
    ...[false, false, true, false],
  ])
  numbers.see(streamOf('0-4'))
  expect([numbers.takeShort(true, 3e6), numbers.takeShort(true, 3e6)]).toEqual([true, false])
})
