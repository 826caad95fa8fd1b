import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  exampleInputs,
  rowInTurn,
  stackInputs,
  variedInputs,
} from '../../../src/runtime/proving-inputs.ts'
import type { Manifest, ManifestFeature } from '../../../src/shared/manifest.ts'
import {
  allocate,
  DATATYPES,
  type Datatype,
  type Signature,
  type Tensor,
  type TensorData,
} from '../../../src/shared/tensor.ts'

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

test('exampleInputs() takes nothing from the prototype of a row', () => {
  const features = [feature({ name: 'constructor', missing: 7 })]
  const [numeric] = exampleInputs(signature, { digest: '', features, task: 'other' }, {})
  expect(numeric!.data[0]).toBe(7)
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

const values: Record<Datatype, fc.Arbitrary<TensorData[number]>> = {
  BOOL: fc.constantFrom(0, 1),
  UINT8: fc.integer({ min: 0, max: 255 }),
  UINT16: fc.integer({ min: 0, max: 65_535 }),
  UINT32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  UINT64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  INT8: fc.integer({ min: -128, max: 127 }),
  INT16: fc.integer({ min: -32_768, max: 32_767 }),
  INT32: fc.integer(),
  INT64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  FP32: fc.float(),
  FP64: fc.double(),
  BYTES: fc.string(),
}

const tensorOf = (datatype: Datatype, elements: readonly TensorData[number][]): Tensor => {
  const data = allocate(datatype, elements.length)
  for (const [i, element] of elements.entries()) (data as TensorData[number][])[i] = element
  return { datatype, shape: [1, elements.length], data }
}

test.each(DATATYPES)('variedInputs() changes every column of %s', (datatype) => {
  const elements = fc.array(values[datatype], { minLength: 1, maxLength: 40 })
  const property = fc.property(elements, (row) => {
    const inputs = [tensorOf(datatype, row)]
    const rows = Array.from({ length: 8 }, (_, i) => variedInputs(inputs, i)[0]!)
    expect(rows[0]).toBe(inputs[0])
    for (const { shape, data } of rows)
      expect([shape, data.length]).toEqual([[1, row.length], row.length])
    for (let column = 0; column < row.length; column++) {
      const own = rows.map(({ data }) => data[column])
      const changed = own.slice(1).filter((value) => !Object.is(value, own[0]))
      if (datatype === 'BOOL') expect([0, 1].every((bit) => own.includes(bit))).toBe(true)
      else expect(changed).toHaveLength(7)
      if (datatype === 'BYTES') expect(new Set(own).size).toBe(8)
    }
  })
  fc.assert(property)
})

test('variedInputs() makes numbers of what is none, and none of what is one', () => {
  const start = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38, -3e38, 0]
  const inputs = [tensorOf('FP32', start)]
  for (let row = 1; row < 8; row++) {
    const [{ data }] = variedInputs(inputs, row) as [Tensor]
    expect([...(data as Float32Array)].every(Number.isFinite)).toBe(true)
  }
})

test('variedInputs() changes large numbers by more than the tolerance of the self-test', () => {
  const [{ data }] = variedInputs([tensorOf('FP64', [1e6, -1e9])], 1) as [Tensor]
  expect(Math.abs((data[0] as number) - 1e6)).toBeGreaterThan(1e4)
  expect(Math.abs((data[1] as number) + 1e9)).toBeGreaterThan(1e7)
})

test('stackInputs() takes each row once, and then goes on in no order', () => {
  const row = (text: string, number: number): Tensor[] => [
    { datatype: 'BYTES', shape: [1], data: [text] },
    { datatype: 'FP32', shape: [1, 2], data: Float32Array.of(number, -number) },
  ]
  expect(stackInputs([row('a', 1), row('b', 2)], 2)).toEqual([
    { datatype: 'BYTES', shape: [2], data: ['a', 'b'] },
    { datatype: 'FP32', shape: [2, 2], data: Float32Array.of(1, -1, 2, -2) },
  ])
  const names = [...'abcdefgh']
  const stacked = stackInputs(
    names.map((name) => row(name, 1)),
    256,
  )
  const texts = stacked[0]!.data as string[]
  expect(stacked.map(({ shape }) => shape)).toEqual([[256], [256, 2]])
  expect(texts.slice(0, 8)).toEqual(names)
  // However far a batch is shifted, most rows meet another row.
  for (let shift = 1; shift < 128; shift++) {
    const met = texts.slice(shift).filter((text, i) => text === texts[i]).length
    expect(met).toBeLessThan((256 - shift) / 2)
  }
  const all = texts.map((_, i) => names[rowInTurn(i, names.length)])
  expect(texts).toEqual(all)
})
