import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeAccount,
  encodeAccount,
  isForgettable,
  move,
  NOTHING_RETIRED,
  newAccount,
  retire,
} from '../../../../src/records/shipping/account.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

test('decodeAccount() gives back what encodeAccount() was given', () => {
  const account = { ...newAccount('g.0.1-2'), records: 7, gaps: { sampled: 3 }, floor: 11 }
  expect(decodeAccount('it', bytesOf(encodeAccount(account)))).toEqual(account)
})

test('decodeAccount() refuses what lacks something', () => {
  const account = newAccount('g.0.1-2')
  for (const wrong of [
    { floor: -1 },
    { state: 'resting' },
    { gaps: { sampled: 'x' } },
    { gaps: null },
    { retired: { records: 1 } },
    { retired: { ...NOTHING_RETIRED, files: [1] } },
    { elsewhere: null },
    { producer: 3 },
  ]) {
    const text = encodeAccount({ ...account, ...wrong } as typeof account)
    expect(() => decodeAccount('it', bytesOf(text))).toThrow(/lacks something/)
  }
})

const NONE = { numbers: [], isWhole: true }
const FILE = { records: 0, gaps: 0, below: 0 }

test('retire() adds up, and an account of which nothing is left may go', () => {
  const open = { ...newAccount('g.0.1-2'), records: 5, gaps: { sampled: 2, ring_full: 1 } }
  const half = retire(open, [{ numbers: [4, 2], records: 3, gaps: 1, below: 9 }], NONE)
  const all = retire(half, [{ numbers: [5], records: 2, gaps: 2, below: 4 }], NONE)
  const files = [
    [2, 2],
    [4, 5],
  ]
  expect(all.retired).toEqual({ records: 5, gaps: 3, below: 9, files })
  expect(isForgettable(all)).toBe(false)
  expect(isForgettable({ ...half, state: 'ended' })).toBe(false)
  expect(isForgettable({ ...all, state: 'killed' })).toBe(true)
})

test('retire() counts a file once, also one that had become part of another', () => {
  const account = { ...newAccount('g.0.1-2'), records: 9 }
  const once = retire(account, [{ numbers: [4, 2], records: 3, gaps: 0, below: 9 }], NONE)
  for (const number of [4, 2]) {
    const again = { numbers: [number] as const, records: 2, gaps: 1, below: 5 }
    expect(retire(once, [again], NONE)).toEqual(once)
  }
  // One that an earlier release has written does not say which they were.
  const { files, ...retired } = once.retired
  const old = { ...once, retired }
  expect(retire(old, [{ numbers: [4], records: 2, gaps: 0, below: 5 }], NONE).retired.records).toBe(
    5,
  )
  expect(decodeAccount('it', bytesOf(encodeAccount(once)))).toEqual(once)
})

test('retire() counts files that go at once as if they went one after the other', () => {
  const file = fc.record({
    numbers: fc.tuple(fc.integer({ min: 1, max: 12 })),
    others: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
    ...{ records: fc.nat(9), gaps: fc.nat(9), below: fc.nat(99) },
  })
  const files = fc.array(
    file.map(({ numbers, others, ...rest }) => ({
      ...rest,
      numbers: [...numbers, ...others] as const,
    })),
  )
  fc.assert(
    fc.property(files, fc.array(fc.nat(12)), (all, before) => {
      const first = before.map((number) => ({ ...FILE, numbers: [number] as const }))
      const account = retire(newAccount('g.0.1-2'), first, NONE)
      const oneByOne = all.reduce((known, one) => retire(known, [one], NONE), account)
      expect(retire(account, all, NONE)).toEqual(oneByOne)
    }),
  )
})

test('of too many runs retire() bridges those between which there is no file', () => {
  const numbers = [1, 3, 5, 7, 9, 11]
  const files = numbers.map((number) => ({ ...FILE, numbers: [number] as const }))
  const runsBeside = (there: readonly number[], isWhole = true, runsMax = 3) =>
    retire(newAccount('g.0.1-2'), files, { numbers: there, isWhole }, runsMax).retired.files
  const each = numbers.map((number) => [number, number])
  // Ten times as many while nobody knows which there are.
  expect(runsBeside([], false)).toEqual(each)
  expect(runsBeside([], false, 0)).toEqual([[1, 11]])
  expect(runsBeside([])).toEqual([[1, 7], ...each.slice(4)])
  expect(runsBeside([3, 4, 12])).toEqual([
    [1, 3],
    [5, 9],
    [11, 11],
  ])
  expect(runsBeside([2, 4, 6, 8, 10])).toEqual(each)
})

test('an account stays in which more is counted than there was', () => {
  const account = { ...newAccount('g.0.1-2'), state: 'ended' as const, records: 1 }
  const once = retire(account, [{ ...FILE, records: 1, numbers: [1] }], NONE)
  expect(isForgettable(once)).toBe(true)
  expect(isForgettable(retire(once, [{ ...FILE, records: 1, numbers: [2] }], NONE))).toBe(false)
})

test('move() says of what was shipped until now that it is elsewhere, but for what is here', () => {
  const first = { ...newAccount('g.0.1-2'), records: 5, gaps: { sampled: 2 }, taken: 7 }
  const second = move(first, null)
  expect(second).toEqual({ ...first, elsewhere: { records: 5, gaps: 2, below: 8 } })
  const grown = { ...second, records: 9, gaps: { sampled: 3 }, taken: 12 }
  const back = move(grown, { ...first, retired: { records: 1, gaps: 0, below: 2 } })
  expect(back.elsewhere).toEqual({ records: 4, gaps: 1, below: 13 })
  expect(back.retired).toEqual({ records: 1, gaps: 0, below: 2 })
  const again = move({ ...back, records: 10 }, grown)
  expect(again.elsewhere).toEqual({ records: 6, gaps: 2, below: 13 })
})

test('an account may go where all that is left of it is elsewhere', () => {
  const moved = move({ ...newAccount('g.0.1-2'), state: 'ended', records: 5, taken: 5 }, null)
  expect(isForgettable(moved)).toBe(true)
  expect(isForgettable({ ...moved, records: 6 })).toBe(false)
})
