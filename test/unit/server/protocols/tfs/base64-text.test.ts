import { expect, test } from 'vitest'
import { JsonReader } from '../../../../../src/server/json/json-reader.ts'
import {
  isBase64Object,
  readElementOrBase64,
} from '../../../../../src/server/protocols/tfs/base64-text.ts'

const readerOf = (text: string) => new JsonReader(new TextEncoder().encode(text))

test.each([
  ['{"b64":"YQ=="}', true],
  [' { "b64" : "" } ', true],
  ['{"\\u0062\\u0036\\u0034":"YQ=="}', true],
  ['{"b64":1}', false],
  ['{"b64":{"b64":"YQ=="}}', false],
  ['{"b64":"YQ==","a":1}', false],
  ['{"b64":"YQ==","b64":"YQ=="}', false],
  ['{"a":"YQ=="}', false],
  ['{}', false],
  ['[]', false],
  ['"b64"', false],
])('isBase64Object() says of %s: %s', (text, isOne) => {
  const reader = readerOf(text)
  const { at } = reader
  expect(isBase64Object(reader)).toBe(isOne)
  expect(reader.at).toBe(at)
})

const INVALID = 'INPUT_VALUE_INVALID'
const MISMATCH = 'TENSOR_DATATYPE_MISMATCH'
const b64 = (bytes: readonly number[]) =>
  JSON.stringify({ b64: Buffer.from(bytes).toString('base64') })

test.each([
  ['"plain"', 'plain'],
  ['{"b64":"aW1hZ2UgYnl0ZXM="}', 'image bytes'],
  ['{"b64":"aW1hZ2UgYnl0ZXM"}', 'image bytes'],
  ['{"b64":"aW1hZ2Ug\\nYnl0ZXM=\\r\\n"}', 'image bytes'],
  ['{"b64":"8J+YgA=="}', '😀'],
  ['{"b64":""}', ''],
  [b64([0xef, 0xbb, 0xbf, 0x61]), '\ufeffa'],
])('readElementOrBase64() reads %s', (text, value) => {
  const reader = readerOf(`[${text},1]`)
  reader.open()
  expect(readElementOrBase64(reader, 'BYTES')).toBe(value)
  expect([reader.more(), reader.number()]).toEqual([true, 1])
})

test.each([
  ['{"b64":"a"}', INVALID, 'is not Base64'],
  ['{"b64":"aW1hZ2UgYnl0ZXM=="}', INVALID, 'is not Base64'],
  ['{"b64":"YQ="}', INVALID, 'is not Base64'],
  ['{"b64":"Y=Q="}', INVALID, 'is not Base64'],
  ['{"b64":"8J-YgA=="}', INVALID, 'is not Base64'],
  ['{"b64":"YQ ="}', INVALID, 'is not Base64'],
  [b64([0xff]), INVALID, 'holds bytes that are not UTF-8'],
  [b64([0xed, 0xa0, 0x80]), INVALID, 'holds bytes that are not UTF-8'],
  [b64([0x61, 0]), INVALID, 'holds a NUL character'],
  ['{"b64":1}', MISMATCH, 'wants a string or {"b64": "..."}, got an object'],
  ['{"b64":"YQ==","a":1}', MISMATCH, 'wants a string or {"b64": "..."}, got an object'],
  ['{}', MISMATCH, 'wants a string or {"b64": "..."}, got an object'],
  ['1', MISMATCH, 'wants a string, got a number'],
])('readElementOrBase64() refuses %s', (text, code, detail) => {
  const reader = readerOf(`[${text},1]`)
  reader.open()
  expect(readElementOrBase64(reader, 'BYTES')).toEqual({ code, detail })
  expect([reader.more(), reader.number()]).toEqual([true, 1])
})

test('readElementOrBase64() takes no object for other datatypes', () => {
  expect(readElementOrBase64(readerOf('{"b64":"MQ=="}'), 'INT8')).toMatchObject({ code: MISMATCH })
  expect(readElementOrBase64(readerOf('5 '), 'INT8')).toBe(5)
})
