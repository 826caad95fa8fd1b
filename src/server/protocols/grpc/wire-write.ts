/** Protobuf wire format, written where its size is known and has room: offsets in, offsets out. */

import { LENGTH } from './wire.ts'

const BITS = 7

/** The one byte before a field of a length. `number`: up to 15. */
export const lengthTag = (number: number): number => (number << 3) | LENGTH

/** Bytes of a varint: from 0 to 2^53. */
export const varintBytes = (value: number): number => {
  let size = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++
  return size
}

/** Bytes of a varint of 64 bits by its unsigned halves. */
export const longVarintBytes = (low: number, high: number): number =>
  high === 0 ? varintBytes(low) : varintBytes(high * 16 + (low >>> 28)) + 4

/** Bytes of a field of a length, which has so many. `number`: up to 15. */
export const fieldBytes = (size: number): number => 1 + varintBytes(size) + size

/** From 0 to 2^32 - 1. */
export const putVarint = (target: Uint8Array, at: number, value: number): number => {
  let end = at
  let rest = value
  while (rest > 0x7f) {
    target[end++] = (rest & 0x7f) | 0x80
    rest >>>= BITS
  }
  target[end++] = rest
  return end
}

/** Of 64 bits by their unsigned halves. */
export const putLongVarint = (
  target: Uint8Array,
  at: number,
  low: number,
  high: number,
): number => {
  if (high === 0) return putVarint(target, at, low)
  let end = at
  for (let shift = 0; shift < 28; shift += BITS) target[end++] = (low >>> shift) | 0x80
  let rest = high * 16 + (low >>> 28) // 36 bits
  while (rest > 0x7f) {
    target[end++] = (rest % 128) | 0x80
    rest = Math.floor(rest / 128)
  }
  target[end++] = rest
  return end
}

/** The tag and the length of a field: its payload comes next. */
export const putHead = (target: Uint8Array, at: number, number: number, size: number): number => {
  target[at] = lengthTag(number)
  return putVarint(target, at + 1, size)
}

/** A text as a field, in bytes of its own: for what is written again and again. */
export const textField = (number: number, text: string): Uint8Array => {
  const own = Buffer.from(text)
  const bytes = new Uint8Array(fieldBytes(own.length))
  bytes.set(own, putHead(bytes, 0, number, own.length))
  return bytes
}

/** Copies short bytes: up to some dozen, a loop is faster than a call. */
export const putBytes = (target: Uint8Array, at: number, source: Uint8Array): number => {
  for (let i = 0; i < source.length; i++) target[at + i] = source[i]!
  return at + source.length
}
