import { expect, test } from 'vitest'
import { classify } from '../../../../src/server/protocols/oip-classes.ts'
import { planOf, tensor } from '../../../helpers/variant-plans.ts'

const inputs = [tensor('x', 'FP32', -1, 1)]
const outputs = [tensor('p', 'FP32', -1, 3), tensor('n', 'INT64', -1, 3)]
const plain = planOf({ inputs, outputs })
const labelled = planOf({
  inputs,
  outputs,
  manifest: { task: 'multiclass', score: { output: 'p', column: 0 }, classes: ['cat', 'dog', 7] },
})

const ROWS = { from: 3, to: 9, rows: 2 }
const P = Float32Array.of(9, 9, 9, 0.25, 0.5, 0.25, 1, 0, -1)

test('classify() gives the largest elements of the rows asked for, with their indices', () => {
  expect(classify(plain, 0, P, ROWS, 2)).toEqual({
    datatype: 'BYTES',
    shape: [2, 2],
    data: ['0.5:1', '0.25:0', '1:0', '0:1'],
  })
})

test('classify() gives no more than a row has', () => {
  expect(classify(plain, 0, P, { from: 0, to: 3, rows: 1 }, 1000).shape).toEqual([1, 3])
})

test('classify() names the classes of the manifest, for the output of the score alone', () => {
  expect(classify(labelled, 0, P, ROWS, 3).data).toEqual([
    ...['0.5:1:dog', '0.25:0:cat', '0.25:2:7'],
    ...['1:0:cat', '0:1:dog', '-1:2:7'],
  ])
  const numbers = BigInt64Array.of(1n, 2n ** 60n, -1n)
  expect(classify(labelled, 1, numbers, { from: 0, to: 3, rows: 1 }, 2).data).toEqual([
    '1152921504606846976:1',
    '1:0',
  ])
})

test('classify() puts NaN last and names what no number is', () => {
  const odd = Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  expect(classify(plain, 0, odd, { from: 0, to: 3, rows: 1 }, 3).data).toEqual([
    'inf:2',
    '-inf:1',
    'nan:0',
  ])
})

test('classify() takes a whole tensor for one row where there are no rows', () => {
  const whole = planOf({ inputs, outputs: [tensor('p', 'FP32', 2, 2)], rowsMax: 0 })
  const data = Float32Array.of(1, 4, 3, 2)
  expect(classify(whole, 0, data, { from: 0, to: 4, rows: 1 }, 2)).toMatchObject({
    shape: [2],
    data: ['4:1', '3:2'],
  })
})
