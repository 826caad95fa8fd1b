import { expect, test } from 'vitest'
import { createBuildTime } from '../../../../scripts/tier/build-time.ts'

test('builds get what is left of their time together, and no more than their tier has', () => {
  let nowMs = 0
  const build = createBuildTime(1000, () => nowMs)
  const given: number[] = []
  const take = (ms: number) => (timeoutMs: number) => {
    given.push(timeoutMs)
    nowMs += ms
  }
  build(300.5, take(200))
  build(Number.POSITIVE_INFINITY, take(300))
  nowMs += 10_000 // tests, between builds
  build(Number.POSITIVE_INFINITY, take(500))
  expect(given).toEqual([300, 800, 500])
  expect(() => build(Number.POSITIVE_INFINITY, take(1))).toThrow('no time is left')
  expect(given).toHaveLength(3)
})

test('a build that fails has taken its time too', () => {
  let nowMs = 0
  const build = createBuildTime(1000, () => nowMs)
  const failing = () => {
    nowMs += 1000
    throw new Error('no network')
  }
  expect(() => build(5000, failing)).toThrow('no network')
  expect(() => build(5000, failing)).toThrow('no time is left')
})

test('nothing is built where its tier is over', () => {
  const build = createBuildTime(1000)
  expect(() => build(0.9, () => {})).toThrow('no time is left')
  expect(() => build(-1, () => {})).toThrow('no time is left')
})
