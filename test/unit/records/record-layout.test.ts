import { expect, test } from 'vitest'
import type { Manifest } from '../../../src/shared/manifest.ts'
import type { Signature } from '../../../src/shared/tensor.ts'
import { endpointLayout, manifestFeature, recordLayout } from '../../helpers/record-layouts.ts'

const SIGNATURE: Signature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    { name: 'carrier', datatype: 'INT64', shape: [-1, 1] },
  ],
  outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 1] }],
}
const MANIFEST: Manifest = {
  digest: '',
  features: [
    manifestFeature({ name: 'delay', column: 1, optional: true }),
    manifestFeature({ name: 'carrier', type: 'category', tensor: 'carrier', vocabulary: ['a'] }),
    manifestFeature({ name: 'distance', column: 0 }),
  ],
  task: 'binary',
  score: { output: 'p', column: 0 },
}

test('the layout of a variant says where the features of the contract are in its inputs', () => {
  expect(recordLayout({ signature: SIGNATURE, manifest: MANIFEST })).toMatchObject({
    ...{ id: 1, endpoint: 'flights', model: 'flights', version: 3, variant: 'v3', revision: 4 },
    hasRows: true,
    inputs: [
      { name: 'x', datatype: 'FP32', shape: [2], rowElements: 2 },
      { name: 'carrier', datatype: 'INT64', shape: [1], rowElements: 1 },
    ],
    features: [
      { name: 'delay', input: 0, column: 1, vocabulary: null, isNanMissing: true },
      { name: 'carrier', type: 'category', input: 1, column: 0, vocabulary: ['a'] },
      { name: 'distance', type: 'number', input: 0, column: 0, isNanMissing: false },
    ],
    answer: { task: 'binary', score: 0 },
    policy: { isRecorded: true, keepsFeatures: true, features: [null, null, null] },
  })
})

test('where the contract has no features, the input tensors stand for them', () => {
  expect(recordLayout({ signature: SIGNATURE })).toMatchObject({
    features: [
      { name: 'x', type: 'tensor', input: 0, column: 0 },
      { name: 'carrier', type: 'tensor', input: 1, column: 0 },
    ],
    answer: null,
  })
})

test('without a row dimension every entry carries its dimensions', () => {
  const { hasRows, inputs, outputs } = recordLayout({ signature: SIGNATURE, rowsMax: 0 })
  expect(hasRows).toBe(false)
  expect([...inputs, ...outputs].map(({ rowElements }) => rowElements)).toEqual([-1, -1, -1])
  expect(inputs[0]?.shape).toEqual([-1, 2])
})

test('a free inner dimension makes the rows of a tensor free', () => {
  const free: Signature = {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }],
    outputs: SIGNATURE.outputs,
  }
  const { inputs, outputs } = recordLayout({ signature: free })
  expect([inputs[0]?.rowElements, outputs[0]?.rowElements]).toEqual([-1, 1])
})

test('what has no version has neither tensors nor features', () => {
  expect(endpointLayout()).toMatchObject({
    ...{ id: 2, version: 0, variant: '', hasRows: false, answer: null },
    ...{ inputs: [], outputs: [], features: [] },
  })
})

test('of a version that a rule for outputs does not fit no outputs are kept', () => {
  const layout = (outputsOff: readonly number[]) =>
    recordLayout({ signature: SIGNATURE, manifest: MANIFEST, policy: { outputsOff } })
  expect(layout([3]).policy).toMatchObject({ keepsOutputs: false, keepsFeatures: true })
  expect(layout([2]).policy.keepsOutputs).toBe(true)
})
