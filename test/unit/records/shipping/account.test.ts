import { expect, test } from 'vitest'
import {
  decodeAccount,
  encodeAccount,
  isForgettable,
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
    { producer: 3 },
  ]) {
    const text = encodeAccount({ ...account, ...wrong } as typeof account)
    expect(() => decodeAccount('it', bytesOf(text))).toThrow(/lacks something/)
  }
})

test('retire() adds up, and an account of which nothing is left may go', () => {
  const open = { ...newAccount('g.0.1-2'), records: 5, gaps: { sampled: 2, ring_full: 1 } }
  const half = retire(open, { records: 3, gaps: 1, below: 9 })
  const all = retire(half, { records: 2, gaps: 2, below: 4 })
  expect(all.retired).toEqual({ records: 5, gaps: 3, below: 9 })
  expect(isForgettable(all)).toBe(false)
  expect(isForgettable({ ...half, state: 'ended' })).toBe(false)
  expect(isForgettable({ ...all, state: 'killed' })).toBe(true)
})
