import { expect, test } from 'vitest'
import { isCommitDue, isFull } from '../../../../src/records/shipping/commit-due.ts'

const LIMITS = { rowsMax: 100, bytesMax: 1000, ageMsMax: 10_000 }

test('isCommitDue() lets the first records after a quiet time wait a second', () => {
  const times = { sinceMs: 50_000, lastMs: 0, hasEnded: false }
  const due = (nowMs: number) => isCommitDue({ ...times, nowMs }, LIMITS)
  expect([50_000, 50_999, 51_000].map(due)).toEqual([false, false, true])
})

test('isCommitDue() commits as seldom as it may under steady traffic', () => {
  const times = { sinceMs: 50_010, lastMs: 50_000, hasEnded: false }
  const due = (nowMs: number) => isCommitDue({ ...times, nowMs }, LIMITS)
  expect([51_010, 59_999, 60_000].map(due)).toEqual([false, false, true])
})

test('isCommitDue() lets what a replica left wait no longer than the first records', () => {
  const times = { sinceMs: 50_010, lastMs: 50_000, hasEnded: true }
  const due = (nowMs: number) => isCommitDue({ ...times, nowMs }, LIMITS)
  expect([51_009, 51_010].map(due)).toEqual([false, true])
})

test('isCommitDue() waits no longer than it may, be that less than a second', () => {
  const limits = { ...LIMITS, ageMsMax: 0 }
  expect(isCommitDue({ nowMs: 5, sinceMs: 5, lastMs: 5, hasEnded: false }, limits)).toBe(true)
})

test('isFull() goes by rows and by bytes', () => {
  expect(isFull({ rows: 99, bytes: 999 }, LIMITS)).toBe(false)
  expect(isFull({ rows: 100, bytes: 0 }, LIMITS)).toBe(true)
  expect(isFull({ rows: 0, bytes: 1000 }, LIMITS)).toBe(true)
})
