import { expect, test } from 'vitest'
import {
  listStreams,
  type ReadFacts,
  verdictOf,
} from '../../../../src/records/shipping/spool-folder.ts'
import type { SegmentEnd } from '../../../../src/records/spool/segment-reader.ts'

const listed = (names: readonly string[]) =>
  listStreams(names).map(({ key, segments }) => ({
    key,
    segments: segments.map(({ file, isSucceeded }) => `${file}${isSucceeded ? ' succeeded' : ''}`),
  }))

test('listStreams() orders segments as they were written, oldest processes first', () => {
  const names = ['r0-i9-g0-10.seg', 'r0-i9-g0-9.seg', 'r1-i8-g0-1.seg', 'r0-i9-g1-1.seg', 'notes']
  expect(listed(names)).toEqual([
    { key: 'r1-i8', segments: ['r1-i8-g0-1.seg'] },
    {
      key: 'r0-i9',
      segments: ['r0-i9-g0-9.seg succeeded', 'r0-i9-g0-10.seg succeeded', 'r0-i9-g1-1.seg'],
    },
  ])
})

test('listStreams() does not take a replica for ended because its successor writes', () => {
  // They write beside each other until the old one has drained.
  expect(listed(['r0-i1-g0-1.seg', 'r0-i2-g0-1.seg'])).toEqual([
    { key: 'r0-i1', segments: ['r0-i1-g0-1.seg'] },
    { key: 'r0-i2', segments: ['r0-i2-g0-1.seg'] },
  ])
})

test('listStreams() lists what cannot be looked at, or is gone, beside all the others', () => {
  const names = [1, 2, 3].map((number) => `r0-i1-g0-${number}.seg`)
  const stat = { kind: 'file', bytes: 7, changedMs: 5, touchedMs: 5 } as const
  const looks = new Map([
    [names[0]!, { stat, isSeen: false }],
    [names[1]!, { stat: null, isSeen: true }],
    [names[2]!, { stat, isSeen: true }],
  ])
  const asked: (readonly string[])[] = []
  const [stream] = listStreams([...names, 'notes'], (files) => {
    asked.push(files)
    return looks
  })
  expect(asked).toEqual([names])
  expect(
    stream!.segments.map(({ bytes, changedMs, isSeen }) => [bytes, changedMs, isSeen]),
  ).toEqual([
    [7, 5, false],
    [0, null, false],
    [7, 5, true],
  ])
})

const ENDS: readonly SegmentEnd[] = [
  ...(['sealed', 'open', 'corrupt', 'newer', 'foreign', 'unreadable', 'missing'] as const),
]

/** What becomes of a segment with a header, unless facts differ. */
const verdicts = (facts: Partial<ReadFacts>) =>
  Object.fromEntries(
    ENDS.map((end) => [
      end,
      verdictOf({
        ...{ end, isFinal: false, isHeadless: false, isNameless: false, idleMs: 0 },
        ...{ hasBytes: () => true, ...facts },
      }),
    ]),
  )

const ALWAYS = { sealed: 'done', newer: 'leave', unreadable: 'wait', missing: 'wait' }
const WAITING = { ...ALWAYS, open: 'wait', corrupt: 'wait', foreign: 'wait' }
const SETTLED = { ...ALWAYS, open: 'done', corrupt: 'quarantine', foreign: 'quarantine' }
const IDLE = { isHeadless: true, isNameless: true, idleMs: 3_600_000 }

test('verdictOf() waits for whoever may still write', () => {
  expect(verdicts({})).toEqual(WAITING)
  expect(verdicts({ isFinal: true })).toEqual(SETTLED)
  expect(verdicts({ ...IDLE, idleMs: 1000 })).toEqual(WAITING)
  expect(verdicts({ ...IDLE, isNameless: false })).toEqual(WAITING)
})

test("verdictOf() has what is nobody's set aside, and what is empty go", () => {
  expect(verdicts(IDLE)).toEqual({ ...SETTLED, open: 'quarantine' })
  expect(verdicts({ ...IDLE, hasBytes: () => false })).toEqual(SETTLED)
})

test('verdictOf() has bytes without a header set aside, and no half frame behind one', () => {
  const headless = { isFinal: true, isHeadless: true }
  expect(verdicts(headless)).toEqual({ ...SETTLED, open: 'quarantine' })
  expect(verdicts({ ...headless, hasBytes: () => false })).toEqual(SETTLED)
})
