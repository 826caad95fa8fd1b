import { expect, test } from 'vitest'
import { Tally } from '../../../../bench/load/tally.ts'

const nobody = () => undefined

test('Tally counts answers, those that were not wanted, and what broke', () => {
  const tally = new Tally()
  const nowMs = performance.now()
  tally.answered(nowMs, null, nobody)
  tally.answered(nowMs, 'a 500', nobody)
  tally.failed('a connection broke')
  expect(tally.result(2)).toMatchObject({
    ...{ requests: 2, seconds: 2, failures: 2, badAnswers: 1 },
    ...{ firstFailure: 'a 500', idsChecked: 0, idsTwice: 0 },
  })
})

test('Tally takes latencies from when they began', () => {
  const tally = new Tally()
  for (const agoMs of [0, 0, 0, 1_000]) tally.answered(performance.now() - agoMs, null, nobody)
  const { p50, highest } = tally.result(1).latencyUs
  expect(p50).toBeLessThan(1_000_000)
  expect(highest).toBeGreaterThanOrEqual(1_000_000)
  expect(new Tally().result(1).latencyUs).toEqual({ p50: 0, p99: 0, highest: 0 })
})

test('Tally finds ids that come twice, among the first answers', () => {
  const tally = new Tally()
  const ids = ['a', 'b', 'a', undefined]
  for (const id of ids) tally.answered(performance.now(), null, () => id)
  expect(tally.result(1)).toMatchObject({ idsChecked: 3, idsTwice: 1 })
})

test('Tally asks for no ids beyond the first 10,000', () => {
  const tally = new Tally()
  let asked = 0
  for (let i = 0; i < 10_010; i++) tally.answered(performance.now(), null, () => `${asked++}`)
  expect(asked).toBe(10_000)
  expect(tally.result(1)).toMatchObject({ requests: 10_010, idsChecked: 10_000, idsTwice: 0 })
})
