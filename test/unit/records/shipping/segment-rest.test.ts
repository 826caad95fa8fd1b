import { expect, test } from 'vitest'
import { hasBytesBehind } from '../../../../src/records/shipping/segment-rest.ts'
import { CrashFiles } from '../../../helpers/crash-files.ts'
import { putFile } from '../../../helpers/segments.ts'

test('hasBytesBehind() finds what is no zero, however far behind', () => {
  const files = new CrashFiles()
  const bytes = new Uint8Array(600_000)
  bytes[10] = 1
  putFile(files, '/zeros', bytes)
  bytes[599_999] = 1
  putFile(files, '/more', bytes)
  expect([0, 10, 11, 700_000].map((offset) => hasBytesBehind(files, '/zeros', offset))).toEqual([
    ...[true, true, false, false],
  ])
  expect(hasBytesBehind(files, '/more', 11)).toBe(true)
  expect(hasBytesBehind(files, '/more', 600_000)).toBe(false)
})

test('hasBytesBehind() takes what cannot be read, or not to its end, for something', () => {
  const files = new CrashFiles()
  expect(hasBytesBehind(files, '/nothing', 0)).toBe(true)
  putFile(files, '/zeros', new Uint8Array(600_000))
  expect(hasBytesBehind(files, '/zeros', 0, 300_000)).toBe(true)
  expect(hasBytesBehind(files, '/zeros', 0, 1_000_000)).toBe(false)
})
