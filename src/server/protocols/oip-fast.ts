/**
 * The usual OIP request, from bytes straight into the batch: one FP32 or FP64 input with flat data,
 * `shape` and `datatype` before `data`. Not sure: the complete decoder reads it again.
 */

import { type NumberPlace, readNumbers } from '../json/number-list.ts'
import { numberEnd, scanNumber } from '../json/number-scanner.ts'
import {
  after,
  endsAsObject,
  matches,
  NOT_SURE,
  quoted,
  scanText,
  skipBlanks,
  textEnd,
} from '../json/text-scanner.ts'
import { FLOAT32_MAX } from './element.ts'
import type { Decoded, RowTarget, VariantPlan } from './protocol.ts'

const ID = quoted('id')
const INPUTS = quoted('inputs')
const NAME = quoted('name')
const SHAPE = quoted('shape')
const DATATYPE = quoted('datatype')
const DATA = quoted('data')

/** Offset of the value of `key`, which must stand at `at`. */
const valueAfter = (bytes: Uint8Array, at: number, key: Uint8Array): number =>
  at >= 0 && matches(bytes, at, key) ? after(bytes, at + key.length, 0x3a) : NOT_SURE

interface OipPlan {
  readonly name: Uint8Array
  readonly datatype: Uint8Array
  readonly stride: number
  readonly inner: readonly number[]
  readonly magnitudeMax: number
}

/** Containers of the deepest body that is read here: a matrix in lists of rows. */
const FAST_DEPTH = 5

const compiled = new WeakMap<VariantPlan, OipPlan | null>()

const compile = (plan: VariantPlan): OipPlan | null => {
  const [input] = plan.signature.inputs
  if (input === undefined || plan.signature.inputs.length > 1 || plan.rowStrides === null)
    return null
  if (plan.jsonDepthMax < FAST_DEPTH) return null
  if (input.datatype !== 'FP32' && input.datatype !== 'FP64') return null
  return {
    name: quoted(input.name),
    datatype: quoted(input.datatype),
    stride: plan.rowStrides[0]!,
    inner: input.shape.slice(1),
    magnitudeMax: input.datatype === 'FP32' ? FLOAT32_MAX : Number.MAX_VALUE,
  }
}

const oipPlan = (plan: VariantPlan): OipPlan | null => {
  const known = compiled.get(plan)
  if (known !== undefined) return known
  const made = compile(plan)
  compiled.set(plan, made)
  return made
}

/** Reused: one request is decoded at a time. */
const place: NumberPlace = { column: new Float32Array(0), base: 0, count: 0, magnitudeMax: 0 }

/** Rows of the last shape read. */
let shapeRows = 0

/** Reads `[rows, ...inner]`; the offset behind it, or NOT_SURE. */
const readShape = (bytes: Uint8Array, from: number, inner: readonly number[]): number => {
  let at = after(bytes, from, 0x5b)
  for (let axis = 0; axis <= inner.length; axis++) {
    if (at < 0) return NOT_SURE
    const size = scanNumber(bytes, at)
    if (numberEnd < 0 || (axis > 0 && size !== inner[axis - 1])) return NOT_SURE
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
  const isSound = found === 7 && Number.isInteger(shapeRows) && shapeRows >= 1
  if (!isSound || shapeRows > target.room) return NOT_SURE
  const value = valueAfter(bytes, at, DATA)
  return value < 0 ? NOT_SURE : after(bytes, readData(bytes, value, plan, target), 0x7d)
}

/** Reads flat data, or, of a matrix, a list of rows; the offset behind it, or NOT_SURE. */
const readData = (bytes: Uint8Array, from: number, plan: OipPlan, target: RowTarget): number => {
  place.column = target.columns[0] as Float32Array
  place.base = target.row * plan.stride
  place.magnitudeMax = plan.magnitudeMax
  let at = after(bytes, from, 0x5b)
  if (at < 0 || bytes[at] !== 0x5b) {
    place.count = shapeRows * plan.stride
    return readNumbers(bytes, from, place)
  }
  if (plan.inner.length !== 1) return NOT_SURE
  place.count = plan.stride
  for (let row = 1; ; row++) {
    at = readNumbers(bytes, at, place)
    if (row === shapeRows || at < 0) break
    place.base += plan.stride
    at = after(bytes, at, 0x2c)
  }
  at = at < 0 ? NOT_SURE : skipBlanks(bytes, at)
  return bytes[at] === 0x5d ? at + 1 : NOT_SURE
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
    if (decoded.rowsInPlace > 0) return NOT_SURE
    const end = readInputs(bytes, valueAfter(bytes, at, INPUTS), plan, target)
    if (end >= 0) decoded.rowsInPlace = shapeRows
    return end
  }
  const value = valueAfter(bytes, at, ID)
  if (value < 0 || decoded.requestId !== '') return NOT_SURE
  decoded.requestId = scanText(bytes, value)
  return decoded.requestId === '' ? NOT_SURE : textEnd
}

/** True when the body was read into the target; false when the complete decoder must look at it. */
export const decodeOipFast = (
  bytes: Uint8Array,
  variant: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
): boolean => {
  const plan = oipPlan(variant)
  if (plan === null || target.room < 1 || !endsAsObject(bytes)) return false
  let at = after(bytes, 0, 0x7b)
  while (at >= 0) {
    at = readEntry(bytes, at, plan, target, decoded)
    if (at < 0) return false
    at = skipBlanks(bytes, at)
    if (bytes[at] === 0x7d) break
    at = after(bytes, at, 0x2c)
  }
  return at >= 0 && decoded.rowsInPlace > 0 && skipBlanks(bytes, at + 1) === bytes.length
}
