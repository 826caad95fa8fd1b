import { expect, test } from 'vitest'
import {
  answerTermsOf,
  bestColumn,
  classOf,
  hasOwnLabel,
  isPositive,
} from '../../../src/shared/answer-terms.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import type { Signature } from '../../../src/shared/tensor.ts'

const SIGNATURE: Signature = {
  inputs: [],
  outputs: [
    { name: 'label', datatype: 'INT64', shape: [-1] },
    { name: 'probability', datatype: 'FP32', shape: [-1, 2] },
  ],
}

const manifest = (more: Partial<Manifest>): Manifest => ({
  ...{ digest: '', features: [], task: 'binary' },
  score: { output: 'probability', column: 1 },
  ...more,
})

test('answerTermsOf() is null without a score to read', () => {
  expect(answerTermsOf(SIGNATURE, null)).toBeNull()
  expect(answerTermsOf(SIGNATURE, manifest({ task: 'other' }))).toBeNull()
  const { score: _, ...without } = manifest({})
  expect(answerTermsOf(SIGNATURE, without)).toBeNull()
})

test('answerTermsOf() finds outputs, and classes that nobody names', () => {
  expect(answerTermsOf(SIGNATURE, manifest({ label: { output: 'label' } }))).toEqual({
    ...{ task: 'binary', score: 1, scoreColumn: 1, label: 0, threshold: null },
    ...{ classes: [0, 1], positive: 1, negative: 0 },
  })
  const named = manifest({ classes: ['late', 'on time'], positiveClass: 'late', threshold: 0.3 })
  expect(answerTermsOf(SIGNATURE, named)).toMatchObject({
    ...{ label: -1, threshold: 0.3, positive: 'late', negative: 'on time' },
  })
})

test('a label output decides, unless a threshold does', () => {
  const label = { output: 'label' }
  const decides = (more: Partial<Manifest>) =>
    hasOwnLabel(answerTermsOf(SIGNATURE, manifest({ label, ...more }))!)
  expect(decides({})).toBe(true)
  expect(decides({ threshold: 0.5 })).toBe(false)
  expect(decides({ task: 'multiclass', threshold: 0.5 })).toBe(true)
  expect(decides({ task: 'regression' })).toBe(false)
  expect(hasOwnLabel(answerTermsOf(SIGNATURE, manifest({}))!)).toBe(false)
})

test('isPositive() holds from the threshold on, 0.5 without one', () => {
  expect([isPositive(0.5, null), isPositive(0.49, null)]).toEqual([true, false])
  expect([isPositive(0.3, 0.3), isPositive(0.29, 0.3), isPositive(Number.NaN, 0.3)]).toEqual([
    ...[true, false, false],
  ])
  expect(isPositive(1n, null)).toBe(true)
})

test('bestColumn() is the first that none exceeds, of 64 bits too', () => {
  expect(bestColumn([9, 1, 3, 3], 1, 3)).toBe(1)
  expect(bestColumn(BigInt64Array.of(1n, 2n ** 60n, 2n ** 60n + 1n), 0, 3)).toBe(2)
  expect(bestColumn([], 0, 0)).toBe(0)
})

test('classOf() is the column where the manifest names no class for it', () => {
  const terms = answerTermsOf(SIGNATURE, manifest({ classes: ['a', 'b'] }))!
  expect([classOf(terms, 1), classOf(terms, 2)]).toEqual(['b', 2])
})
