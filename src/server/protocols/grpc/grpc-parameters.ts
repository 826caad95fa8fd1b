/**
 * Maps `parameters` of a gRPC request: of the message, of an input, of an output. Of names that
 * come twice the last one counts, as protobuf says of maps. `binary_data` and the like say how HTTP
 * carries tensors; here they change nothing.
 */

import type { Refusal } from '../../../shared/errors.ts'
import { notCount, UNSUPPORTED, unsupported } from '../oip/oip-entries.ts'
import {
  damagedMessage,
  FIXED64,
  field,
  isText,
  LENGTH,
  matches,
  notUtf8,
  readField,
  readVarint,
  VARINT,
  varint,
  WHOLE,
  wrongWireType,
} from './wire.ts'

/**
 * A value of the oneof `parameter_choice`; null where it is not set. What a text or a double says
 * means nothing here, but for the empty text: they stand as other texts.
 */
type Value = boolean | bigint | string | null

/** By name, of those that mean something. */
export type Parameters = ReadonlyMap<string, Value>

export const NO_PARAMETERS: Parameters = new Map()

const COUNT_MAX = BigInt(Number.MAX_SAFE_INTEGER)
const COUNTS = ['priority', 'timeout', 'classification']
const KNOWN = [...COUNTS, ...UNSUPPORTED].map((name) => ({
  name,
  bytes: new TextEncoder().encode(name),
}))

const ENTRY = 'entry of a map of parameters'

/** Wire types of the fields of InferParameter: bool, int64, string, double, uint64. */
const CHOICE_TYPES = [-1, VARINT, VARINT, LENGTH, FIXED64, VARINT]

const long = (isSigned: boolean): bigint => {
  const value = (BigInt(varint.high) << 32n) | BigInt(varint.low)
  return isSigned ? BigInt.asIntN(64, value) : value
}

/** What one field of an InferParameter says. */
const readChoice = (bytes: Uint8Array): Value | Refusal => {
  const [number, from, to] = [field.number, field.from, field.to]
  if (CHOICE_TYPES[number] !== field.type) return wrongWireType('InferParameter')
  if (number === 3) {
    if (!isText(bytes, from, to)) return notUtf8('string of a parameter')
    return to > from ? 'a text' : ''
  }
  if (number === 4) return 'a double'
  readVarint(bytes, from, to)
  return number === 1 ? (varint.low | varint.high) !== 0 : long(number === 2)
}

/** Reads an InferParameter behind what an earlier part of it said. */
const readValue = (bytes: Uint8Array, from: number, to: number, said: Value): Value | Refusal => {
  let value = said
  for (let at = from; at < to; ) {
    at = readField(bytes, at, to)
    if (at < 0) return damagedMessage('InferParameter')
    if (field.number >= CHOICE_TYPES.length) continue
    const choice = readChoice(bytes)
    if (typeof choice === 'object' && choice !== null) return choice
    value = choice
  }
  return value
}

/** Reads one entry of the map. */
const readEntry = (
  bytes: Uint8Array,
  from: number,
  to: number,
  found: Map<string, Value>,
): Refusal | null => {
  let value: Value = null
  let keyFrom = from
  let keyTo = from
  for (let at = from; at < to; ) {
    at = readField(bytes, at, to)
    if (at < 0) return damagedMessage(ENTRY)
    if (field.number > 2) continue
    if (field.type !== LENGTH) return wrongWireType(ENTRY)
    if (field.number === 1) {
      keyFrom = field.from
      keyTo = field.to
      if (!isText(bytes, keyFrom, keyTo)) return notUtf8('name of a parameter')
    } else {
      const read = readValue(bytes, field.from, field.to, value)
      if (typeof read === 'object' && read !== null) return read
      value = read
    }
  }
  const known = KNOWN.find((each) => matches(bytes, keyFrom, keyTo, each.bytes))
  if (known !== undefined) found.set(known.name, value)
  return null
}

/** Whether a value asks for nothing: 0, false and '' are what Triton takes for "not given". */
const isNo = (value: Value): boolean => value === 0n || value === false || value === ''

/** What the map `number` of the message in `from .. to - 1`, which was read before, says. */
export const readParameters = (
  bytes: Uint8Array,
  from: number,
  to: number,
  number: number,
): Parameters | Refusal => {
  const found = new Map<string, Value>()
  for (let at = from; at < to; ) {
    at = readField(bytes, at, to)
    const refusal = field.number === number ? readEntry(bytes, field.from, field.to, found) : null
    if (refusal !== null) return refusal
  }
  for (const [name, value] of found) {
    if (UNSUPPORTED.has(name) && !isNo(value)) return unsupported(name, WHOLE)
  }
  return found
}

/** A whole number from 0; -1 where none is given. */
export const countOf = (parameters: Parameters, name: string): number | Refusal => {
  const value = parameters.get(name)
  if (value === undefined) return -1
  const isCount = typeof value === 'bigint' && value >= 0n && value <= COUNT_MAX
  return isCount ? Number(value) : notCount(name, WHOLE)
}
