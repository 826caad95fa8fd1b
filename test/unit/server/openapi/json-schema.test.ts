import { expect, test } from 'vitest'
import {
  anyOf,
  elementSchema,
  listOf,
  orNull,
  tensorForms,
  wholeSchema,
} from '../../../../src/server/openapi/json-schema.ts'

test('elementSchema() has the bounds of 64 bits to the last digit', () => {
  expect(JSON.stringify(elementSchema('UINT64'))).toBe(
    '{"type":"integer","minimum":0,"maximum":18446744073709551615}',
  )
  expect(JSON.stringify(elementSchema('INT64'))).toBe(
    '{"type":"integer","format":"int64","minimum":-9223372036854775808,"maximum":9223372036854775807}',
  )
})

test('elementSchema() of FP32 ends where a number becomes infinity, as double and then as float', () => {
  const text = JSON.stringify(elementSchema('FP32'))
  const limit = BigInt(/"exclusiveMaximum":(\d+)/.exec(text)?.[1] ?? 0)
  expect(Math.fround(Number(limit))).toBe(Infinity)
  expect(Math.fround(Number(limit - 1n))).toBeLessThan(Infinity)
})

test('wholeSchema() keeps the range of floats', () => {
  expect(JSON.stringify(wholeSchema('FP32'))).toBe(
    '{"type":"integer","exclusiveMinimum":-340282356779733642748073463979561713664,"exclusiveMaximum":340282356779733642748073463979561713664}',
  )
  expect(wholeSchema('FP64')).toEqual({ type: 'integer' })
  expect(wholeSchema('INT8')).toEqual({ type: 'integer', minimum: -128, maximum: 127 })
})

test('orNull() adds null to the type, and stands beside an enumeration', () => {
  expect(orNull({ type: 'number' })).toEqual({ type: ['number', 'null'] })
  const listed = { type: 'string', enum: ['a'] }
  expect(orNull(listed)).toEqual({ anyOf: [listed, { type: 'null' }] })
})

test('anyOf() names what is the same once', () => {
  const same = elementSchema('INT64')
  expect(anyOf([same, elementSchema('INT64')])).toEqual(same)
  expect(anyOf([same, elementSchema('BOOL')])).toEqual({ anyOf: [same, { type: 'boolean' }] })
})

const BOOL = { type: 'boolean' }

test.each([
  ['a row of two', [-1, 2], true, [listOf(BOOL, 2)]],
  ['a row of one', [-1, 1], true, [listOf(BOOL, 1), BOOL]],
  ['a row that is an element', [-1], true, [BOOL, listOf(BOOL, 1)]],
  ['a row of any size', [-1, -1], true, [listOf(BOOL), BOOL]],
  ['a matrix', [-1, 2, 3], true, [listOf(listOf(BOOL, 3), 2), listOf(BOOL, 6)]],
  ['a row of two free sizes', [-1, -1, -1], true, [listOf(listOf(BOOL))]],
  ['a whole tensor', [2, 2], false, [listOf(listOf(BOOL, 2), 2), listOf(BOOL, 4)]],
  ['a scalar', [], false, [BOOL, listOf(BOOL, 1)]],
] as const)('tensorForms() of %s', (_, shape, hasRows, wanted) => {
  expect(JSON.parse(JSON.stringify(anyOf(tensorForms(BOOL, shape, hasRows))))).toEqual(
    anyOf(wanted),
  )
})
