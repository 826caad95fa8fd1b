import { expect, test } from 'vitest'
import { PREDICTION_COLUMNS } from '../../../../src/records/record-columns.ts'
import { shapeOf } from '../../../../src/records/table/shape.ts'
import type { Redaction } from '../../../../src/shared/record-policy.ts'
import type { Signature } from '../../../../src/shared/tensor.ts'
import { manifestFeature, recordLayout } from '../../../helpers/record-layouts.ts'

const BASE = PREDICTION_COLUMNS.length

const own = (
  names: readonly string[],
  redact: Readonly<Record<string, Redaction>> = {},
  signature: Signature = {
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, names.length] }],
    outputs: [],
  },
) => {
  const features = names.map((name, column) => manifestFeature({ name, column }))
  const manifest = { digest: '', features, task: 'other' as const }
  const policy = { redact: { features: redact, outputs: {}, requestId: null } }
  const shape = shapeOf(recordLayout({ signature, manifest, policy }))
  return { ...shape, columns: shape.specs.slice(BASE).map(({ name, type }) => `${name} ${type}`) }
}

test('shapeOf() puts features behind the columns of every prediction', () => {
  const { specs, columns, features } = own(['a', 'b'])
  expect(specs.slice(0, BASE).map(({ name }) => name)).toEqual(
    PREDICTION_COLUMNS.map(({ name }) => name),
  )
  expect(columns).toEqual(['f_a double', 'f_b double'])
  expect(features).toEqual([
    { column: BASE, index: 0, key: 'a' },
    { column: BASE + 1, index: 1, key: 'b' },
  ])
})

test('shapeOf() types features by the contract and outputs by their tensors', () => {
  const features = [
    manifestFeature({ name: 'n' }),
    manifestFeature({ name: 'i', type: 'integer', column: 1 }),
    manifestFeature({ name: 'b', type: 'boolean', column: 2 }),
    manifestFeature({ name: 'c', type: 'category', column: 3, vocabulary: ['x'] }),
    manifestFeature({ name: 'u', type: 'integer', tensor: 'big' }),
  ]
  const signature: Signature = {
    inputs: [
      { name: 'x', datatype: 'FP32', shape: [-1, 4] },
      { name: 'big', datatype: 'UINT64', shape: [-1, 1] },
    ],
    outputs: [
      { name: 'p', datatype: 'FP32', shape: [-1, 1] },
      { name: 'label', datatype: 'INT64', shape: [-1] },
      { name: 'huge', datatype: 'UINT64', shape: [-1, 1] },
      { name: 'yes', datatype: 'BOOL', shape: [-1, 1] },
      { name: 'text', datatype: 'BYTES', shape: [-1, 1] },
      { name: 'many', datatype: 'FP32', shape: [-1, 3] },
      { name: 'free', datatype: 'FP32', shape: [-1, -1] },
    ],
  }
  const manifest = { digest: '', features, task: 'other' as const }
  const { specs } = shapeOf(recordLayout({ signature, manifest }))
  expect(specs.slice(BASE).map(({ name, type }) => `${name} ${type}`)).toEqual([
    ...['f_n double', 'f_i int64', 'f_b boolean', 'f_c text', 'f_u uint64'],
    ...['o_p double', 'o_label int64', 'o_huge uint64', 'o_yes boolean', 'o_text text'],
    ...['o_many id', 'o_free id'],
  ])
})

test('shapeOf() names what was done to a feature, and leaves out what was dropped', () => {
  const { columns } = own(['a', 'b', 'c', 'd', 'e'], {
    a: { kind: 'hmac' },
    b: { kind: 'drop' },
    c: { kind: 'bucket', width: 10 },
    d: { kind: 'mask' },
  })
  // There is no key: an HMAC is a drop.
  expect(columns).toEqual(['f_c__bucket double', 'f_d__mask text', 'f_e double'])
})

test('shapeOf() makes of several elements a row JSON, whatever is done to them', () => {
  const signature: Signature = {
    inputs: [{ name: 'x', datatype: 'INT64', shape: [-1, 2] }],
    outputs: [
      { name: 'p', datatype: 'FP32', shape: [-1, 2] },
      { name: 'free', datatype: 'FP32', shape: [-1, -1] },
      { name: 'one', datatype: 'FP32', shape: [-1, 1] },
    ],
  }
  const rules = (kind: 'bucket' | 'mask') => {
    const rule: Redaction = kind === 'bucket' ? { kind, width: 0.5 } : { kind }
    const redact = { features: { x: rule }, outputs: { '*': rule }, requestId: null }
    const { specs } = shapeOf(recordLayout({ signature, policy: { redact } }))
    return specs.slice(BASE).map(({ name, type }) => `${name} ${type}`)
  }
  expect(rules('bucket')).toEqual([
    ...['f_x__bucket id', 'o_p__bucket id', 'o_free__bucket id', 'o_one__bucket double'],
  ])
  expect(rules('mask')).toEqual([
    ...['f_x__mask text', 'o_p__mask text', 'o_free__mask text', 'o_one__mask text'],
  ])
})

test('shapeOf() gives every feature a column of its own, whatever they are called', () => {
  const names = ['a', 'A', 'ä', 'Ä', '', ' ', '"', "'", 'a_2', '\0', 'score', '../x', 'a.b', '😀']
  const { columns } = own(names)
  expect(columns.map((each) => each.replace(/ double$/, ''))).toEqual([
    ...['f_a', 'f_A_2', 'f_ä', 'f_Ä_2', 'f_', 'f_ ', 'f_"', "f_'", 'f_a_2_2', 'f_\0', 'f_score'],
    ...['f_../x', 'f_a.b', 'f_😀'],
  ])
  expect(new Set(columns.map((each) => each.toLowerCase())).size).toBe(names.length)
})

test('shapeOf() gives layouts of the same columns the same key', () => {
  expect(own(['a', 'b']).key).toBe(own(['a', 'b']).key)
  expect(own(['a', 'b']).key).not.toBe(own(['a', 'c']).key)
})
