import { expect, test } from 'vitest'
import { JsonReader } from '../../../../src/server/json/json-reader.ts'
import { readAll } from '../../../helpers/json-values.ts'

const readerOf = (text: string) => new JsonReader(new TextEncoder().encode(text))

test.each([
  ['null', null],
  [' true\r\n', true],
  ['-0', -0],
  ['1E+2', 100],
  ['"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00E9"', '"\\/\b\f\n\r\té'],
  ['"\\ud83d\\ude00 😀\\\\"', '😀 😀\\'],
  ['[ [ ] , [1,[ 2 ]] ]', [[], [1, [2]]]],
  ['{ "__proto__" : {"a":1} , "\\u0061" : [ ] }', { ['__proto__']: { a: 1 }, a: [] }],
])('JsonReader reads %s', (text, value) => {
  const reader = readerOf(text)
  expect(readAll(reader)).toEqual(value)
  expect(reader.at).toBe(new TextEncoder().encode(text).length)
})

const VALUES = [
  '1',
  '-1.5e9',
  'true',
  'null',
  '""',
  '"]\\"}é"',
  '[]',
  '[[1,{"a":"]"}]]',
  '{"}":{}}',
]

test.each(VALUES)('skip() goes behind %s, and so does ignore()', (value) => {
  for (const way of ['skip', 'ignore'] as const) {
    const reader = readerOf(`[${value} , 7]`)
    reader.open()
    reader[way]()
    expect(reader.more()).toBe(true)
    expect(reader.number()).toBe(7)
    expect(reader.more()).toBe(false)
  }
})

test('skipRest() counts what is left of a list and goes behind it', () => {
  const reader = readerOf('[[1, 2, [3], {"a":4}], 5]')
  reader.open()
  reader.open()
  reader.skip()
  reader.more()
  expect(reader.skipRest()).toBe(3)
  expect(reader.more()).toBe(true)
  expect(reader.number()).toBe(5)
})

test('kind says what stands there', () => {
  const kinds = ['{}', '[]', '""', 'null', 'false', '-1'].map((text) => readerOf(text).kind)
  expect(kinds).toEqual(['an object', 'a list', 'a string', 'null', 'a boolean', 'a number'])
})

test.each([
  ['7', 7],
  ['-0.0', -0],
  ['1.5', null],
  ['9007199254740993', 9007199254740993n],
  ['1e-999', null],
])('integer() of %s is %s', (text, value) => {
  const reader = readerOf(`[${text},1]`)
  reader.open()
  expect(reader.integer()).toBe(value)
  expect(reader.more()).toBe(true)
})

test.each(['{"a":1,"b":2,"\\u0061":3}', '[[{"x":{"a":1,"a":1}}]]', '{"":[],"":[]}'])(
  'ignore() refuses a key that stands twice in %s',
  (text) => {
    expect(readerOf(text).ignore()).toMatchObject({ code: 'DUPLICATE_KEY' })
  },
)

test('ignore() takes one key in several objects', () => {
  expect(readerOf('[{"a":1},{"a":{"a":1}}]').ignore()).toBeNull()
})

test('ignore() keeps no more than a bounded number of keys', () => {
  const keys = Array.from({ length: 65_537 }, (_, i) => `"${i}":0`)
  expect(readerOf(`{${keys.slice(1).join()}}`).ignore()).toBeNull()
  expect(readerOf(`{${keys.join()}}`).ignore()).toMatchObject({ code: 'REQUEST_MALFORMED' })
})
