import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { OwnFile } from '../../../../src/records/files/own-files.ts'
import { HOUR_MS } from '../../../../src/records/files/partitions.ts'
import { filesToRetire } from '../../../../src/records/files/retention.ts'

const DAY_HOURS = 24
const file = (hour: number, number: number, bytes = 100): OwnFile => ({
  ...{ path: `${hour}/${number}`, folder: `${hour}`, hour, number, bytes },
  changedMs: hour * HOUR_MS,
})
const numbers = (files: readonly OwnFile[]) => files.map(({ number }) => number)

test('filesToRetire() takes hours of which the days are over', () => {
  const files = [file(0, 1), file(DAY_HOURS, 2), file(10 * DAY_HOURS, 3)]
  const retired = (daysMax: number) =>
    numbers(filesToRetire(files, { bytesMax: 0, daysMax }, 11 * DAY_HOURS * HOUR_MS))
  expect(retired(0)).toEqual([])
  expect(retired(30)).toEqual([])
  expect(retired(9)).toEqual([1, 2])
  expect(retired(0.5)).toEqual([1, 2, 3])
})

test('filesToRetire() keeps what was written a moment ago, whatever hour its clock said', () => {
  const nowMs = 1000 * DAY_HOURS * HOUR_MS
  const late = { ...file(0, 1), changedMs: nowMs }
  expect(filesToRetire([late], { bytesMax: 0, daysMax: 30 }, nowMs)).toEqual([])
})

test('filesToRetire() takes the oldest until the rest is within its bytes', () => {
  const files = [file(3, 4), file(1, 2), file(1, 1), file(2, 3)]
  const retired = (bytesMax: number) =>
    numbers(filesToRetire(files, { bytesMax, daysMax: 0 }, 4 * HOUR_MS))
  expect(retired(400)).toEqual([])
  expect(retired(399)).toEqual([1])
  expect(retired(150)).toEqual([1, 2, 3])
  expect(retired(50)).toEqual([1, 2, 3, 4])
})

test('filesToRetire() leaves what is within its bounds, and takes no more than it must', () => {
  const files = fc.array(fc.tuple(fc.nat(100), fc.nat(1000)), { maxLength: 20 })
  fc.assert(
    fc.property(files, fc.integer({ min: 1, max: 5000 }), (given, bytesMax) => {
      const all = given.map(([hour, bytes], index) => file(hour, index, bytes))
      const retired = filesToRetire(all, { bytesMax, daysMax: 0 }, 200 * HOUR_MS)
      const sum = (files: readonly OwnFile[]) => files.reduce((n, { bytes }) => n + bytes, 0)
      const left = sum(all) - sum(retired)
      expect(left <= bytesMax || left === 0).toBe(true)
      if (retired.length > 0) expect(left + retired.at(-1)!.bytes).toBeGreaterThan(bytesMax)
    }),
  )
})

test('filesToRetire() takes what is dated in the future when its turn by number has come', () => {
  const files = [file(900, 1), file(10, 2), file(10, 3)]
  const retired = filesToRetire(files, { bytesMax: 200, daysMax: 0 }, 10 * HOUR_MS)
  expect(numbers(retired)).toEqual([1])
})
