import { expect, test } from 'vitest'
import { type Account, newAccount } from '../../../../src/records/shipping/account.ts'
import { Committed } from '../../../../src/records/shipping/committed.ts'

const TOTALS = { records: 5, shadows: 1, rows: 5, duplicates: 0, gaps: {}, quarantined: 0 }

const stateOf = (...accounts: Partial<Account>[]) => ({
  ...{ segments: { a: { offset: 8, done: null } }, totals: TOTALS },
  producers: Object.fromEntries(
    accounts.map((given): [string, never] => {
      const account = { ...newAccount(given.producer ?? 'p'), ...given }
      return [account.producer, { account } as never]
    }),
  ),
})

test('take() shows what is committed, and nothing before', () => {
  const committed = new Committed()
  expect([committed.totals.records, committed.producers, committed.segments.size]).toEqual([
    ...[0, [], 0],
  ])
  committed.take(stateOf({ producer: 'p', taken: 9, records: 5 }))
  expect(committed.totals).toBe(TOTALS)
  expect(committed.segments.get('a')).toEqual({ offset: 8, done: null })
  expect(committed.producers).toEqual([
    { producer: 'p', state: 'open', taken: 9, records: 5, gaps: {} },
  ])
})

test('producers that have ended are told of for a while, though nothing of them is left', () => {
  const committed = new Committed()
  committed.take(stateOf({ producer: 'p', state: 'killed', taken: 9 }, { producer: 'q' }))
  committed.take(stateOf({ producer: 'q', taken: 3 }))
  expect(committed.producers.map(({ producer, state }) => [producer, state])).toEqual([
    ['p', 'killed'],
    ['q', 'open'],
  ])
  for (let i = 0; i < 256; i++) committed.take(stateOf({ producer: `x${i}`, state: 'ended' }))
  expect(committed.producers).toHaveLength(256)
  expect(committed.producers.some(({ producer }) => producer === 'p')).toBe(false)
})
