import { expect, test } from 'vitest'
import { type ExpectedFailure, expectedOf, judgeCases } from '../../../helpers/expected-failures.ts'

const passes = (name: string) => ({ case: name, ok: true, detail: '' })
const fails = (name: string) => ({ case: name, ok: false, detail: 'got 2, wanted 1' })

const problems = (...parts: Parameters<typeof judgeCases>) =>
  judgeCases(...parts)
    .filter(({ outcome }) => outcome === 'wrong')
    .map(({ problem }) => problem)

test('judgeCases() tells what passed from what failed as expected', () => {
  const verdicts = judgeCases(['a', 'b'], [passes('a'), fails('b')], new Map([['b', 'no GPU']]))
  expect(verdicts).toEqual([
    { case: 'a', outcome: 'passed', problem: '' },
    { case: 'b', outcome: 'expected failure', problem: '' },
  ])
})

test('judgeCases() says why a case failed', () => {
  expect(problems(['a'], [fails('a')], new Map())).toEqual(['a: got 2, wanted 1'])
})

test('judgeCases() takes an unexpected pass for wrong', () => {
  const [problem] = problems(['a'], [passes('a')], new Map([['a', 'no GPU']]))
  expect(problem).toContain('a passes, and was expected to fail (no GPU)')
})

test('judgeCases() misses a case that was announced and did not come', () => {
  expect(problems(['a', 'b'], [passes('a')], new Map())[0]).toContain('b was not run')
  expect(problems(['a'], [], new Map([['a', 'no GPU']]))[0]).toContain('a was not run')
})

test('judgeCases() takes a case that ran twice for wrong, and judges one nobody announced', () => {
  expect(problems(['a'], [passes('a'), passes('a')], new Map())).toEqual(['a was run 2 times'])
  expect(problems([], [fails('a')], new Map())).toEqual(['a: got 2, wanted 1'])
})

test('judgeCases() takes an expected failure of no case for wrong', () => {
  const [problem] = problems(['a'], [passes('a')], new Map([['gone', 'no GPU']]))
  expect(problem).toContain('gone is expected to fail, but there is no such case')
})

test('expectedOf() picks the rows of a client and an engine', () => {
  const row = (client: string, engine: ExpectedFailure['engine'], name: string) => ({
    client,
    engine,
    case: name,
    reason: `because of ${name}`,
  })
  const rows = [
    row('kserve', 'both', 'a'),
    row('kserve', 'node', 'b'),
    row('kserve', 'uws', 'c'),
    row('tritonclient', 'both', 'd'),
  ]
  expect([...expectedOf(rows, 'kserve', 'node')]).toEqual([
    ['a', 'because of a'],
    ['b', 'because of b'],
  ])
})
