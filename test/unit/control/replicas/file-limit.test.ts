import { expect, test } from 'vitest'
import { connectionLimit, openFilesMaxOf } from '../../../../src/control/replicas/file-limit.ts'

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max processes             127898               127898               processes
Max open files            1024                 524288               files
Max locked memory         8388608              8388608              bytes
`

test('openFilesMaxOf() reads the soft limit', () => {
  expect(openFilesMaxOf(LIMITS)).toBe(1024)
  expect(openFilesMaxOf(LIMITS.replace('1024  ', 'unlimited'))).toBe(Number.POSITIVE_INFINITY)
  expect(openFilesMaxOf('')).toBe(Number.POSITIVE_INFINITY)
})

test('connectionLimit() leaves half of the files to others, and says so', () => {
  expect(connectionLimit(512, 1024)).toEqual({ connectionsMax: 512, warning: null })
  const limit = connectionLimit(10_000, 1024)
  expect(limit.connectionsMax).toBe(512)
  expect(limit.warning).toContain('takes 512 connections')
  expect(connectionLimit(10_000, Number.POSITIVE_INFINITY).warning).toBeNull()
})

test('connectionLimit() knows what this process may open', () => {
  expect(connectionLimit(1).connectionsMax).toBe(1)
})
