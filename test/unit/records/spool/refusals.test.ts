import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Refusals } from '../../../../src/records/spool/refusals.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

/** A new one comes just as a pause ends. */
const RESONANT = [
  [500, 5000],
  [1000, 5000],
  [2000, 20_000],
  [7000, 37_000],
].map(([tookMs, everyMs]): [Omit<Asking, 'bad'>] => [
  { tookMs: tookMs!, everyMs: everyMs!, isBadFirst: false },
])

const rig = () => {
  let nowMs = 0
  const refusals = new Refusals(() => nowMs, 9)
  /** Which of these may be asked for, and is refused after so many milliseconds. */
  const ask = (names: readonly string[], tookMs: number): string =>
    names
      .filter((name) => {
        if (!refusals.mayAsk(name)) return false
        nowMs += tookMs
        refusals.add(name, nowMs - tookMs)
        return true
      })
      .join('')
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { refusals, ask, pass }
}

test('mayAsk() lets everybody ask once, and then one after the other, seldom', () => {
  const { refusals, ask, pass } = rig()
  expect(ask(['a', 'b', 'c'], 10)).toBe('abc')
  const rounds = Array.from({ length: 7 }, () => {
    pass(45)
    return ask(['a', 'b', 'c'], 10)
  })
  expect(rounds).toEqual(['', 'a', '', 'b', '', 'c', ''])
  expect([refusals.isPausing, refusals.mayAsk('d')]).toEqual([true, true])
})

test('what is refused at once is asked for in every round', () => {
  const { ask } = rig()
  expect([ask(['a', 'b'], 0), ask(['a', 'b'], 0), ask(['b', 'a'], 0)]).toEqual(['ab', 'ab', 'a'])
})

test('one that has gone, or is given, is in the way of no other', () => {
  const { refusals, ask } = rig()
  ask(['a', 'b', 'c'], 0)
  refusals.keep(new Set(['b', 'c']))
  expect([refusals.has('a'), refusals.mayAsk('b'), refusals.mayAsk('c')]).toEqual([
    ...[false, true, false],
  ])
  refusals.delete('b')
  expect([refusals.has('b'), refusals.mayAsk('c')]).toEqual([false, true])
})

test('what was refused once is asked for soon, in turn with what was refused again', () => {
  const { refusals, ask, pass } = rig()
  expect([ask(['a'], 100_000), ask(['a'], 1)]).toEqual(['a', ''])
  pass(30_000)
  expect(ask(['a'], 10_000)).toBe('a')
  pass(60_000)
  expect([ask(['a', 'b'], 20_000), ask(['a', 'b'], 1)]).toEqual(['b', ''])
  pass(30_000)
  expect([ask(['b', 'a'], 10), refusals.isPausing]).toEqual(['a', true])
  pass(90)
  expect(ask(['a', 'b'], 10)).toBe('b')
})

const DUE_MS = 30_000

interface Asking {
  readonly tookMs: number
  /** A new name comes so often, and is refused once. */
  readonly everyMs: number
  /** Those that are always refused, and were so before. */
  readonly bad: readonly string[]
  readonly isBadFirst: boolean
}

/** An hour, in which each is asked for half a minute after the last time; the longest waits. */
const longestWaitsMs = ({ tookMs, everyMs, bad, isBadFirst }: Asking) => {
  let nowMs = 0
  const refusals = new Refusals(() => nowMs, 9)
  const askedMs = new Map(bad.map((name) => [name, -DUE_MS]))
  for (const name of bad) refusals.queue(name)
  const bornMs = new Map<string, number>()
  const waitsMs = { bad: 0, fresh: 0 }
  for (let born = 0; nowMs < 3_600_000; nowMs += 250) {
    for (; born * everyMs <= nowMs; born++) bornMs.set(`new${born}`, nowMs)
    const fresh = [...bornMs.keys()]
    for (const name of isBadFirst ? [...bad, ...fresh] : [...fresh, ...bad]) {
      const atMs = askedMs.get(name)
      if (nowMs < (atMs ?? -DUE_MS) + DUE_MS || !refusals.mayAsk(name)) continue
      if (bornMs.has(name) && atMs !== undefined) {
        refusals.delete(name)
        waitsMs.fresh = Math.max(waitsMs.fresh, nowMs - bornMs.get(name)!)
        bornMs.delete(name)
        continue
      }
      if (!bornMs.has(name)) waitsMs.bad = Math.max(waitsMs.bad, nowMs - Math.max(0, atMs!))
      const sinceMs = nowMs
      nowMs += tookMs
      refusals.add(name, sinceMs)
      askedMs.set(name, nowMs)
    }
  }
  for (const name of bad) waitsMs.bad = Math.max(waitsMs.bad, nowMs - askedMs.get(name)!)
  for (const atMs of bornMs.values()) waitsMs.fresh = Math.max(waitsMs.fresh, nowMs - atMs)
  return waitsMs
}

test('nobody waits for long, however often others are refused, and however long that takes', () => {
  const world = fc.record({
    tookMs: fc.constantFrom(0, 1, 100, 500, 1000, 2000, 3400, 5000, 7000, 10_000),
    everyMs: fc.integer({ min: 4, max: 240 }).map((times) => times * 500),
    isBadFirst: fc.boolean(),
  })
  fc.assert(
    fc.property(world, (asking) => {
      fc.pre(asking.everyMs >= 4 * asking.tookMs)
      const waitsMs = longestWaitsMs({ ...asking, bad: ['old'] })
      const boundMs = 2 * DUE_MS + 20 * asking.tookMs
      expect(waitsMs.bad).toBeLessThan(boundMs)
      expect(waitsMs.fresh).toBeLessThan(boundMs)
    }),
    { numRuns: propertyRuns(40), examples: RESONANT },
  )
})

test.each([0, 10, 7000])(
  'what is refused once waits for none of many that are bad (%i ms)',
  (tookMs) => {
    const bad = Array.from({ length: 20 }, (_, i) => `bad${i}`)
    const { fresh } = longestWaitsMs({ tookMs, everyMs: 900_000, bad, isBadFirst: true })
    expect(fresh).toBeLessThan(2 * DUE_MS + 20 * tookMs)
  },
)

test('queue() has each wait for its turn, and others no longer than they did', () => {
  const { refusals, ask, pass } = rig()
  ask(['a'], 10)
  for (const name of ['b', 'c']) refusals.queue(name)
  expect(ask(['a', 'b', 'c'], 10)).toBe('b')
  pass(90)
  expect([ask(['c', 'b', 'a'], 10), refusals.has('c')]).toEqual(['a', true])
  pass(90)
  expect(ask(['a', 'b', 'c'], 10)).toBe('c')
})
