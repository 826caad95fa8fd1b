/**
 * Text as TensorFlow Serving also takes it: `{"b64": "..."}`, an object of just that key, with the
 * bytes of the text in Base64. Source: tensorflow/serving, g3doc/api_rest.md, "Encoding binary
 * values". Ours must be UTF-8: ONNX Runtime for Node has no other text.
 */

import { isUtf8 } from 'node:buffer'
import type { JsonReader } from '../../json/json-reader.ts'
import { fitText, misfit, mismatch, type ReadElement, readElement } from '../element.ts'

const KEY = 'b64'
/** The alphabet of RFC 4648 §4. What stands between lines is taken out before. */
const ALPHABET = /^[A-Za-z0-9+/]*={0,2}$/
const LINE_ENDS = /[\r\n]/g

/** Whether the value at hand is such an object; the reader stays before it. */
export const isBase64Object = (reader: JsonReader): boolean => {
  const { at } = reader
  if (!reader.isObject || !reader.open()) {
    reader.at = at
    return false
  }
  const isNamed = reader.key() === KEY && reader.isText
  if (isNamed) reader.skip()
  const isAlone = isNamed && !reader.more()
  reader.at = at
  return isAlone
}

/** The bytes, or null for what is not Base64. The padding may be left out, but not be wrong. */
const bytesOf = (text: string): Buffer | null => {
  const packed = text.replace(LINE_ENDS, '')
  if (!ALPHABET.test(packed)) return null
  const isWhole = packed.endsWith('=') ? packed.length % 4 === 0 : packed.length % 4 !== 1
  return isWhole ? Buffer.from(packed, 'base64') : null
}

/** `readElement`, but text may be given in Base64. */
export const readElementOrBase64: ReadElement = (reader, datatype) => {
  if (datatype !== 'BYTES' || !reader.isObject) return readElement(reader, datatype)
  if (!isBase64Object(reader)) return mismatch('a string or {"b64": "..."}', reader)
  reader.open()
  reader.key()
  const bytes = bytesOf(reader.text())
  reader.more()
  if (bytes === null) return misfit('INPUT_VALUE_INVALID', 'is not Base64')
  if (!isUtf8(bytes)) return misfit('INPUT_VALUE_INVALID', 'holds bytes that are not UTF-8')
  return fitText(bytes.toString())
}
