import { expect, test } from 'vitest'
import { GAP_COUNT_MAX } from '../../../../src/records/entry.ts'
import { readGaps } from '../../../../src/records/entry-reader.ts'
import type { Gap } from '../../../../src/records/reasons.ts'
import { putGaps } from '../../../../src/records/ring/gap-entry.ts'
import { GapRuns } from '../../../../src/records/ring/gap-runs.ts'
import {
  drain,
  giveBack,
  mapRecordRing,
  recordRingBytes,
} from '../../../../src/records/ring/record-ring.ts'

const CAPACITY = 64 * 1024

const rig = () => {
  const buffer = new SharedArrayBuffer(recordRingBytes(CAPACITY))
  const ring = mapRecordRing(buffer, 0, CAPACITY)
  const take = (): Gap[][] => {
    const found: Gap[][] = []
    drain(ring, (from, to) => found.push(readGaps(ring.bytes.slice(from, to))) > 0)
    giveBack(ring)
    return found
  }
  return { ring, take }
}

test('runs come back as they were, before and behind the first one', () => {
  const { ring, take } = rig()
  const runs = new GapRuns(8)
  const far = 2 ** 40
  for (const sequence of [far, far + 1, far - 5]) runs.add(sequence, 2)
  runs.add(far + 9, 31)
  expect(putGaps(ring, runs)).toBe(true)
  expect(runs.length).toBe(0)
  expect(take()).toEqual([
    [
      { from: far, to: far + 1, reason: 2 },
      { from: far - 5, to: far - 5, reason: 2 },
      { from: far + 9, to: far + 9, reason: 31 },
    ],
  ])
})

test('runs too far from each other, or too many, are several entries', () => {
  const { ring, take } = rig()
  const runs = new GapRuns(2000)
  runs.add(1, 1)
  runs.add(2 ** 33, 1)
  while (runs.length > 0) putGaps(ring, runs)
  expect(take().map((each) => each.length)).toEqual([1, 1])
  for (let i = 0; i < 1200; i++) runs.add(2 * i + 1, 1)
  while (runs.length > 0) putGaps(ring, runs)
  const found = take()
  expect(found.length).toBe(3)
  expect(found.flat()).toHaveLength(1200)
})

test('a run longer than one can say goes on in the next entry', () => {
  const { ring, take } = rig()
  const runs = new GapRuns(1)
  const last = GAP_COUNT_MAX + 10
  // Widened to SEVERAL: the only way to a run of millions without millions of calls.
  runs.add(1, 1)
  runs.add(last, 1)
  while (runs.length > 0) putGaps(ring, runs)
  expect(take()).toEqual([
    [{ from: 1, to: GAP_COUNT_MAX, reason: 11 }],
    [{ from: GAP_COUNT_MAX + 1, to: last, reason: 11 }],
  ])
})

test('without room nothing is taken off the list', () => {
  const { ring } = rig()
  const runs = new GapRuns(4)
  runs.add(1, 1)
  while (putGaps(ring, runs)) runs.add(1, 1)
  expect(runs.length).toBe(1)
})
