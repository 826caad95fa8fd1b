/** One JSON value into one element of a tensor, for all JSON formats; nothing is converted. */

import { type ErrorCode, type FieldFault, type Refusal, refuse } from '../../shared/errors.ts'
import {
  BIGINT_BOUNDS,
  type Datatype,
  INTEGER_BOUNDS,
  type TensorData,
} from '../../shared/tensor.ts'
import type { JsonReader } from '../json/json-reader.ts'

export type Element = number | bigint | string

/** Why a value does not fit. */
export interface Misfit {
  readonly code: ErrorCode
  readonly detail: string
}

export const misfit = (code: ErrorCode, detail: string): Misfit => ({ code, detail })

/** The value at hand, which is then behind the reader, is not what was wanted. */
export const mismatch = (wanted: string, reader: JsonReader): Misfit => {
  const { kind } = reader
  reader.skip()
  return misfit('TENSOR_DATATYPE_MISMATCH', `wants ${wanted}, got ${kind}`)
}

const FRACTION = misfit('TENSOR_DATATYPE_MISMATCH', 'wants an integer, got a fraction')

/** Largest finite float32. */
const FLOAT32_MAX = 3.4028234663852886e38

const fitFloat = (value: number, datatype: 'FP32' | 'FP64'): Element | Misfit => {
  const fits = datatype === 'FP64' ? Number.isFinite(value) : Number.isFinite(Math.fround(value))
  if (fits) return value
  const max = datatype === 'FP32' ? FLOAT32_MAX : Number.MAX_VALUE
  return misfit('INPUT_VALUE_INVALID', `is beyond the range of ${datatype} (${max})`)
}

/**
 * Numbers between these are elements of the datatype, if it has integers only: integers. None is
 * where the first exceeds the second. Bounds beyond 2^53 are doubles near them.
 */
export const numberBounds = (datatype: Datatype): readonly [number, number] => {
  if (datatype === 'FP32') return [-FLOAT32_MAX, FLOAT32_MAX]
  if (datatype === 'FP64') return [-Number.MAX_VALUE, Number.MAX_VALUE]
  const big = BIGINT_BOUNDS[datatype]
  return big === undefined ? (INTEGER_BOUNDS[datatype] ?? [1, 0]) : [Number(big[0]), Number(big[1])]
}

/** The bounds of BOOL are those of its bytes. */
const fitInteger = (value: number | bigint, datatype: Datatype): Element | Misfit => {
  const big = BIGINT_BOUNDS[datatype]
  const [low, high] = big ?? INTEGER_BOUNDS[datatype] ?? [0, 1]
  if (value < low || value > high) {
    return misfit('INPUT_VALUE_INVALID', `is beyond the range of ${datatype} (${low} to ${high})`)
  }
  return big === undefined ? Number(value) : BigInt(value)
}

const isFloat = (datatype: Datatype): datatype is 'FP32' | 'FP64' =>
  datatype === 'FP32' || datatype === 'FP64'

/** Text as an element. ONNX Runtime for Node cuts it at the first NUL (reference: onnx.md §2). */
export const fitText = (text: string): Element | Misfit =>
  text.includes('\0') ? misfit('INPUT_VALUE_INVALID', 'holds a NUL character') : text

const readInteger = (reader: JsonReader, datatype: Datatype): Element | Misfit => {
  if (!reader.isNumber) return mismatch('an integer', reader)
  const value = reader.integer()
  return value === null ? FRACTION : fitInteger(value, datatype)
}

/** An integer, for a tensor that may hold floats: those take the nearest that they have. */
export const readWhole = (reader: JsonReader, datatype: Datatype): Element | Misfit => {
  if (!isFloat(datatype)) return readInteger(reader, datatype)
  if (!reader.isNumber) return mismatch('a number', reader)
  const { at } = reader
  if (reader.integer() === null) return FRACTION
  reader.at = at
  return fitFloat(reader.number(), datatype)
}

/** What gives the element that a value stands for, or why it stands for none. */
export type ReadElement = (reader: JsonReader, datatype: Datatype) => Element | Misfit

/** The element that a value stands for, or why it stands for none; the reader is then behind it. */
export const readElement: ReadElement = (reader, datatype) => {
  switch (datatype) {
    case 'FP32':
    case 'FP64':
      return reader.isNumber ? fitFloat(reader.number(), datatype) : mismatch('a number', reader)
    case 'BYTES':
      return reader.isText ? fitText(reader.text()) : mismatch('a string', reader)
    case 'BOOL':
      return reader.isBoolean ? Number(reader.boolean()) : mismatch('true or false', reader)
    default:
      return readInteger(reader, datatype)
  }
}

/** A number of ours (a code, 0 or 1, a missing value) in a tensor of any numeric type. */
export const toNumericElement = (value: number, datatype: Datatype): Element | Misfit => {
  if (isFloat(datatype)) return fitFloat(value, datatype)
  return Number.isInteger(value) ? fitInteger(value, datatype) : FRACTION
}

export const putElement = (data: TensorData, index: number, element: Element): void => {
  ;(data as Element[])[index] = element
}

export const isMisfit = (element: Element | boolean | Misfit): element is Misfit =>
  typeof element === 'object'

/** A refusal that names the place: `Feature 'seats' wants a number, got a string`. */
export const refuseAt = (what: string, { code, detail }: Misfit, at: string): Refusal => {
  const fault: FieldFault = { pointer: at, detail }
  return refuse(code, `${what} ${detail}`, [fault])
}
