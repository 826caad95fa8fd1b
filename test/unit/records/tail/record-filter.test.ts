import { expect, test } from 'vitest'
import { isWanted, type RecordFilter } from '../../../../src/records/tail/record-filter.ts'

const ALL: RecordFilter = { endpoints: [], variants: [], roles: [], codes: [], sinceMs: 0 }
const FACTS = {
  endpoint: 'm',
  variant: 'v1',
  role: 'refused',
  code: 'QUEUE_FULL',
  timeMs: 10,
} as const

test.each<[Partial<RecordFilter>, boolean]>([
  [{}, true],
  [{ endpoints: ['m', 'n'] }, true],
  [{ endpoints: ['n'] }, false],
  [{ variants: ['v1'] }, true],
  [{ variants: ['v2'] }, false],
  [{ roles: ['refused'], codes: ['QUEUE_FULL'] }, true],
  [{ roles: ['answer'], codes: ['QUEUE_FULL'] }, false],
  [{ codes: ['INTERNAL'] }, false],
  [{ sinceMs: 10 }, true],
  [{ sinceMs: 10.5 }, false],
])('isWanted() with %j is %s', (filter, wanted) => {
  expect(isWanted(FACTS, { ...ALL, ...filter })).toBe(wanted)
})
