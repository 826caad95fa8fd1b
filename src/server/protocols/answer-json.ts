/** Elements of results as JSON text. Shared by the JSON formats. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { elementCount, type Tensor } from '../../shared/tensor.ts'
import { instancePointer } from './instances.ts'
import type { Answer } from './protocol.ts'

/** Thrown by writers, caught where an answer is put together: a value that JSON cannot carry. */
export class NotFinite extends Error {}

/** A finite number to the last bit: JavaScript prints -0 without its sign. */
export const writeNumber = (value: number): string => {
  if (!Number.isFinite(value)) throw new NotFinite()
  return value === 0 && 1 / value < 0 ? '-0' : `${value}`
}

/** The JSON text of one element. */
export type WriteElement = (tensor: Tensor, index: number) => string

/** A finite number, an exact integer, true or false, or a quoted string. */
export const writeElement: WriteElement = ({ data, datatype }, index) => {
  const value = data[index]
  if (typeof value === 'number') {
    if (datatype === 'BOOL') return value === 0 ? 'false' : 'true'
    return writeNumber(value)
  }
  if (value === undefined) throw new RangeError('a result holds fewer rows than its request')
  return typeof value === 'string' ? JSON.stringify(value) : `${value}`
}

/** Elements that one row of a result has: all, where the version has no row dimension. */
export const rowLength = ({ plan }: Answer, { data, shape }: Tensor): number =>
  plan.rowsMax === 0 ? data.length : data.length / Math.max(1, shape[0] ?? 1)

/** Elements from `from` on, nested like `shape`; the one itself where that has no dimension. */
export const writeNested = (
  tensor: Tensor,
  from: number,
  shape: readonly number[],
  write: WriteElement = writeElement,
): string => {
  if (shape.length === 0) return write(tensor, from)
  const [size = 0, ...inner] = shape
  const stride = elementCount(inner)
  const parts: string[] = []
  for (let i = 0; i < size; i++) parts.push(writeNested(tensor, from + i * stride, inner, write))
  return `[${parts.join(',')}]`
}

/** JSON has no NaN; `row` of the request is where the model gave one. */
export const notFinite = ({ isBatch }: Answer, row: number): Refusal => {
  const detail = 'The model answered NaN or infinity'
  const at = isBatch ? [{ pointer: instancePointer(row), detail }] : undefined
  return refuse('OUTPUT_NOT_FINITE', isBatch ? `${detail} for row ${row}` : detail, at)
}
