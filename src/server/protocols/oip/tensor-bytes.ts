/**
 * Tensors as bytes, as the binary tensor extension of the Open Inference Protocol and its gRPC
 * carry them (serving.md §1.3): little-endian, row-major, no padding; BOOL is one byte; an element
 * of BYTES is its length, 4 bytes unsigned, and then itself. Numbers are copied as they lie in
 * memory: all platforms that ONNX Runtime for Node is built for are little-endian.
 */

import { isUtf8 } from 'node:buffer'
import type { ErrorCode } from '../../../shared/errors.ts'
import type { Datatype, NumericArray, TensorData } from '../../../shared/tensor.ts'

/** Bytes of the length of an element of BYTES. */
export const LENGTH_BYTES = 4

const ELEMENT_BYTES: Readonly<Record<Datatype, number>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
}

/** Bytes of one element; 0 where they differ. */
export const elementBytes = (datatype: Datatype): number => ELEMENT_BYTES[datatype]

/** Why bytes are no such tensor, in words that follow `Input 'x'`. */
export interface BytesFault {
  readonly code: ErrorCode
  readonly detail: string
}

/** Whether there can be `count` elements in so many bytes, before memory is taken for them. */
export const checkBytes = (datatype: Datatype, count: number, bytes: number): BytesFault | null => {
  const size = ELEMENT_BYTES[datatype]
  if (size > 0) {
    if (count * size === bytes) return null
    const detail = `byte size mismatch: expected ${count * size}, got ${bytes}`
    return { code: 'TENSOR_SHAPE_MISMATCH', detail }
  }
  const least = count * LENGTH_BYTES
  if (least <= bytes && (count > 0 || bytes === 0)) return null
  const detail = `wants ${count} strings, at least ${least} bytes, got ${bytes} bytes`
  return { code: 'TENSOR_SHAPE_MISMATCH', detail }
}

/**
 * Copies the elements within `source` to `at` of an array of the same datatype; `checkBytes` has
 * agreed to their number. A fault may leave some of them there.
 */
export const readBytes = (
  source: Uint8Array,
  datatype: Datatype,
  target: TensorData,
  at: number,
  count: number,
): BytesFault | null => {
  if (Array.isArray(target)) return readTexts(source, target, at, count)
  if (datatype === 'BOOL') {
    for (let i = 0; i < count; i++) {
      if (source[i]! <= 1) continue
      const detail = `wants bytes of 0 or 1, element ${i} is ${source[i]}`
      return { code: 'INPUT_VALUE_INVALID', detail }
    }
  }
  // As bytes it does not matter where in the body they lie: floats would have to be aligned.
  bytesOf(target, at, count).set(source)
  return null
}

/** The memory of `count` elements from `from` on. */
const bytesOf = (data: NumericArray, from: number, count: number): Uint8Array => {
  const size = data.BYTES_PER_ELEMENT
  return new Uint8Array(data.buffer, data.byteOffset + from * size, count * size)
}

/** Up to here a text is looked at byte by byte. */
const SHORT_BYTES = 32

/** Whether so short a text is ASCII without NUL: then it needs no further look. */
const isPlain = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let i = from; i < to; i++) if (bytes[i] === 0 || bytes[i]! > 0x7f) return false
  return true
}

const readTexts = (
  source: Uint8Array,
  target: string[],
  at: number,
  count: number,
): BytesFault | null => {
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.length)
  let from = 0
  for (let i = 0; i < count; i++) {
    const left = bytes.length - from - LENGTH_BYTES
    if (left === -LENGTH_BYTES) {
      return { code: 'TENSOR_SHAPE_MISMATCH', detail: `expected ${count} strings, got ${i}` }
    }
    if (left < 0) {
      const detail = `has an incomplete string length indicator at element ${i}, expecting 4 bytes but only ${left + LENGTH_BYTES} bytes available`
      return { code: 'REQUEST_MALFORMED', detail }
    }
    const length = bytes.readUInt32LE(from)
    if (length > left) {
      const detail = `has incomplete string data at element ${i}, expecting string of length ${length} but only ${left} bytes available`
      return { code: 'REQUEST_MALFORMED', detail }
    }
    from += LENGTH_BYTES
    const to = from + length
    const text = readText(bytes, from, to)
    if (typeof text !== 'string') return wrongText(i, text)
    target[at + i] = text
    from = to
  }
  if (from === bytes.length) return null
  const more = bytes.length - from
  const detail = `has an unexpected number of string elements: ${more} bytes follow the ${count} expected`
  return { code: 'TENSOR_SHAPE_MISMATCH', detail }
}

/** Why bytes are no text, in words that follow `element 3`. */
export interface TextFault {
  readonly fault: string
}

const HOLDS_NUL: TextFault = { fault: 'holds a NUL character' }
const NOT_UTF8: TextFault = { fault: 'is not valid UTF-8' }

/** Text in the runtime is Unicode, and ends at the first NUL (reference: onnx.md §2). */
export const readText = (bytes: Buffer, from: number, to: number): string | TextFault => {
  if (to - from <= SHORT_BYTES && isPlain(bytes, from, to))
    return bytes.toString('latin1', from, to)
  const text = bytes.toString('utf8', from, to)
  if (text.includes('\0')) return HOLDS_NUL
  const isSure = !text.includes('\ufffd')
  return isSure || isUtf8(bytes.subarray(from, to)) ? text : NOT_UTF8
}

/** The element that is no text. */
export const wrongText = (index: number, { fault }: TextFault): BytesFault => ({
  code: 'INPUT_VALUE_INVALID',
  detail: `element ${index} ${fault}`,
})

/** Bytes that the elements `from .. to - 1` take. */
export const sizeInBytes = (data: TensorData, from: number, to: number): number => {
  if (!Array.isArray(data)) return (to - from) * data.BYTES_PER_ELEMENT
  let size = (to - from) * LENGTH_BYTES
  for (let i = from; i < to; i++) size += Buffer.byteLength(data[i]!)
  return size
}

/** Writes the elements `from .. to - 1` to `at`, where they have room; the offset behind them. */
export const writeBytes = (
  target: Buffer,
  at: number,
  data: TensorData,
  from: number,
  to: number,
): number => {
  if (!Array.isArray(data)) {
    const bytes = bytesOf(data, from, to - from)
    target.set(bytes, at)
    return at + bytes.length
  }
  let end = at
  for (let i = from; i < to; i++) {
    const size = target.write(data[i]!, end + LENGTH_BYTES)
    target.writeUInt32LE(size, end)
    end += LENGTH_BYTES + size
  }
  return end
}
