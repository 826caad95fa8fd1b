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
  expect([committed.totals.records, committed.shipped.producers, committed.segments.size]).toEqual([
    ...[0, [], 0],
  ])
  committed.take(stateOf({ producer: 'p', taken: 9, records: 5 }))
  expect(committed.totals).toBe(TOTALS)
  expect(committed.segments.get('a')).toEqual({ offset: 8, done: null })
  expect(committed.shipped.producers).toEqual([
    { producer: 'p', state: 'open', taken: 9, records: 5, gaps: {} },
  ])
})

test('unshippedBytes() are those behind the places, and none of what is done', () => {
  const committed = new Committed()
  const lying = [
    { file: 'a', bytes: 20 },
    { file: 'b', bytes: 100 },
  ]
  expect(committed.unshippedBytes(lying)).toBe(120)
  committed.take(stateOf({}))
  expect(committed.unshippedBytes(lying)).toBe(112)
  const segments = { a: { offset: 24, done: null }, b: { offset: 50, done: 'done' as const } }
  committed.take({ ...stateOf({}), segments })
  expect(committed.unshippedBytes(lying)).toBe(0)
})

const namesOf = (committed: Committed) =>
  committed.shipped.producers.map(({ producer, state }) => [producer, state])

test('producers that have ended are named until they are told, though nothing of them is left', () => {
  const committed = new Committed()
  committed.take(stateOf({ producer: 'p', state: 'killed', taken: 9 }, { producer: 'q' }))
  const told = committed.shipped
  committed.take(stateOf({ producer: 'q', taken: 3 }))
  const all = [
    ['p', 'killed'],
    ['q', 'open'],
  ]
  expect(namesOf(committed)).toEqual(all)
  // By the next process as well, whether it was told or not.
  const next = new Committed()
  next.take({ ...stateOf({ producer: 'q', taken: 3 }), finished: committed.finished })
  expect(namesOf(next)).toEqual(all)
  committed.noteTold(told)
  expect(namesOf(committed)).toEqual([['q', 'open']])
  expect(committed.finished).toEqual([])
})

test('one that has ended otherwise since it was told is told again', () => {
  const committed = new Committed()
  committed.take(stateOf({ producer: 'p', state: 'killed', taken: 9 }))
  const told = committed.shipped
  committed.take(stateOf({ producer: 'p', state: 'killed', taken: 11 }))
  committed.noteTold(told)
  expect(committed.finished).toMatchObject([{ producer: 'p', taken: 11 }])
})

test('where nobody listens the last 4096 are remembered', () => {
  const committed = new Committed()
  const all = Array.from({ length: 4100 }, (_, i) => ({
    producer: `x${i}`,
    state: 'ended' as const,
  }))
  committed.take(stateOf(...all))
  expect([committed.finished.length, committed.finished[0]?.producer]).toEqual([4096, 'x4'])
})
