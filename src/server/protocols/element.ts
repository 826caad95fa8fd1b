/** One JSON value into one element of a tensor, for all JSON formats; nothing is converted. */

import { type ErrorCode, type FieldFault, type Refusal, refuse } from '../../shared/errors.ts'
import {
  BIGINT_BOUNDS,
  type Datatype,
  INTEGER_BOUNDS,
  type TensorData,
} from '../../shared/tensor.ts'
import type { JsonValue } from '../json/parser.ts'
import { kindOf } from '../json/pointer.ts'

export type Element = number | bigint | string

/** Why a value does not fit. */
export interface Misfit {
  readonly code: ErrorCode
  readonly detail: string
}

const misfit = (code: ErrorCode, detail: string): Misfit => ({ code, detail })

const mismatch = (wanted: string, value: JsonValue): Misfit =>
  misfit('TENSOR_DATATYPE_MISMATCH', `wants ${wanted}, got ${kindOf(value)}`)

/** Largest finite float32. */
export const FLOAT32_MAX = 3.4028234663852886e38

const toFloat = (value: JsonValue, datatype: 'FP32' | 'FP64'): Element | Misfit => {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number') return mismatch('a number', value)
  const fits = datatype === 'FP64' ? Number.isFinite(number) : Number.isFinite(Math.fround(number))
  if (fits) return number
  const max = datatype === 'FP32' ? FLOAT32_MAX : Number.MAX_VALUE
  return misfit('INPUT_VALUE_INVALID', `is beyond the range of ${datatype} (${max})`)
}

const toInteger = (value: JsonValue, datatype: Datatype): Element | Misfit => {
  if (typeof value !== 'number' && typeof value !== 'bigint') return mismatch('an integer', value)
  if (typeof value === 'number' && !Number.isInteger(value)) {
    return misfit('TENSOR_DATATYPE_MISMATCH', 'wants an integer, got a fraction')
  }
  const big = BIGINT_BOUNDS[datatype]
  const [low, high] = big ?? INTEGER_BOUNDS[datatype] ?? [0, 1]
  if (value < low || value > high) {
    return misfit('INPUT_VALUE_INVALID', `is beyond the range of ${datatype} (${low} to ${high})`)
  }
  if (big === undefined) return Number(value)
  // A literal with an exponent may be an integer too large to be exact as a double.
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    return misfit('INPUT_VALUE_INVALID', 'is not exact: write the integer in full')
  }
  return BigInt(value)
}

const toText = (value: JsonValue): Element | Misfit => {
  if (typeof value !== 'string') return mismatch('a string', value)
  // ONNX Runtime for Node cuts strings at the first NUL (reference: onnx.md §2).
  if (value.includes('\0')) return misfit('INPUT_VALUE_INVALID', 'holds a NUL character')
  return value
}

/** The element that a JSON value stands for, or why it stands for none. */
export const toElement = (value: JsonValue, datatype: Datatype): Element | Misfit => {
  switch (datatype) {
    case 'FP32':
    case 'FP64':
      return toFloat(value, datatype)
    case 'BYTES':
      return toText(value)
    case 'BOOL':
      return typeof value === 'boolean' ? Number(value) : mismatch('true or false', value)
    default:
      return toInteger(value, datatype)
  }
}

/** A number of ours (a code, 0 or 1, a missing value) in a tensor that may hold another type. */
export const toNumericElement = (value: number, datatype: Datatype): Element | Misfit =>
  datatype === 'BOOL' && (value === 0 || value === 1) ? value : toElement(value, datatype)

export const putElement = (data: TensorData, index: number, element: Element): void => {
  ;(data as Element[])[index] = element
}

export const isMisfit = (element: Element | Misfit): element is Misfit =>
  typeof element === 'object'

/** A refusal that names the place: `Feature 'seats' wants a number, got a string`. */
export const refuseAt = (what: string, { code, detail }: Misfit, at: string): Refusal => {
  const fault: FieldFault = { pointer: at, detail }
  return refuse(code, `${what} ${detail}`, [fault])
}
