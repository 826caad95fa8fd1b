import { expect, test } from 'vitest'
import { Refusals } from '../../../../src/records/files/refusals.ts'

const HOUR_MS = 3_600_000

test('a folder has its next turn in an hour', () => {
  const refusals = new Refusals()
  refusals.add('a', 1000)
  refusals.add('a', 2000)
  refusals.release(HOUR_MS + 999)
  expect(refusals.has('a')).toBe(true)
  refusals.release(HOUR_MS + 1000)
  expect(refusals.has('a')).toBe(false)
})

test('no more than a thousand have it in an hour, the oldest first', () => {
  const refusals = new Refusals()
  for (let number = 0; number < 2500; number++) refusals.add(`${number}`, 0)
  const left = () => Array.from({ length: 2500 }, (_, i) => i).filter((i) => refusals.has(`${i}`))
  for (const minutes of [60, 61, 119]) refusals.release(minutes * 60_000)
  expect(left()[0]).toBe(1000)
  refusals.release(2 * HOUR_MS)
  expect(left()[0]).toBe(2000)
  refusals.release(3 * HOUR_MS)
  expect(left()).toEqual([])
})
