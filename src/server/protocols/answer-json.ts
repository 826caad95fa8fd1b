/** Elements of results as JSON text. Shared by the JSON formats. */

import type { Tensor } from '../../shared/tensor.ts'
import type { Answer } from './protocol.ts'

/** Thrown by writers, caught where an answer is put together: a value that JSON cannot carry. */
export class NotFinite extends Error {}

/** A finite number to the last bit: JavaScript prints -0 without its sign. */
export const writeNumber = (value: number): string => {
  if (!Number.isFinite(value)) throw new NotFinite()
  return value === 0 && 1 / value < 0 ? '-0' : `${value}`
}

/** A finite number, an exact integer, true or false, or a quoted string. */
export const writeElement = ({ data, datatype }: Tensor, index: number): string => {
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
