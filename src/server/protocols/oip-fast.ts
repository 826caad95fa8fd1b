/**
 * The usual OIP request, from bytes straight into the batch: one FP32 or FP64 input with flat data,
 * `shape` and `datatype` before `data`. Not sure: the complete decoder reads it again.
 */

import { type NumberPlace, readNumbers, skipBlanks } from '../json/number-list.ts'
import { numberEnd, scanNumber } from '../json/number-scanner.ts'
import type { Decoded, RowTarget, VariantPlan } from './protocol.ts'

const NOT_SURE = -1
const FLOAT32_MAX = 3.4028234663852886e38

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const INPUTS = ascii('"inputs"')
const NAME = ascii('"name"')
const SHAPE = ascii('"shape"')
const DATATYPE = ascii('"datatype"')
const DATA = ascii('"data"')

const matches = (bytes: Uint8Array, at: number, key: Uint8Array): boolean => {
  for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false
  return true
}

/** Offset behind `byte` and blanks, or NOT_SURE. */
const after = (bytes: Uint8Array, from: number, byte: number): number => {
  if (from < 0) return NOT_SURE
  const at = skipBlanks(bytes, from)
  return bytes[at] === byte ? skipBlanks(bytes, at + 1) : NOT_SURE
}

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

const compiled = new WeakMap<VariantPlan, OipPlan | null>()

const compile = (plan: VariantPlan): OipPlan | null => {
  const [input] = plan.signature.inputs
  if (input === undefined || plan.signature.inputs.length > 1 || plan.rowStrides === null)
    return null
  if (input.datatype !== 'FP32' && input.datatype !== 'FP64') return null
  return {
    name: ascii(JSON.stringify(input.name)),
    datatype: ascii(`"${input.datatype}"`),
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

/** `{"name":..., "shape":..., "datatype":..., "data":...}` in this or Triton's order of the first three. */
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
  if (value < 0) return NOT_SURE
  place.column = target.columns[0] as Float32Array
  place.base = target.row * plan.stride
  place.count = shapeRows * plan.stride
  place.magnitudeMax = plan.magnitudeMax
  return after(bytes, readNumbers(bytes, value, place), 0x7d)
}

/** True when the body was read into the target; false when the complete decoder must look at it. */
export const decodeOipFast = (
  bytes: Uint8Array,
  variant: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
): boolean => {
  const plan = oipPlan(variant)
  if (plan === null || target.room < 1) return false
  let at = valueAfter(bytes, after(bytes, 0, 0x7b), INPUTS)
  at = after(bytes, after(bytes, at, 0x5b), 0x7b)
  if (at < 0) return false
  at = after(bytes, readInput(bytes, at, plan, target), 0x5d)
  at = after(bytes, at, 0x7d)
  if (at !== bytes.length) return false
  decoded.rowsInPlace = shapeRows
  return true
}
