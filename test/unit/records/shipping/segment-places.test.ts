import { expect, test } from 'vitest'
import { SegmentPlaces } from '../../../../src/records/shipping/segment-places.ts'
import type { Stream } from '../../../../src/records/shipping/spool-folder.ts'

const MINUTE_MS = 60_000

const streamOf = (...files: string[]): Stream => ({
  key: 'r0-i1',
  segments: files.map((file) => ({
    ...{ file, bytes: 1, changedMs: 0, isSeen: true, isSucceeded: false },
    name: { replica: 0, incarnation: 1, generation: 0, number: 1 },
  })),
})

const places = (): SegmentPlaces => {
  const all = new SegmentPlaces()
  all.note('a', { offset: 8 })
  all.note('b', { done: 'done' })
  all.note('c', { isPassedOver: true })
  return all
}

test('note() changes what is known of one, of which nothing may be known', () => {
  const all = places()
  expect(all.of('z')).toEqual({ offset: 0, done: null })
  all.note('a', { done: 'quarantine' })
  expect(all.of('a')).toEqual({ offset: 8, done: 'quarantine' })
  expect([all.hasAll(streamOf('a', 'b')), all.hasAll(streamOf('c')), all.hasAll(null)]).toEqual([
    ...[true, false, true],
  ])
})

test("revive() has one that was nobody's read on when it has changed", () => {
  const all = places()
  const [segment] = streamOf('b').segments
  all.revive(segment!)
  expect(all.of('b')).toEqual({ offset: 0, done: 'done' })
  all.note('b', { bytesAlone: 1 })
  all.revive(segment!)
  expect(all.of('b').done).toBe('done')
  all.revive({ ...segment!, bytes: 2 })
  expect([all.of('b').done, all.of('b').bytesAlone]).toEqual([null, undefined])
})

test('missing() names those of which more was to come', () => {
  expect(places().missing(streamOf('a'))).toEqual(['c'])
  expect(places().missing(null)).toEqual(['a', 'c'])
  expect([['a', 'z'], ['b'], ['z']].map((files) => places().isKnownBy(streamOf(...files)))).toEqual(
    [true, false, false],
  )
  expect(places().isKnownBy(null)).toBe(false)
})

test('forget() keeps what is there', () => {
  const all = places()
  all.forget(streamOf('a', 'c', 'z'))
  expect([[...all.keys()], all.isPassedOver]).toEqual([['a', 'c'], true])
  all.forget(null)
  expect([all.size, all.isPassedOver]).toEqual([0, false])
})

test('countUnreadable() counts the time between two looks in vain', () => {
  const all = places()
  const count = (isUnreadable: boolean, minutes: number) => {
    const isNoted = all.countUnreadable('a', isUnreadable, minutes * MINUTE_MS)
    return [(all.of('a').unreadableMs ?? 0) / MINUTE_MS, isNoted]
  }
  expect([count(true, 7), count(true, 8), count(false, 8.5)]).toEqual([
    ...[
      [0, false],
      [1, false],
      [0, false],
    ],
  ])
  expect([count(true, 20), count(true, 20.5)]).toEqual([
    [0, false],
    [0.5, false],
  ])
  const counted = Array.from({ length: 11 }, (_, i) => count(true, 20.5 + i))
  expect(counted.slice(-2)).toEqual([
    [9.5, false],
    [10.5, true],
  ])
})

test('countUnreadable() counts from the beginning where an earlier process has asked in vain', () => {
  const all = places()
  const count = (file: string) => {
    all.countUnreadable(file, true, 5 * MINUTE_MS)
    return all.of(file).unreadableMs! / MINUTE_MS
  }
  all.note('a', { isPassedOver: true, unreadableMs: 0 })
  // It was passed over for something else, or could be read since.
  all.note('b', { isPassedOver: true })
  all.note('c', { isPassedOver: false, unreadableMs: 0 })
  expect([count('a'), count('b'), count('c')]).toEqual([5, 0, 0])
})

test('expect() has one missed that goes unread, and leaves what is known of others', () => {
  const all = places()
  all.expect(streamOf('a', 'd'))
  expect([all.missing(streamOf('a', 'c')), all.of('a').offset]).toEqual([['d'], 8])
})
