/**
 * The usual OIP request, from bytes straight into the batch: one FP32 or FP64 input with flat data,
 * `shape` and `datatype` before `data`. Not sure: the complete decoder reads it again.
 */

import { isPlainInteger } from '../../json/integer-literal.ts'
import { numberPlace as place, readNumbers, readRows, rowsRead } from '../../json/number-list.ts'
import { numberEnd, scanNumber } from '../../json/number-scanner.ts'
import {
  after,
  endsAsObject,
  matches,
  NOT_SURE,
  quoted,
  scanText,
  skipBlanks,
  textEnd,
} from '../../json/text-scanner.ts'
import { BODY_ID_LENGTH_MAX, type Decoded, type RowTarget } from '../protocol.ts'
import type { OipPlan } from './oip-plan.ts'

const ID = quoted('id')
const INPUTS = quoted('inputs')
const NAME = quoted('name')
const SHAPE = quoted('shape')
const DATATYPE = quoted('datatype')
const DATA = quoted('data')

/** Offset of the value of `key`, which must stand at `at`. */
const valueAfter = (bytes: Uint8Array, at: number, key: Uint8Array): number =>
  at >= 0 && matches(bytes, at, key) ? after(bytes, at + key.length, 0x3a) : NOT_SURE

/** Rows of the last shape read. */
let shapeRows = 0

/** Reads `[rows, ...inner]`; the offset behind it, or NOT_SURE. */
const readShape = (bytes: Uint8Array, from: number, inner: readonly number[]): number => {
  let at = after(bytes, from, 0x5b)
  for (let axis = 0; axis <= inner.length; axis++) {
    if (at < 0) return NOT_SURE
    const size = scanNumber(bytes, at)
    if (!isPlainInteger(size, numberEnd - at)) return NOT_SURE
    if (axis > 0 && size !== inner[axis - 1]) return NOT_SURE
    if (axis === 0) shapeRows = size
    const isLast = axis === inner.length
    const end = skipBlanks(bytes, numberEnd)
    if (isLast) return bytes[end] === 0x5d ? end + 1 : NOT_SURE
    at = after(bytes, end, 0x2c)
  }
  return NOT_SURE
}

/** `{"name", "shape", "datatype", "data"}` in this or Triton's order of the first three. */
const readInput = (bytes: Uint8Array, from: number, plan: OipPlan, target: RowTarget): number => {
  let at = from
  let found = 0
  for (let i = 0; i < 3; i++) {
    if (at >= 0 && matches(bytes, at, NAME)) {
      at = valueAfter(bytes, at, NAME)
      at = at >= 0 && matches(bytes, at, plan.name) ? at + plan.name.length : NOT_SURE
      found |= 1
    } else if (at >= 0 && matches(bytes, at, SHAPE)) {
      at = readShape(bytes, valueAfter(bytes, at, SHAPE), plan.inner)
      found |= 2
    } else if (at >= 0 && matches(bytes, at, DATATYPE)) {
      at = valueAfter(bytes, at, DATATYPE)
      at = at >= 0 && matches(bytes, at, plan.datatype) ? at + plan.datatype.length : NOT_SURE
      found |= 4
    } else return NOT_SURE
    at = after(bytes, at, 0x2c)
  }
  const isSound = found === 7 && shapeRows >= 1
  if (!isSound || shapeRows > target.room) return NOT_SURE
  const value = valueAfter(bytes, at, DATA)
  return value < 0 ? NOT_SURE : after(bytes, readData(bytes, value, plan, target), 0x7d)
}

/** Reads flat data, or, of a matrix, a list of rows; the offset behind it, or NOT_SURE. */
const readData = (bytes: Uint8Array, from: number, plan: OipPlan, target: RowTarget): number => {
  place.column = target.columns[0] as Float32Array
  place.base = target.row * plan.stride
  place.magnitudeMax = plan.magnitudeMax
  const at = after(bytes, from, 0x5b)
  if (at < 0 || bytes[at] !== 0x5b) {
    place.count = shapeRows * plan.stride
    return readNumbers(bytes, from, place)
  }
  if (plan.inner.length !== 1) return NOT_SURE
  place.count = plan.stride
  const end = readRows(bytes, from, place, shapeRows)
  return rowsRead === shapeRows ? end : NOT_SURE
}

/** Reads `[{...}]`, the one input. */
const readInputs = (bytes: Uint8Array, from: number, plan: OipPlan, target: RowTarget): number => {
  const at = after(bytes, after(bytes, from, 0x5b), 0x7b)
  const end = at < 0 ? NOT_SURE : readInput(bytes, at, plan, target)
  return end >= 0 && bytes[end] === 0x5d ? end + 1 : NOT_SURE
}

/** Reads `"id": "..."` or the inputs, each once; the offset behind, or NOT_SURE. */
const readEntry = (
  bytes: Uint8Array,
  at: number,
  plan: OipPlan,
  target: RowTarget,
  decoded: Decoded,
): number => {
  if (matches(bytes, at, INPUTS)) {
    if (decoded.rows > 0) return NOT_SURE
    const end = readInputs(bytes, valueAfter(bytes, at, INPUTS), plan, target)
    if (end >= 0) decoded.rows = shapeRows
    return end
  }
  const value = valueAfter(bytes, at, ID)
  if (value < 0 || decoded.bodyId !== null) return NOT_SURE
  const id = scanText(bytes, value)
  if (textEnd < 0 || id.length > BODY_ID_LENGTH_MAX) return NOT_SURE
  decoded.bodyId = id
  return textEnd
}

/** True when the body was read into the target; false when the complete decoder must look at it. */
export const decodeOipFast = (
  bytes: Uint8Array,
  plan: OipPlan,
  target: RowTarget,
  decoded: Decoded,
): boolean => {
  if (target.room < 1 || !endsAsObject(bytes)) return false
  let at = after(bytes, 0, 0x7b)
  while (at >= 0) {
    at = readEntry(bytes, at, plan, target, decoded)
    if (at < 0) return false
    at = skipBlanks(bytes, at)
    if (bytes[at] === 0x7d) break
    at = after(bytes, at, 0x2c)
  }
  return at >= 0 && decoded.rows > 0 && skipBlanks(bytes, at + 1) === bytes.length
}
