import { expect, test } from 'vitest'
import { inferExamples, predictExamples } from '../../../../src/server/openapi/examples.ts'
import { versionOf } from '../../../helpers/openapi.ts'
import { flightPlan, planOf, tensor } from '../../../helpers/variant-plans.ts'

const ROW = { origin: 'JFK', seats: 15.98, gust: null, is_late: 1 }

const bodyOf = (example: unknown) => (example as { value: object }).value

test('predictExamples() are the row of the profile by name, by position and as rows', () => {
  const examples = predictExamples(versionOf(flightPlan(), { exampleRow: ROW }))
  const row = { ...ROW, is_late: true }
  expect(examples).toMatchObject({
    named: { summary: 'By name: the row of the profile', value: { features: row } },
    list: { value: { features: ['JFK', 15.98, null, true] } },
    instances: { value: { instances: [row, row] } },
  })
})

test('inferExamples() have numbers as short as they are, and a number where the row has none', () => {
  const bounds = new Map([
    ['gust', { name: 'gust', min: 16.11, max: 20, categories: [], moreCategories: 0 }],
  ])
  const examples = inferExamples(versionOf(flightPlan(), { exampleRow: ROW, bounds }))
  expect(bodyOf(examples['tensors'])).toEqual({
    inputs: [
      { name: 'numeric', shape: [1, 3], datatype: 'FP32', data: [15.98, 16.11, 1] },
      { name: 'text', shape: [1, 1], datatype: 'BYTES', data: ['JFK'] },
    ],
  })
})

test('predictExamples() make up a row in the range of the profile where there is no row', () => {
  const bounds = new Map([
    ['seats', { name: 'seats', min: 20, max: 379, categories: [], moreCategories: 0 }],
    ['origin', { name: 'origin', min: null, max: null, categories: ['EWR'], moreCategories: 2 }],
  ])
  const examples = predictExamples(versionOf(flightPlan(), { bounds }))
  expect(bodyOf(examples['named'])).toEqual({
    features: { origin: 'EWR', seats: 20, gust: 0, is_late: false },
  })
  expect(JSON.stringify(examples)).toContain('a made-up row')
})

test('predictExamples() of a model without rows have one row, of tensors', () => {
  const plan = planOf({ inputs: [tensor('x', 'INT64', 2, 2)], rowsMax: 0 })
  const zeros = [
    [0, 0],
    [0, 0],
  ]
  const examples = predictExamples(versionOf(plan))
  expect(bodyOf(examples['instances'])).toMatchObject({ instances: [{ x: zeros }] })
  expect(bodyOf(examples['list'])).toEqual({ features: zeros })
})
