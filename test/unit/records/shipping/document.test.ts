import { expect, test } from 'vitest'
import { decodeDocument, encodeDocument } from '../../../../src/records/shipping/document.ts'
import { isFields } from '../../../../src/shared/fields.ts'

const FORMAT = { name: 'a', version: 2 }
const isContent = (fields: unknown): fields is { x: number } =>
  isFields(fields) && typeof fields['x'] === 'number'
const decode = (text: string) =>
  decodeDocument(FORMAT, 'It', new TextEncoder().encode(text), isContent)

test('decodeDocument() gives back what encodeDocument() was given', () => {
  expect(decode(encodeDocument(FORMAT, { x: 1 }))).toEqual({ x: 1 })
})

test('decodeDocument() tells a later format from damage', () => {
  const later = encodeDocument({ ...FORMAT, version: 3 }, { x: 1 })
  expect(() => decode(later)).toThrow(expect.objectContaining({ code: 'STATE_TOO_NEW' }))
  for (const text of [
    ...['', '{', '[]', 'null', '{}', '{"x":1}', '{"format":{"name":"b","version":2},"x":1}'],
    encodeDocument(FORMAT, { x: 'no number' }),
    encodeDocument({ ...FORMAT, version: 0 }, { x: 1 }),
  ]) {
    expect(() => decode(text)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
  }
})
