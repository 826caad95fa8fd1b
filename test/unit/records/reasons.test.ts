import { expect, test } from 'vitest'
import {
  GAP_REASON,
  GAP_REASON_COUNT,
  gapReasonName,
  gapReasonNumber,
} from '../../../src/records/reasons.ts'

test('numbers of reasons are on disk: they stay what they are', () => {
  expect(GAP_REASON).toEqual({
    ...{ SAMPLED: 1, RING_FULL: 2, TOO_LARGE: 3, SPOOL_FULL: 4, DISK_FULL: 5, IO_ERROR: 6 },
    ...{ CORRUPT: 7, RETENTION: 8, KILLED: 9, SEVERAL: 11, UNACCOUNTED: 12, DISABLED: 13 },
    UNSHIPPABLE: 14,
  })
})

test('a reason has a name, and by its name a number', () => {
  for (const reason of Object.values(GAP_REASON)) {
    expect(reason).toBeLessThan(GAP_REASON_COUNT)
    expect(gapReasonName(reason)).toMatch(/^[a-z_]+$/)
    expect(gapReasonNumber(gapReasonName(reason))).toBe(reason)
  }
  expect([gapReasonName(0), gapReasonName(31), gapReasonName(99)]).toEqual(['', '', ''])
  expect([gapReasonNumber(''), gapReasonNumber('lost')]).toEqual([0, 0])
})
