/**
 * Where the rows of an entry lie in its tensors: one tensor behind the other, each with all rows. A
 * fill knows where a value lies in an entry of one row; for row `r` of an entry of many it is told
 * another beginning, so that the same sum leads there.
 */

import type { Datatype } from '../../shared/tensor.ts'
import { ENTRY_HEADER_BYTES, padded } from '../entry.ts'
import type { LayoutTensor } from '../record-layout.ts'
import { ELEMENT_BYTES } from './elements.ts'

/** Bytes of one row of a tensor of numbers. */
const rowBytes = ({ datatype, rowElements }: LayoutTensor): number =>
  rowElements * ELEMENT_BYTES[datatype as Exclude<Datatype, 'BYTES'>]

/** Stands for the header, which all rows share. */
export const HEADER = -1

export class RowPlaces {
  /** Inputs, then outputs: those are the places that fills name. */
  readonly #rowBytes: readonly number[]
  readonly #inputs: number
  #froms = new Int32Array(64)

  /** Tensors of numbers, whose rows have a fixed size. */
  constructor(inputs: readonly LayoutTensor[], outputs: readonly LayoutTensor[]) {
    this.#rowBytes = [...inputs, ...outputs].map(rowBytes)
    this.#inputs = inputs.length
  }

  /** Where the tensor at `place` begins in an entry of so many rows. */
  startOf(place: number, rows: number): number {
    let start = ENTRY_HEADER_BYTES
    for (let i = 0; i < place; i++) start += padded(rows * this.#rowBytes[i]!)
    return start
  }

  /** Where outputs begin. */
  outputsAt(rows: number): number {
    return this.startOf(this.#inputs, rows)
  }

  /**
   * For each row of the entry at byte `from` of a frame, the beginning that an entry of one row
   * would have whose tensor at `place` lay there. Valid until the next call.
   */
  fromsOf(place: number, from: number, rows: number): Int32Array {
    if (this.#froms.length < rows) this.#froms = new Int32Array(2 * rows)
    const stride = place === HEADER ? 0 : this.#rowBytes[place]!
    const shift = place === HEADER ? 0 : this.startOf(place, rows) - this.startOf(place, 1)
    for (let row = 0; row < rows; row++) this.#froms[row] = from + shift + row * stride
    return this.#froms
  }
}
