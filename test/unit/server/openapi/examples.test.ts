import { expect, test } from 'vitest'
import { examplesOf } from '../../../../src/server/openapi/examples.ts'
import type { ApiVersion } from '../../../../src/server/openapi/source.ts'
import { versionOf } from '../../../helpers/openapi.ts'
import { feature, flightPlan, planOf, tensor } from '../../../helpers/variant-plans.ts'

const ROW = { origin: 'JFK', seats: 15, gust: null, is_late: 1 }

const shown = (version: ApiVersion, format: 'predict' | 'infer' | 'tfs') => {
  const { examples } = examplesOf(version)![format] as {
    examples: { row: { summary: string; value: Record<string, unknown> } }
  }
  return examples.row
}

const bounds = (name: string, min: number, max: number) =>
  [name, { name, min, max, categories: [], moreCategories: 0 }] as const

test('examplesOf() are the row of the profile, with booleans as such', () => {
  const version = versionOf(flightPlan(), { exampleRow: ROW })
  expect(shown(version, 'predict')).toEqual({
    summary: 'the row of the profile',
    value: { features: { ...ROW, is_late: true } },
  })
})

test('examplesOf() have numbers as short as they are, and a number where the row has none', () => {
  const version = versionOf(flightPlan(), {
    exampleRow: { ...ROW, seats: 3, gust: null },
    bounds: new Map([bounds('gust', 16.11, 20)]),
  })
  const inputs = [
    { name: 'numeric', shape: [1, 3], datatype: 'FP32', data: [3, 16.11, 1] },
    { name: 'text', shape: [1, 1], datatype: 'BYTES', data: ['JFK'] },
  ]
  expect(shown(version, 'infer').value).toEqual({ inputs })
  const instances = [{ numeric: [3, 16.11, 1], text: ['JFK'] }]
  expect(shown(version, 'tfs').value).toEqual({ instances })
})

test('examplesOf() make up a row where there is none', () => {
  const { summary, value } = shown(versionOf(flightPlan()), 'predict')
  expect(summary).toMatch(/a made-up row/)
  expect(value).toEqual({ features: { origin: '', seats: 0, gust: 0, is_late: false } })
})

test.each([
  ['half a seat', { ...ROW, seats: 15.5 }, 'seats'],
  ['more than FP32 holds', { ...ROW, gust: 1e39 }, 'gust'],
  ['a text with NUL', { ...ROW, origin: 'J\0' }, 'origin'],
])('examplesOf() make up the one value that the version does not take: %s', (_, row, name) => {
  const known = new Map([bounds('seats', 2.5, 9), bounds('gust', -1e39, 7)])
  const { summary, value } = shown(
    versionOf(flightPlan(), { exampleRow: row, bounds: known }),
    'predict',
  )
  expect(summary).toBe(`the row of the profile, with a made-up ${name}`)
  const madeUp = { seats: 9, gust: 7, origin: '' }[name]
  expect(value).toEqual({ features: { ...row, is_late: true, [name]: madeUp } })
})

test('examplesOf() take no code that the tensor cannot hold', () => {
  const plan = planOf({
    inputs: [tensor('x', 'UINT8', -1, 2)],
    features: [
      feature({ name: 'a', type: 'category', tensor: 'x', column: 0, vocabulary: ['A', 'B'] }),
      feature({ name: 'b', type: 'integer', tensor: 'x', column: 1 }),
    ],
  })
  const version = versionOf(plan, { exampleRow: { a: 'C', b: 300 } })
  expect(shown(version, 'predict').value).toEqual({ features: { a: 'A', b: 0 } })
})

test('examplesOf() of a model without rows are one row, of tensors', () => {
  const plan = planOf({ inputs: [tensor('x', 'INT64', 2, 2)], rowsMax: 0 })
  const zeros = [
    [0, 0],
    [0, 0],
  ]
  expect(shown(versionOf(plan), 'predict').value).toEqual({ features: { x: zeros } })
})

test.each([
  [256, false],
  [257, true],
  [2 ** 31, true],
])('examplesOf() of rows of %d elements are left out: %s', (elements, areLeftOut) => {
  const plan = planOf({ inputs: [tensor('x', 'FP32', -1, elements)] })
  expect(examplesOf(versionOf(plan)) === null).toBe(areLeftOut)
})
