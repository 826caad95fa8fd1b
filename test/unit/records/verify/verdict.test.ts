import { expect, test } from 'vitest'
import { type Account, newAccount } from '../../../../src/records/shipping/account.ts'
import { Tally } from '../../../../src/records/verify/tally.ts'
import { verdictOn } from '../../../../src/records/verify/verdict.ts'

const tallyOf = (records: readonly number[], gaps: readonly [number, number, string][] = []) => {
  const tally = new Tally()
  for (const sequence of records) tally.record(sequence)
  for (const [from, to, reason] of gaps) tally.explain(from, to, reason)
  return tally
}
const account = (given: Partial<Account>): Account => ({ ...newAccount('p'), ...given })
const on = (tally: Tally, given: Account | null) => {
  const { report, problems } = verdictOn('p', tally, given)
  const gaps = report.gaps.map(({ from, to, reason }) => `${from}-${to} ${reason}`)
  const { last, present, open_ended: isOpenEnded } = report
  return { gaps, last, present, isOpenEnded, problems }
}

test('verdictOn() is content with a producer that ended in order', () => {
  const ended = account({ state: 'ended', floor: 5, taken: 4 })
  expect(on(tallyOf([1, 2, 4], [[3, 3, 'sampled']]), ended)).toEqual({
    ...{ gaps: ['3-3 sampled'], last: 4, present: 3, isOpenEnded: false, problems: [] },
  })
})

test('verdictOn() leaves open how much a killed producer had taken', () => {
  const killed = account({ state: 'killed', floor: 8, taken: 7 })
  expect(on(tallyOf([1, 2], [[3, 7, 'killed']]), killed)).toEqual({
    ...{ gaps: ['3-7 killed'], last: 7, present: 2, isOpenEnded: true, problems: [] },
  })
})

test('verdictOn() waits for what a living producer has under way', () => {
  const open = account({ state: 'open', floor: 3, taken: 9 })
  expect(on(tallyOf([1, 2, 5]), open)).toMatchObject({ gaps: ['3-4 pending'], problems: [] })
})

test('verdictOn() finds what nobody explains', () => {
  const open = account({ state: 'open', floor: 6, taken: 9 })
  expect(on(tallyOf([1, 2, 5, 8]), open)).toMatchObject({
    gaps: ['3-4 missing', '6-7 pending'],
    problems: ['p: 2 records are missing'],
  })
  const ended = account({ state: 'ended', floor: 5, taken: 4 })
  expect(on(tallyOf([1, 2]), ended)).toMatchObject({ gaps: ['3-4 missing'], last: 4 })
})

test('verdictOn() believes retention as far as it has counted', () => {
  const retired = { records: 3, gaps: 1, below: 6 }
  const open = account({ state: 'open', floor: 9, taken: 8, retired })
  expect(on(tallyOf([5, 6, 7, 8]), open)).toMatchObject({ gaps: ['1-4 retention'], problems: [] })
  expect(on(tallyOf([6, 8]), open)).toMatchObject({
    gaps: ['1-5 retention', '7-7 missing'],
    problems: ['p: 1 records are missing', 'p: 1 more than retention has deleted are missing'],
  })
})

test('verdictOn() believes that records are elsewhere as far as they were counted', () => {
  const elsewhere = { records: 5, gaps: 1, below: 11 }
  const open = account({ state: 'open', floor: 6, taken: 11, elsewhere })
  expect(on(tallyOf([11]), open)).toMatchObject({
    gaps: ['1-5 elsewhere', '6-10 pending'],
    problems: [],
  })
  const further = { ...open, floor: 12 }
  expect(on(tallyOf([6, 7, 9, 10, 11]), further)).toMatchObject({
    gaps: ['1-5 elsewhere', '8-8 elsewhere'],
    problems: [],
  })
  expect(on(tallyOf([6, 9]), further)).toMatchObject({
    gaps: ['1-5 elsewhere', '7-8 elsewhere', '10-10 elsewhere', '11-11 missing'],
    problems: [
      'p: 1 records are missing',
      'p: 2 more than retention has deleted and another records.path has are missing',
    ],
  })
})

test('verdictOn() says that an account is missing', () => {
  expect(on(tallyOf([1, 3]), null)).toEqual({
    gaps: ['2-2 missing'],
    ...{ last: 3, present: 2, isOpenEnded: true },
    problems: ['p: it has records and no account', 'p: 1 records are missing'],
  })
})

test('verdictOn() lists ten thousand gaps, and counts the others', () => {
  const odd = Array.from({ length: 20_001 }, (_, i) => 2 * i + 1)
  const tally = tallyOf(odd, [[1, 40_001, 'sampled']])
  const { report } = verdictOn(
    'p',
    tally,
    account({ state: 'ended', floor: 40_002, taken: 40_001 }),
  )
  expect(report.gaps.length).toBe(10_000)
  expect(report.gaps_omitted).toBe(10_000)
})
