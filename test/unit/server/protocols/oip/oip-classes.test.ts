import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classify } from '../../../../../src/server/protocols/oip/oip-classes.ts'
import { propertyRuns } from '../../../../helpers/seeds.ts'
import { planOf, tensor } from '../../../../helpers/variant-plans.ts'

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

test('classify() gives what sorting the whole row would', () => {
  const numbers = fc.oneof(
    fc.constantFrom(0, -0, 1, Number.NaN, Infinity, -Infinity),
    fc.float({ noNaN: false }),
  )
  const property = fc.property(
    fc.array(numbers, { minLength: 1, maxLength: 60 }),
    fc.integer({ min: 1, max: 60 }),
    (row, classes) => {
      const data = Float32Array.from(row)
      const { data: texts } = classify(
        plain,
        1,
        data,
        { from: 0, to: row.length, rows: 1 },
        classes,
      )
      const order = [...data.keys()].sort((a, b) => {
        const [left, right] = [data[a]!, data[b]!]
        if (Number.isNaN(left) || Number.isNaN(right)) {
          return Number(Number.isNaN(left)) - Number(Number.isNaN(right)) || a - b
        }
        return left === right ? a - b : left < right ? 1 : -1
      })
      const found = (texts as string[]).map((text) => Number(text.split(':')[1]))
      expect(found).toEqual(order.slice(0, classes))
    },
  )
  fc.assert(property, { numRuns: propertyRuns(200) })
})

test('classify() keeps the sign of zero', () => {
  const zeros = Float32Array.of(-0, 0)
  const { data } = classify(plain, 1, zeros, { from: 0, to: 2, rows: 1 }, 2)
  expect(data).toEqual(['-0:0', '0:1'])
})

test('classify() looks at few elements more than once, whatever is asked for', () => {
  let reads = 0
  const count = 10_000
  const data = new Float64Array(count).map((_, i) => (i * 7919) % count)
  const row = new Proxy(data, {
    get: (target, key) => {
      if (key === 'subarray') return () => row
      reads++
      return Reflect.get(target, key, target)
    },
  })
  const { data: texts } = classify(plain, 1, row, { from: 0, to: count, rows: 1 }, 5)
  expect(texts).toHaveLength(5)
  expect(reads).toBeLessThan(4 * count)
})
