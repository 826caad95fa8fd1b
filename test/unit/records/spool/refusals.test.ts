import { expect, test } from 'vitest'
import { Refusals } from '../../../../src/records/spool/refusals.ts'

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

/** Those that are there are asked for every second, each half a minute after the last time. */
const askAll = (tookMs: number, seconds: number, world: (second: number) => readonly string[]) => {
  const { refusals, ask, pass } = rig()
  const askedMs = new Map<string, number[]>()
  for (let second = 0, nowMs = 0; second < seconds; second++) {
    const names = world(second)
    refusals.keep(new Set(names))
    for (const name of names) {
      const times = askedMs.get(name) ?? []
      if (nowMs < (times.at(-1) ?? -DUE_MS) + DUE_MS) continue
      if (ask([name], tookMs) === '') continue
      nowMs += tookMs
      askedMs.set(name, [...times, nowMs])
    }
    nowMs += 1000
    pass(1000)
  }
  return askedMs
}

for (const tookMs of [0, 10, 7000]) {
  test(`nobody waits for ever where more is refused, each time after ${tookMs} ms`, () => {
    // Every 20 seconds another one comes, which is refused twice at the most, and goes.
    const few = (second: number) =>
      Array.from({ length: 6 }, (_, i) => `n${Math.floor(second / 20) - i}`)
    const asked = askAll(tookMs, 1800, (second) => ['old', ...few(second)])
    const times = asked.get('old')!
    const waits = times.map((at, i) => at - (times[i - 1] ?? 0))
    expect(times.length).toBeGreaterThan(6)
    expect(Math.max(...waits)).toBeLessThan(300_000)
  })

  test(`what is refused once is asked soon beside many that are bad (${tookMs} ms)`, () => {
    const bad = Array.from({ length: 20 }, (_, i) => `bad${i}`)
    const asked = askAll(tookMs, 4000, (second) => (second < 2000 ? bad : [...bad, 'new']))
    const [first, second] = asked.get('new')!
    expect(second! - first!).toBeLessThan(2 * (DUE_MS + 10 * tookMs))
  })
}

test('queue() has one wait for its turn, and others no longer than they did', () => {
  const { refusals, ask, pass } = rig()
  ask(['a'], 10)
  ask(['b'], 10)
  refusals.queue('c')
  expect(ask(['a', 'b', 'c'], 10)).toBe('')
  pass(90)
  expect([ask(['c', 'b', 'a'], 10), refusals.has('c')]).toEqual(['a', true])
})
