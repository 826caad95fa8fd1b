import { expect, test } from 'vitest'
import { parseOptions } from '../../../bench/options.ts'

test('parseOptions() has 7 rounds of 2 seconds, and 1 of 1 when tiny', () => {
  expect(parseOptions(['http'])).toMatchObject({ what: 'http', rounds: 7, seconds: 2, json: null })
  expect(parseOptions(['http', '--tiny'])).toMatchObject({ isTiny: true, rounds: 1, seconds: 1 })
})

test('parseOptions() takes what follows the benchmark as patterns', () => {
  expect(parseOptions(['micro', 'decode', 'slot']).patterns).toEqual(['decode', 'slot'])
})

test('parseOptions() refuses numbers that make no sense and options that do not exist', () => {
  for (const bad of ['--rounds=0', '--rounds=1.5', '--rounds=x', '--seconds=0', '--seconds=-1']) {
    expect(() => parseOptions(['http', bad])).toThrow(TypeError)
  }
  expect(() => parseOptions(['http', '--round=3'])).toThrow(TypeError)
})
