import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  endpointFolder,
  fileName,
  fileNumber,
  gapsFolder,
  hourOf,
  hourOfFolder,
} from '../../../../src/records/files/partitions.ts'

test('endpointFolder() says endpoint, date and hour', () => {
  const hour = hourOf(Date.UTC(2026, 1, 3, 4, 5))
  expect(endpointFolder('flight-delay', hour)).toBe('endpoint=flight-delay/date=2026-02-03/hour=04')
  expect(gapsFolder(hour)).toBe('_gaps/date=2026-02-03/hour=04')
  expect(endpointFolder('_feedback', 0)).toBe('endpoint=_feedback/date=1970-01-01/hour=00')
})

test('endpointFolder() leaves the root by no name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
      const parts = endpointFolder(name.toWellFormed(), 0).split('/')
      expect(parts.length).toBe(3)
      expect(join('/records', ...parts)).toBe(`/records/${parts.join('/')}`)
    }),
  )
})

test('hourOfFolder() reads what the folders say', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2_000_000 }), (hour) => {
      expect(hourOfFolder(endpointFolder('a', hour))).toBe(hour)
    }),
  )
  for (const folder of ['', 'endpoint=a/date=2026-02-03', '/date=2026-13-03/hour=04', '/x/y']) {
    expect(hourOfFolder(folder)).toBeNull()
  }
})

test('fileNumber() knows the files of its gateway', () => {
  expect(fileNumber(fileName('g7q2', 12), 'g7q2')).toBe(12)
  for (const name of ['g7q2-12.parquet', 'g7q-012.parquet', 'g7q-1.parquet.unfinished', 'g7q-x']) {
    expect(fileNumber(name, 'g7q')).toBe(0)
  }
})
