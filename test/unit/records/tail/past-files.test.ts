import { expect, test } from 'vitest'
import { endMsOf, pastFiles } from '../../../../src/records/tail/past-files.ts'

const at = (endpoint: string, hour: string, file: string) =>
  `/r/endpoint=${endpoint}/date=2026-01-02/hour=${hour}/${file}.parquet`

test('pastFiles() are in the order of hours, then of numbers, whatever the endpoint', () => {
  const paths = [at('b', '03', 'g-10'), at('a', '04', 'g-11'), at('a', '03', 'g-9'), '/r/x.parquet']
  expect(pastFiles(paths, 0).map(({ path }) => path)).toEqual([
    at('a', '03', 'g-9'),
    at('b', '03', 'g-10'),
    at('a', '04', 'g-11'),
  ])
})

test('pastFiles() leaves out hours that ended before', () => {
  const paths = [at('a', '03', 'g-1'), at('a', '04', 'g-2')]
  const fourMs = Date.UTC(2026, 0, 2, 4)
  expect(pastFiles(paths, fourMs - 1)).toHaveLength(2)
  const [only] = pastFiles(paths, fourMs)
  expect(only).toMatchObject({ number: 2 })
  expect(endMsOf(only!)).toBe(Date.UTC(2026, 0, 2, 5))
})
