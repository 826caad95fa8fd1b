import { expect, test } from 'vitest'
import { bind, contractOf } from '../../../src/shared/contract.ts'
import type { Manifest, ManifestFeature } from '../../../src/shared/manifest.ts'
import type { Signature } from '../../../src/shared/tensor.ts'

const feature = (name: string, column: number, more: Partial<ManifestFeature> = {}) => ({
  name,
  type: 'number' as const,
  tensor: 'numeric',
  column,
  optional: false,
  missing: Number.NaN,
  ...more,
})

const manifest = (features: ManifestFeature[]): Manifest => ({
  digest: 'd',
  features,
  task: 'other',
})

const signature: Signature = {
  inputs: [{ name: 'numeric', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [],
}

test('bind() maps features by name, whatever their order in the version', () => {
  const contract = contractOf(signature, manifest([feature('a', 0), feature('b', 1)]))
  const binding = bind(contract, signature, manifest([feature('b', 0), feature('a', 1)]))
  expect(binding).toMatchObject({
    features: [
      { name: 'a', column: 1 },
      { name: 'b', column: 0 },
    ],
  })
})

test.each([
  ['lacks a feature', [feature('a', 0)], /no feature 'b'/],
  ['has another type', [feature('a', 0), feature('b', 1, { type: 'boolean' })], /'b' is boolean/],
  ['needs one more', [feature('a', 0), feature('b', 1), feature('c', 1)], /no feature 'c'/],
  ['names no input', [feature('a', 0), feature('b', 1, { tensor: 'x' })], /unknown input 'x'/],
])('bind() refuses a version that %s', (_, features, detail) => {
  const contract = contractOf(signature, manifest([feature('a', 0), feature('b', 1)]))
  const refusal = bind(contract, signature, manifest(features))
  expect(refusal).toMatchObject({ code: 'BINDING_FAILED', detail: expect.stringMatching(detail) })
})

test('bind() refuses a version with a column that nothing feeds', () => {
  const contract = contractOf(signature, manifest([feature('a', 0)]))
  const refusal = bind(contract, signature, manifest([feature('a', 0)]))
  expect(refusal).toMatchObject({
    code: 'BINDING_FAILED',
    detail: expect.stringMatching(/1 of the 2 columns/),
  })
})

test.each([
  [-1, -1],
  [-1, -1, -1],
  [-1, -1, 2, -1],
])('bind() refuses features for rows of the free shape %j', (...shape) => {
  const contract = contractOf(signature, manifest([feature('a', 0)]))
  const free: Signature = { inputs: [{ name: 'numeric', datatype: 'FP32', shape }], outputs: [] }
  expect(bind(contract, free, manifest([feature('a', 0)]))).toMatchObject({
    code: 'BINDING_FAILED',
    detail: expect.stringMatching(/no fixed size/),
  })
})

test('bind() of a contract of tensors wants the same name, datatype and shape', () => {
  const contract = contractOf(signature, null)
  expect(bind(contract, signature, null)).toEqual({ features: [] })
  const other = (datatype: 'FP32' | 'FP64', shape: number[], name = 'numeric'): Signature => ({
    inputs: [{ name, datatype, shape }],
    outputs: [],
  })
  expect(bind(contract, other('FP64', [-1, 2]), null)).toHaveProperty('code', 'BINDING_FAILED')
  expect(bind(contract, other('FP32', [-1, 3]), null)).toHaveProperty('code', 'BINDING_FAILED')
  expect(bind(contract, other('FP32', [-1, 2], 'x'), null)).toHaveProperty('code', 'BINDING_FAILED')
  expect(bind(contract, other('FP32', [-1, -1]), null)).toEqual({ features: [] })
})

test('bind() of a contract of tensors refuses an input that it does not name', () => {
  const [numeric] = signature.inputs
  const mask = { ...numeric!, name: 'mask' }
  const wider: Signature = { inputs: [mask, numeric!], outputs: [] }
  expect(bind(contractOf(signature, null), wider, null)).toEqual({
    code: 'BINDING_FAILED',
    detail: "The contract has no input 'mask'",
  })
})

const integers: Signature = {
  inputs: [{ name: 'numeric', datatype: 'INT64', shape: [-1, 1] }],
  outputs: [],
}
const required = manifest([feature('a', 0)])
const filled = manifest([feature('a', 0, { optional: true, missing: -1 })])

test('bind() refuses a version that has nothing to feed where clients may leave a value out', () => {
  const contract = contractOf(integers, filled)
  expect(bind(contract, integers, filled)).toMatchObject({
    features: [{ optional: true, missing: -1 }],
  })
  const unfilled = manifest([feature('a', 0, { optional: true })])
  for (const own of [required, unfilled]) {
    expect(bind(contract, integers, own)).toEqual({
      code: 'BINDING_FAILED',
      detail: "Feature 'a' may be absent, but its missing value NaN is no INT64",
    })
  }
})

test('bind() takes a version with any missing value where all must be given', () => {
  const contract = contractOf(integers, required)
  expect(bind(contract, integers, required)).toMatchObject({ features: [{ optional: false }] })
})
