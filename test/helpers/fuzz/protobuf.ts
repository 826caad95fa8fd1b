/** Protobuf messages changed field by field, and with lengths and numbers that lie. */

import { varint } from '../onnx-writer.ts'
import { damaged } from './bytes.ts'
import type { Random } from './random.ts'

interface Field {
  readonly number: number
  readonly wire: number
  /** Behind the tag: a varint, 4 or 8 bytes, or what has a length. */
  readonly payload: Buffer
}

const LENGTH = 2
const FIXED: Readonly<Record<number, number>> = { 1: 8, 5: 4 }

/** A varint at `at`, and where it ends; null when there is none. */
const varintAt = (bytes: Buffer, at: number): { value: number; end: number } | null => {
  let value = 0
  for (let i = 0; i < 10; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) return null
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, end: at + i + 1 }
  }
  return null
}

/** The fields of a message; null where the bytes are none. */
const fieldsOf = (bytes: Buffer): Field[] | null => {
  const fields: Field[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = varintAt(bytes, at)
    if (tag === null || tag.value < 8) return null
    const [number, wire] = [Math.floor(tag.value / 8), tag.value % 8]
    const size = varintAt(bytes, tag.end)
    let from = tag.end
    let end = from + (FIXED[wire] ?? 0)
    if (wire === 0 || wire === LENGTH) {
      if (size === null) return null
      from = wire === 0 ? from : size.end
      end = wire === 0 ? size.end : size.end + size.value
    } else if (FIXED[wire] === undefined) return null
    if (end > bytes.length) return null
    fields.push({ number, wire, payload: bytes.subarray(from, end) })
    at = end
  }
  return fields
}

const tagOf = (number: number, wire: number): Uint8Array =>
  varint(BigInt(number) * 8n + BigInt(wire))

const written = ({ number, wire, payload }: Field): Buffer =>
  Buffer.concat([
    tagOf(number, wire),
    ...(wire === LENGTH ? [varint(payload.length)] : []),
    payload,
  ])

const LENGTHS = [0n, 1n, 127n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]
const OVERLONG = Buffer.alloc(11, 0xff)
const NUMBERS = [0, 1, 2, 3, 5, 7, 8, 9, 11, 13, 14, 20, 2 ** 29 - 1]

/** A field whose length or number is not what it says. */
const lying = (random: Random, { number, payload }: Field): Buffer => {
  const length = random.once(2)
    ? varint(random.pick(LENGTHS))
    : varint(Math.max(0, payload.length + random.below(9) - 4))
  switch (random.below(4)) {
    case 0:
      return Buffer.concat([tagOf(number, LENGTH), OVERLONG, payload])
    case 1:
      return Buffer.concat([tagOf(number, random.below(8)), payload])
    case 2:
      return Buffer.concat([tagOf(number, 0), random.once(2) ? OVERLONG : length])
    default:
      return Buffer.concat([tagOf(number, LENGTH), length, payload])
  }
}

const nested = (random: Random, field: Field): Field => {
  let { payload } = field
  for (let depth = random.pick([1, 3, 65, 200]); depth > 0; depth--) {
    payload = written({ number: field.number, wire: LENGTH, payload })
  }
  return { ...field, wire: LENGTH, payload }
}

/** `bytes` with one of its fields changed, or one of a message within. */
const changed = (random: Random, bytes: Buffer, donor: Buffer): Buffer => {
  const fields = fieldsOf(bytes)
  if (fields === null || fields.length === 0) return damaged(random, bytes, donor)
  const at = random.below(fields.length)
  const field = fields[at]!
  const parts = fields.map(written)
  const isMessage = field.wire === LENGTH && fieldsOf(field.payload) !== null
  if (isMessage && !random.once(3)) {
    parts[at] = written({ ...field, payload: changed(random, field.payload, donor) })
    return Buffer.concat(parts)
  }
  const others = fieldsOf(donor) ?? fields
  switch (random.below(8)) {
    case 0:
      parts.splice(at, 1)
      break
    case 1:
      parts.splice(at, 0, ...new Array<Buffer>(random.pick([1, 2, 50])).fill(parts[at]!))
      break
    case 2:
      parts.reverse()
      break
    case 3:
      parts[at] = written({ ...field, number: random.pick(NUMBERS) })
      break
    case 4:
      parts[at] = lying(random, field)
      break
    case 5:
      parts[at] = written(nested(random, field))
      break
    case 6:
      parts[at] = written(random.pick(others))
      break
    default:
      parts[at] = written({ ...field, payload: damaged(random, field.payload, donor) })
  }
  return Buffer.concat(parts)
}

/** One of the messages, changed in up to four places. */
export const protobufBytes = (random: Random, messages: readonly Uint8Array[]): Buffer => {
  let bytes: Buffer = Buffer.from(random.pick(messages))
  for (let changes = random.below(5); changes > 0; changes--) {
    bytes = changed(random, bytes, Buffer.from(random.pick(messages)))
  }
  return bytes
}
