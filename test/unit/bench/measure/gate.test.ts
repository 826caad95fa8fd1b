import { expect, test } from 'vitest'
import { atLeast, atMost, gateLine } from '../../../../bench/measure/gate.ts'

test('a gate is met at its very number', () => {
  expect([atLeast('a', 1, 1).isMet, atLeast('a', 0.99, 1).isMet]).toEqual([true, false])
  expect([atMost('a', 1, 1).isMet, atMost('a', 1.01, 1).isMet]).toEqual([true, false])
})

test('a number that is none meets nothing', () => {
  expect([atLeast('a', Number.NaN, 0).isMet, atMost('a', Number.NaN, 9).isMet]).toEqual([
    false,
    false,
  ])
})

test('gateLine() says which side is allowed', () => {
  expect(gateLine(atLeast('share', 0.5, 0.9))).toBe('FAILED share: 0.500 (at least 0.9)')
  expect(gateLine(atMost('ms', 2, 3))).toBe('ok     ms: 2.000 (at most 3)')
})
