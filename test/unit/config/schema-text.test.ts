import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  leavesOf,
  schemaAt,
  shownValue,
  toJsonSchema,
  typeText,
  withoutEmptySections,
  wordsOf,
} from '../../../src/config/schema-text.ts'

const text = (schema: z.ZodType): string => typeText(toJsonSchema(schema))

test.each([
  [z.int().min(0).max(65_535), 'integer 0 to 65535'],
  [z.number(), 'number'],
  [z.string(), 'string'],
  [z.string().min(1), 'non-empty string'],
  [z.string().min(1).nullable(), 'non-empty string or null'],
  [z.enum(['a', 'b', 'c']), '`a`, `b` or `c`'],
  [z.union([z.literal('auto'), z.int().min(1).max(256)]), '`auto` or integer 1 to 256'],
  [z.array(z.int().min(1).max(9)).max(4), 'list of integer 1 to 9, at most 4'],
  [z.strictObject({}), 'map'],
  [z.unknown(), 'any value'],
])('typeText() says what a schema takes', (schema, expected) => {
  expect(text(schema)).toBe(expected)
})

const SCHEMA = toJsonSchema(
  z.strictObject({
    name: z.string(),
    server: z.strictObject({ port: z.int(), hosts: z.array(z.enum(['a', 'b'])) }),
    others: z.record(z.string(), z.number()),
  }),
)

test('schemaAt() follows keys, elements and free keys', () => {
  expect(schemaAt(SCHEMA, ['server', 'hosts', 3])).toMatchObject({ enum: ['a', 'b'] })
  expect(schemaAt(SCHEMA, ['others', 'toString'])).toMatchObject({ type: 'number' })
  expect(schemaAt(SCHEMA, ['server', 'toString'])).toBe(undefined)
  expect(schemaAt(SCHEMA, ['gone', 'x'])).toBe(undefined)
})

test('leavesOf() lists settings by their path, not sections', () => {
  expect(leavesOf(SCHEMA).map(({ path }) => path.join('.'))).toEqual([
    'name',
    'server.port',
    'server.hosts',
    'others',
  ])
})

test('wordsOf() finds the words within a union', () => {
  const schema = z.union([z.literal('auto'), z.enum(['on', 'off']), z.int()])
  expect(wordsOf(toJsonSchema(schema))).toEqual(['auto', 'on', 'off'])
})

test('withoutEmptySections() takes nothing below a section for no settings', () => {
  expect(withoutEmptySections({ server: null, name: null }, SCHEMA)).toEqual({
    server: {},
    name: null,
  })
  expect(withoutEmptySections('text', SCHEMA)).toBe('text')
})

test('shownValue() is short, on one line, and never a tree', () => {
  expect([null, [1], { a: 1 }, 7, Number.NaN, true].map(shownValue)).toEqual([
    'nothing',
    'a list',
    'a map',
    '7',
    'NaN',
    'true',
  ])
  expect(shownValue('a\nb')).toBe('"a\\nb"')
  expect(shownValue('x'.repeat(100))).toBe(`"${'x'.repeat(60)}..."`)
})
