import { expect, test } from 'vitest'
import { checkManifest } from '../../../src/runtime/manifest-check.ts'
import type { Manifest, ManifestFeature } from '../../../src/shared/manifest.ts'
import type { Signature } from '../../../src/shared/tensor.ts'

const signature: Signature = {
  inputs: [
    { name: 'numeric', datatype: 'FP32', shape: [-1, 2] },
    { name: 'codes', datatype: 'INT64', shape: [-1, 1] },
    { name: 'text', datatype: 'BYTES', shape: [-1, 1] },
    { name: 'flag', datatype: 'BOOL', shape: [-1] },
  ],
  outputs: [
    { name: 'label', datatype: 'INT64', shape: [-1] },
    { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
    { name: 'reason', datatype: 'BYTES', shape: [-1, 1] },
  ],
}

const feature = (more: Partial<ManifestFeature>): ManifestFeature => ({
  name: 'a',
  type: 'number',
  tensor: 'numeric',
  column: 0,
  optional: false,
  missing: Number.NaN,
  ...more,
})

const FEATURES: readonly ManifestFeature[] = [
  feature({}),
  feature({ name: 'b', type: 'integer', column: 1 }),
  feature({ name: 'c', type: 'category', tensor: 'codes', vocabulary: ['x', 'y'], missing: -1 }),
  feature({ name: 'd', type: 'category', tensor: 'text', missing: '' }),
  feature({ name: 'e', type: 'boolean', tensor: 'flag', missing: 0 }),
]

const MANIFEST: Manifest = {
  digest: 'digest',
  signature,
  features: FEATURES,
  task: 'binary',
  score: { output: 'probabilities', column: 1 },
  label: { output: 'label' },
  classes: ['ok', 'late'],
  positiveClass: 'late',
  threshold: 0.4,
}

const check = (more: Partial<Manifest>, found: Signature = signature) =>
  checkManifest({ ...MANIFEST, ...more }, 'digest', found)

/** The manifest's features with one of them changed. */
const features = (index: number, more: Partial<ManifestFeature>) => ({
  features: FEATURES.map((each, i) => (i === index ? { ...each, ...more } : each)),
})

const tensors = (more: Partial<Signature['inputs'][number]>) => ({
  signature: {
    ...signature,
    inputs: signature.inputs.with(0, { ...signature.inputs[0]!, ...more }),
  },
})

test('checkManifest() finds nothing wrong with what is right', () => {
  expect(check({})).toBeNull()
  const bare: Manifest = { digest: 'digest', features: [], task: 'other' }
  expect(checkManifest(bare, 'digest', signature)).toBeNull()
})

test('checkManifest() names a digest that differs first', () => {
  expect(check({ digest: 'other', features: [feature({ tensor: 'nowhere' })] })).toEqual({
    code: 'DIGEST_MISMATCH',
    detail: 'model.onnx is not the file that manifest.json describes',
  })
})

test.each<[string, Partial<Manifest>, RegExp]>([
  ['an unknown input', features(0, { tensor: 'nowhere' }), /'a' names the unknown input 'nowhere'/],
  ['an output as input', features(0, { tensor: 'label' }), /unknown input 'label'/],
  [
    'a column beyond the row',
    features(0, { column: 2 }),
    /'a' is column 2 of 'numeric', which has 2/,
  ],
  [
    'text for a float',
    features(0, { type: 'category' }),
    /'a' is category, but 'numeric' holds FP32/,
  ],
  [
    'a number for a text',
    features(3, { type: 'number', missing: 0 }),
    /'d' is number, but 'text' holds BYTES/,
  ],
  [
    'codes for a text',
    features(3, { vocabulary: ['x'] }),
    /'d' is category with a vocabulary, but 'text' holds BYTES/,
  ],
  [
    'a missing text for a float',
    features(0, { missing: '' }),
    /'a' has a missing value of the wrong type/,
  ],
  [
    'a missing number for a text',
    features(3, { missing: 0 }),
    /'d' has a missing value of the wrong type/,
  ],
  [
    'an unknown score',
    { score: { output: 'nowhere', column: 0 } },
    /score names the unknown output 'nowhere'/,
  ],
  ['an input as score', { score: { output: 'numeric', column: 0 } }, /unknown output 'numeric'/],
  [
    'a score beyond the row',
    { score: { output: 'probabilities', column: 2 } },
    /score is column 2 of 'probabilities', which has 2/,
  ],
  [
    'a score of text',
    { score: { output: 'reason', column: 0 } },
    /score is 'reason', which holds BYTES/,
  ],
  [
    'an unknown label',
    { label: { output: 'nowhere' } },
    /label names the unknown output 'nowhere'/,
  ],
  [
    'tensors that are too many',
    { signature: { ...signature, outputs: signature.outputs.slice(1) } },
    /lacks tensors/,
  ],
  ['a tensor that is absent', tensors({ name: 'other' }), /names 'other', which the model lacks/],
  ['another datatype', tensors({ datatype: 'FP64' }), /'numeric' as FP64 .*; it is FP32/],
  ['another shape', tensors({ shape: [-1, 3] }), /'numeric' as FP32 .*3.*; it is FP32 .*2/],
])('checkManifest() refuses %s', (_what, more, detail) => {
  const refusal = check(more)
  expect(refusal).toMatchObject({ code: 'MANIFEST_INVALID', detail: expect.stringMatching(detail) })
  expect(refusal?.detail).toMatch(/^manifest\.json: /)
})

test.each<[string, Partial<Manifest>, RegExp]>([
  ['binary', { score: undefined }, /task binary needs a score/],
  ['regression', { task: 'regression', score: undefined }, /task regression needs a score/],
  ['multiclass', { task: 'multiclass', classes: undefined }, /task multiclass needs classes/],
] as never)('checkManifest() refuses %s without what it needs', (_task, more, detail) => {
  expect(check(more)).toMatchObject({
    code: 'MANIFEST_INVALID',
    detail: expect.stringMatching(detail),
  })
})

test('checkManifest() refuses features of rows without a fixed size', () => {
  const inputs = [{ name: 'numeric', datatype: 'FP32', shape: [-1, -1] }] as const
  const refusal = check({ features: [feature({})], signature: undefined } as never, {
    ...signature,
    inputs,
  })
  expect(refusal?.detail).toBe(
    "manifest.json: Feature 'a' is a column of 'numeric', whose rows have no fixed size",
  )
})

test.each<[number, Partial<ManifestFeature>, string]>([
  [0, { missing: 1e39 }, "'a' is optional, but 1e+39 is no FP32"],
  [2, { missing: Number.NaN }, "'c' is optional, but NaN is no INT64"],
  [2, { missing: 0.5 }, "'c' is optional, but 0.5 is no INT64"],
  [4, { missing: 2 }, "'e' is optional, but 2 is no BOOL"],
])(
  'checkManifest() refuses feature %i with %j only where it is optional',
  (index, more, detail) => {
    expect(check(features(index, { ...more, optional: false }))).toBeNull()
    expect(check(features(index, { ...more, optional: true }))).toEqual({
      code: 'MANIFEST_INVALID',
      detail: `manifest.json: Feature ${detail}: give \`missing\`, the value to feed where it is absent`,
    })
  },
)

test('checkManifest() takes optional features whose missing value can be fed', () => {
  const optional = FEATURES.map((each) => ({ ...each, optional: true }))
  expect(check({ features: optional })).toBeNull()
})
