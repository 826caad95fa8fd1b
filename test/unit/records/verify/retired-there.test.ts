import { expect, test } from 'vitest'
import { RetiredThere } from '../../../../src/records/verify/retired-there.ts'

test('of() takes off what is counted as deleted and was read', () => {
  const there = new RetiredThere()
  there.take('endpoint=a/date=2026-01-02/hour=03/g-4.parquet', {
    'g.0.0-1': [3, 9],
    'g.0.1-1': [1, 9],
  })
  there.take('_gaps/date=2026-01-02/hour=03/g-5.parquet', { 'g.0.0-1': [2, 7] })
  there.take('endpoint=a/date=2026-01-02/hour=03/g-7.parquet', { 'g.0.0-1': [5, 7] })
  // That of another gateway has another's numbers.
  there.take('endpoint=a/date=2026-01-02/hour=03/h-6.parquet', { 'g.0.0-1': [5, 7] })
  const retired = { records: 20, gaps: 1, below: 9 }
  expect(there.of('g.0.0-1', { ...retired, files: [[4, 6]] })).toEqual({ records: 15 })
  expect(there.of('g.0.0-1', retired)).toEqual({ records: 20 })
  expect(there.of('g.0.0-9', { ...retired, files: [[4, 6]] })).toEqual({ records: 20 })
})
