/**
 * What can be wrong with a tensor of a request, in the same words and codes whether it came as
 * JSON, as bytes behind JSON or over gRPC. `at`: pointer to the place in the request.
 */

import { type Refusal, refuse } from '../../../shared/errors.ts'
import { elementCount, formatShape, type TensorSignature } from '../../../shared/tensor.ts'
import { pointer, quote } from '../../json/pointer.ts'
import { malformed } from '../body-faults.ts'
import type { BytesFault } from './tensor-bytes.ts'

export const shapeFault = (detail: string, at: string): Refusal =>
  refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: at, detail }])

/** `got`: what the request says, quoted where it is a text. */
export const wrongDatatype = (
  { name, datatype }: TensorSignature,
  got: string,
  at: string,
): Refusal => {
  const detail = `Input ${quote(name)} wants ${datatype}, got ${got}`
  return refuse('TENSOR_DATATYPE_MISMATCH', detail, [{ pointer: at, detail }])
}

export const wrongRank = ({ name, shape }: TensorSignature, got: number, at: string): Refusal =>
  shapeFault(`Input ${quote(name)} wants shape ${formatShape(shape)}, got ${got} dimensions`, at)

/** Why a tensor may not have that shape, in which a size that is no count is -1; null: it may. */
export const checkShape = (
  { name, shape: wanted }: TensorSignature,
  shape: readonly number[],
  at: string,
): Refusal | null => {
  const what = `Input ${quote(name)}`
  if (elementCount(shape) < 0) {
    const rule = 'whole numbers from 0, product below 2^31'
    return shapeFault(`${what} has an impossible shape: ${rule}`, at)
  }
  let fits = shape.length === wanted.length
  for (let axis = 0; fits && axis < wanted.length; axis++) {
    fits = wanted[axis] === -1 || wanted[axis] === shape[axis]
  }
  if (fits) return null
  return shapeFault(`${what} wants shape ${formatShape(wanted)}, got ${formatShape(shape)}`, at)
}

const ofShape = (name: string, shape: readonly number[]): string =>
  `Input ${quote(name)} of shape ${formatShape(shape)}`

export const wrongNesting = (
  name: string,
  shape: readonly number[],
  got: string,
  at: string,
): Refusal =>
  shapeFault(`${ofShape(name, shape)} wants flat data or lists of that shape, got ${got}`, at)

export const wrongCount = (
  name: string,
  shape: readonly number[],
  got: number,
  at: string,
): Refusal => {
  const wanted = elementCount(shape)
  return shapeFault(`${ofShape(name, shape)} wants ${wanted} values, got ${got}`, at)
}

/** Bytes that are no such tensor. */
export const wrongBytes = (
  name: string,
  shape: readonly number[],
  { code, detail }: BytesFault,
  at: string,
): Refusal => {
  const text = `${ofShape(name, shape)} ${detail}`
  return refuse(code, text, [{ pointer: at, detail: text }])
}

export const inputTwice = (name: string, at: string): Refusal =>
  malformed(`input ${quote(name)} already exists in request`, at)

export const missingInput = (name: string): Refusal => {
  const detail = `Input ${quote(name)} is missing`
  return refuse('INPUT_MISSING', detail, [{ pointer: pointer('inputs'), detail }])
}
