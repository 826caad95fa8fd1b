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

test('what was refused once is asked for soon, and before what was refused again', () => {
  const { refusals, ask, pass } = rig()
  expect([ask(['a'], 100_000), ask(['a'], 1)]).toEqual(['a', ''])
  pass(30_000)
  expect(ask(['a'], 10_000)).toBe('a')
  pass(60_000)
  expect([ask(['a', 'b'], 20_000), ask(['a', 'b'], 1)]).toEqual(['b', ''])
  pass(30_000)
  expect([ask(['a', 'b'], 10), refusals.isPausing]).toEqual(['b', true])
  pass(90)
  expect(ask(['a', 'b'], 10)).toBe('a')
})

test('queue() has one wait for its turn, and others no longer than they did', () => {
  const { refusals, ask, pass } = rig()
  ask(['a'], 10)
  ask(['b'], 10)
  refusals.queue('c')
  expect(ask(['a', 'b', 'c'], 10)).toBe('')
  pass(90)
  expect([ask(['c', 'b', 'a'], 10), refusals.has('c')]).toEqual(['a', true])
})
