/**
 * The protobuf wire format in bytes that are all there, without an object for anything that is read
 * (protobuf.dev/programming-guides/encoding). Functions answer where they have come to; what they
 * found stands in `field` and `varint` until the next call.
 */

import { isUtf8 } from 'node:buffer'
import type { Refusal } from '../../../shared/errors.ts'
import { malformed } from '../body-faults.ts'

/** Wire types. Groups, 3 and 4, ended with proto2: here they are refused. */
export const VARINT = 0
export const FIXED64 = 1
export const LENGTH = 2
export const FIXED32 = 5

/** Where a refusal points to: answers of gRPC have no place for more. */
export const WHOLE = ''

const CONTINUES = 0x80
const VARINT_BYTES_MAX = 10
/** Of a tag or a length: 32 bits. */
const SHORT_VARINT_BYTES_MAX = 5

/** The field that was read last: its wire type, and where its payload stands. */
export const field = { number: 0, type: 0, from: 0, to: 0 }

/** The halves of the varint that was read last, unsigned. */
export const varint = { low: 0, high: 0 }

/** Why the last call found nothing: words that follow `The message is damaged:`. */
let fault = ''

const failed = (why: string): -1 => {
  fault = why
  return -1
}

const CUT = 'a field is cut off'

/** For a call that has answered -1. `what`: the message that was read. */
export const damagedMessage = (what: string): Refusal =>
  malformed(`The ${what} is damaged: ${fault}`, WHOLE)

/** A field of a message that is known, but has another wire type. */
export const wrongWireType = (what: string): Refusal => {
  const detail = `The ${what} is damaged: field ${field.number} has wire type ${field.type}`
  return malformed(detail, WHOLE)
}

/** A packed field whose last element is not all there. */
export const cutElement = (what: string): Refusal =>
  malformed(`The ${what} is damaged: field ${field.number} is cut within an element`, WHOLE)

/** A text that is none, of a field that must be one. */
export const notUtf8 = (what: string): Refusal => malformed(`The ${what} is not valid UTF-8`, WHOLE)

/** The offset behind the varint at `at`, which ends before `end`; -1: there is none. */
export const readVarint = (bytes: Uint8Array, at: number, end: number): number => {
  let low = 0
  let high = 0
  for (let i = 0; i < VARINT_BYTES_MAX; i++) {
    if (at + i >= end) return failed(CUT)
    const byte = bytes[at + i]!
    const bits = byte & 0x7f
    if (i < 5) low |= bits << (7 * i)
    if (i === 4) high = bits >> 4
    else if (i > 4) high |= bits << (7 * i - 32)
    if (byte < CONTINUES) {
      varint.low = low >>> 0
      varint.high = high >>> 0
      return at + i + 1
    }
  }
  return failed('a number is longer than ten bytes')
}

/** The same of a number of 32 bits, such as a tag. */
const readShortVarint = (bytes: Uint8Array, at: number, end: number): number => {
  const next = readVarint(bytes, at, end)
  if (next < 0 || (varint.high === 0 && next - at <= SHORT_VARINT_BYTES_MAX)) return next
  return failed('a tag or length is longer than 32 bits')
}

/** The offset behind the field at `at`, in a message that ends at `end`; -1: there is none. */
export const readField = (bytes: Uint8Array, at: number, end: number): number => {
  let from = at + 1
  let tag = bytes[at]!
  if (tag >= CONTINUES) {
    from = readShortVarint(bytes, at, end)
    if (from < 0) return from
    tag = varint.low
  }
  field.number = tag >>> 3
  field.type = tag & 7
  if (field.number === 0) return failed('a field has the number 0')
  let to: number
  if (field.type === LENGTH) {
    if (from >= end) return failed(CUT)
    let size = bytes[from]!
    if (size < CONTINUES) from++
    else {
      from = readShortVarint(bytes, from, end)
      if (from < 0) return from
      size = varint.low
    }
    to = from + size
  } else if (field.type === VARINT) {
    to = readVarint(bytes, from, end)
    if (to < 0) return to
  } else if (field.type === FIXED32) to = from + 4
  else if (field.type === FIXED64) to = from + 8
  else return failed(`field ${field.number} has wire type ${field.type}`)
  if (to > end) return failed(CUT)
  field.from = from
  field.to = to
  return to
}

/** Whether the bytes `from .. to - 1` are those of `wanted`. */
export const matches = (
  bytes: Uint8Array,
  from: number,
  to: number,
  wanted: Uint8Array,
): boolean => {
  if (to - from !== wanted.length) return false
  for (let i = 0; i < wanted.length; i++) if (bytes[from + i] !== wanted[i]) return false
  return true
}

/** The text of the bytes `from .. to - 1`; null where they are none in UTF-8. */
export const textOf = (bytes: Uint8Array, from: number, to: number): string | null => {
  const own = Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from)
  return isUtf8(own) ? own.toString() : null
}

/**
 * Whether the bytes `from .. to - 1` are text in UTF-8; the usual one is ASCII. Of texts in one
 * field the last counts, but all must be some: who replaces one looks at it.
 */
export const isText = (bytes: Uint8Array, from: number, to: number): boolean => {
  let at = from
  while (at < to && bytes[at]! < CONTINUES) at++
  return at === to || isUtf8(bytes.subarray(at, to))
}
