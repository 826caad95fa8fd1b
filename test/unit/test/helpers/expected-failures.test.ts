import { expect, test } from 'vitest'
import { type ExpectedFailure, expectedOf, judgeCases } from '../../../helpers/expected-failures.ts'

const passes = (name: string) => ({ case: name, ok: true, detail: '' })
const fails = (name: string) => ({ case: name, ok: false, detail: 'got 2, wanted 1' })

const row = (name: string, more: Partial<ExpectedFailure> = {}): ExpectedFailure => ({
  ...{ client: 'kserve', engine: 'both', case: name, detail: 'got \\d, wanted 1$' },
  reason: 'no GPU',
  ...more,
})

/** One row, as `expectedOf` gives them. */
const expected = (name: string, detail?: string): ReadonlyMap<string, ExpectedFailure> =>
  new Map([[name, row(name, detail === undefined ? {} : { detail })]])

const problems = (...parts: Parameters<typeof judgeCases>) =>
  judgeCases(...parts)
    .filter(({ outcome }) => outcome === 'wrong')
    .map(({ problem }) => problem)

test('judgeCases() tells what passed from what failed as expected', () => {
  const verdicts = judgeCases(['a', 'b'], [passes('a'), fails('b')], expected('b'))
  expect(verdicts).toEqual([
    { case: 'a', outcome: 'passed', problem: '' },
    { case: 'b', outcome: 'expected failure', problem: '' },
  ])
})

test('judgeCases() says why a case failed', () => {
  expect(problems(['a'], [fails('a')], new Map())).toEqual(['a: got 2, wanted 1'])
})

test('judgeCases() takes an unexpected pass for wrong', () => {
  const [problem] = problems(['a'], [passes('a')], expected('a'))
  expect(problem).toContain('a passes, and was expected to fail (no GPU)')
})

test('judgeCases() takes a failure for another reason than the expected one for wrong', () => {
  expect(problems(['a'], [fails('a')], expected('a', 'no such device'))).toEqual([
    'a fails otherwise than expected (/no such device/): got 2, wanted 1',
  ])
  // A detail may have several lines, and what is said of it is a part.
  const long = { case: 'a', ok: false, detail: 'first\nsecond\nthird' }
  expect(problems(['a'], [long], expected('a', 'first.*third'))).toEqual([])
})

test('judgeCases() misses a case that was announced and did not come', () => {
  expect(problems(['a', 'b'], [passes('a')], new Map())[0]).toContain('b was not run')
  expect(problems(['a'], [], expected('a'))[0]).toContain('a was not run')
})

test('judgeCases() takes a case that ran twice for wrong, and judges one nobody announced', () => {
  expect(problems(['a'], [passes('a'), passes('a')], new Map())).toEqual(['a was run 2 times'])
  expect(problems([], [fails('a')], new Map())).toEqual(['a: got 2, wanted 1'])
})

test('judgeCases() takes an expected failure of no case for wrong', () => {
  const [problem] = problems(['a'], [passes('a')], expected('gone'))
  expect(problem).toContain('gone is expected to fail, but there is no such case')
})

test('expectedOf() takes both for the engines of HTTP', () => {
  const rows = [row('a'), row('b', { engine: 'grpc' })]
  expect([...expectedOf(rows, 'kserve', 'grpc').keys()]).toEqual(['b'])
  expect([...expectedOf(rows, 'kserve', 'uws').keys()]).toEqual(['a'])
})

test('expectedOf() picks the rows of a client and an engine', () => {
  const rows = [
    row('a'),
    row('b', { engine: 'node' }),
    row('c', { engine: 'uws' }),
    row('d', { client: 'tritonclient' }),
  ]
  expect([...expectedOf(rows, 'kserve', 'node')]).toEqual([
    ['a', rows[0]],
    ['b', rows[1]],
  ])
})
