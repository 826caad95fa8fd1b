import { expect, test } from 'vitest'
import { parseSchedstat, spentNs, threadTimes } from '../../../../bench/measure/cpu.ts'

test('parseSchedstat() takes the first number, time on the CPU', () => {
  expect(parseSchedstat('123456789 4242 17\n')).toBe(123456789)
})

test('parseSchedstat() refuses what is no schedstat line', () => {
  for (const text of ['', '12', 'a b c', '1 2', '-1 2 3']) {
    expect(() => parseSchedstat(text)).toThrow('Not a schedstat line')
  }
})

test('spentNs() counts new threads in full and ended ones not at all', () => {
  const before = new Map([
    [1, 100],
    [2, 500],
  ])
  const after = new Map([
    [1, 150],
    [3, 30],
  ])
  expect(spentNs(before, after)).toBe(80)
})

test('threadTimes() of this process grow, and of none are empty', () => {
  const before = threadTimes(process.pid)
  expect(before.size).toBeGreaterThan(0)
  let sum = 0
  for (let i = 0; i < 1e6; i++) sum += Math.sqrt(i)
  expect(sum).toBeGreaterThan(0)
  expect(spentNs(before, threadTimes(process.pid))).toBeGreaterThan(0)
  expect(threadTimes(2 ** 30).size).toBe(0)
})
