import { expect, test } from 'vitest'
import { exampleInputs, stackInputs, variedInputs } from '../../../src/runtime/proving-inputs.ts'
import type { Manifest, ManifestFeature } from '../../../src/shared/manifest.ts'
import type { Signature, Tensor } from '../../../src/shared/tensor.ts'

const signature: Signature = {
  inputs: [
    { name: 'numeric', datatype: 'FP32', shape: [-1, 3] },
    { name: 'codes', datatype: 'INT64', shape: [-1, 2] },
    { name: 'text', datatype: 'BYTES', shape: [-1, 2] },
    { name: 'flag', datatype: 'BOOL', shape: [-1, 1] },
    { name: 'free', datatype: 'FP64', shape: [-1, -1, 2] },
  ],
  outputs: [],
}

const feature = (more: Partial<ManifestFeature>): ManifestFeature => ({
  name: 'a',
  type: 'number',
  tensor: 'numeric',
  column: 0,
  optional: true,
  missing: Number.NaN,
  ...more,
})

const vocabulary = ['x', 'y']
const manifest: Manifest = {
  digest: '',
  features: [
    feature({ name: 'number' }),
    feature({ name: 'absent', column: 1 }),
    feature({ name: 'boolean', type: 'boolean', column: 2 }),
    feature({ name: 'known', type: 'category', tensor: 'codes', vocabulary, missing: -1 }),
    feature({ name: 'strange', type: 'category', tensor: 'codes', column: 1, vocabulary }),
    feature({ name: 'text', type: 'category', tensor: 'text', missing: '' }),
    feature({ name: 'nothing', type: 'category', tensor: 'text', column: 1, missing: 'none' }),
    feature({ name: 'flag', type: 'boolean', tensor: 'flag', missing: 0 }),
    feature({ name: 'far', tensor: 'free', column: 99, missing: 7 }),
    feature({ name: 'lost', tensor: 'nowhere', missing: 7 }),
  ],
  task: 'other',
}

const dataOf = (tensors: readonly Tensor[]) => tensors.map(({ data }) => [...data])

test('exampleInputs() places the example row as the data plane would', () => {
  const example = { number: 1.5, boolean: true, known: 'y', strange: 'z', text: 'ö', flag: true }
  const inputs = exampleInputs(signature, manifest, { ...example, nothing: null })
  expect(inputs.map(({ shape }) => shape)).toEqual([
    [1, 3],
    [1, 2],
    [1, 2],
    [1, 1],
    [1, 1, 2],
  ])
  expect(dataOf(inputs)).toEqual([[1.5, Number.NaN, 1], [1n, -1n], ['ö', 'none'], [1], [0, 0]])
})

test('exampleInputs() takes zeros and empty texts where nothing is known', () => {
  const zeros = [[0, 0, 0], [0n, 0n], ['', ''], [0], [0, 0]]
  expect(dataOf(exampleInputs(signature, null, null))).toEqual(zeros)
  const scalar: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [] }], outputs: [] }
  expect(exampleInputs(scalar, null, null)).toEqual([
    { datatype: 'FP32', shape: [], data: new Float32Array(1) },
  ])
})

test('exampleInputs() feeds what is missing when there is no example', () => {
  expect(dataOf(exampleInputs(signature, manifest, null)).slice(0, 3)).toEqual([
    [Number.NaN, Number.NaN, Number.NaN],
    [-1n, 0n],
    ['', 'none'],
  ])
})

test('variedInputs() gives rows that all differ, the first as it was', () => {
  const inputs = exampleInputs(signature, manifest, { number: 1, boolean: true, text: 'a' })
  const rows = Array.from({ length: 7 }, (_, row) => variedInputs(inputs, row))
  expect(rows[0]).toEqual(inputs)
  const texts = rows.map((row) => String(dataOf(row)))
  expect(new Set(texts).size).toBe(rows.length)
  for (const row of rows) {
    expect(row.map(({ shape }) => shape)).toEqual(inputs.map(({ shape }) => shape))
    expect([0, 1]).toContain(row[3]!.data[0])
  }
})

test('stackInputs() repeats rows in turn', () => {
  const row = (text: string, number: number): Tensor[] => [
    { datatype: 'BYTES', shape: [1], data: [text] },
    { datatype: 'FP32', shape: [1, 2], data: Float32Array.of(number, -number) },
  ]
  expect(stackInputs([row('a', 1), row('b', 2)], 3)).toEqual([
    { datatype: 'BYTES', shape: [3], data: ['a', 'b', 'a'] },
    { datatype: 'FP32', shape: [3, 2], data: Float32Array.of(1, -1, 2, -2, 1, -1) },
  ])
})
