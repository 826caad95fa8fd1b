/** Tensors into the ring, by the plan of their layout. Nothing is allocated below 64 elements. */

import type { Tensor, TensorData } from '../shared/tensor.ts'
import { padded, RANK_MAX } from './entry.ts'
import type { RecordRing } from './ring/record-ring.ts'
import { putTexts, textsBytes } from './text-writing.ts'
import { COPY, type SectionPlan, type TensorPlan } from './write-plan.ts'

/** Up to so many elements a loop is faster than `set` with its view. */
const LOOP_MAX = 64

/** Rows of a request as they stand in the tensors of its run. */
export interface Rows {
  readonly rows: number
  readonly rowStart: number
}

/** One function for each type: each loop meets but one kind of array. */
const copyFloats = (
  to: Float32Array,
  at: number,
  data: Float32Array,
  from: number,
  count: number,
): void => {
  if (count > LOOP_MAX) to.set(data.subarray(from, from + count), at)
  else for (let i = 0; i < count; i++) to[at + i] = data[from + i]!
}

const copyDoubles = (
  to: Float64Array,
  at: number,
  data: Float64Array,
  from: number,
  count: number,
): void => {
  if (count > LOOP_MAX) to.set(data.subarray(from, from + count), at)
  else for (let i = 0; i < count; i++) to[at + i] = data[from + i]!
}

const copyBigints = (
  to: BigInt64Array,
  at: number,
  data: BigInt64Array,
  from: number,
  count: number,
): void => {
  if (count > LOOP_MAX) to.set(data.subarray(from, from + count), at)
  else for (let i = 0; i < count; i++) to[at + i] = data[from + i]!
}

type Integers = Uint8Array | Int16Array | Int32Array

/** Unsigned elements keep their bits: a store takes them modulo the width. */
const copyIntegers = (
  to: Integers,
  at: number,
  data: Integers,
  from: number,
  count: number,
): void => {
  if (count > LOOP_MAX) to.set(data.subarray(from, from + count), at)
  else for (let i = 0; i < count; i++) to[at + i] = data[from + i]!
}

const isWithin = ({ shape }: Tensor, { rows, rowStart }: Rows): boolean =>
  shape.length > 0 && shape[0]! >= rowStart + rows

/** Whether all tensors have the rows, each of as many elements as the layout says. */
const isFixed = (plan: SectionPlan, tensors: readonly Tensor[], rows: Rows): boolean => {
  for (let i = 0; i < tensors.length; i++) {
    const tensor = tensors[i]!
    const wanted = plan.tensors[i]!.rowElements
    if (wanted < 0 || !isWithin(tensor, rows)) return false
    if (tensor.data.length !== wanted * tensor.shape[0]!) return false
  }
  return true
}

/** Whether all tensors have the rows, if rows there are, and dimensions that can be told. */
const isFree = (plan: SectionPlan, tensors: readonly Tensor[], rows: Rows): boolean => {
  for (const tensor of tensors) {
    if (tensor.shape.length > RANK_MAX) return false
    if (plan.hasRows && !isWithin(tensor, rows)) return false
  }
  return true
}

/** Elements of a row; of the whole, where there are no rows. */
const rowElements = (plan: SectionPlan, { shape, data }: Tensor): number => {
  if (!plan.hasRows) return data.length
  return shape[0] === 0 ? 0 : data.length / shape[0]!
}

/** How the tensors of a section are written. */
const FORM = { ABSENT: 0, FIXED: 1, FREE: 2 } as const

/** The inputs, or the outputs, of one entry at a time: measured, then put into the ring. */
export class TensorSection {
  readonly #ring: RecordRing
  #form: number = FORM.ABSENT

  constructor(ring: RecordRing) {
    this.#ring = ring
  }

  get isAbsent(): boolean {
    return this.#form === FORM.ABSENT
  }

  get isFree(): boolean {
    return this.#form === FORM.FREE
  }

  /**
   * Bytes of the section, a multiple of 8. Tensors that are none of the plan's, or have not the
   * rows, are left out. `size`: SIZE.
   */
  measure(
    plan: SectionPlan | null,
    tensors: readonly Tensor[] | null,
    rows: Rows,
    size: number,
  ): number {
    this.#form = FORM.ABSENT
    if (plan === null || tensors === null || tensors.length === 0) return 0
    if (tensors.length !== plan.tensors.length) return 0
    if (isFixed(plan, tensors, rows)) this.#form = FORM.FIXED
    else if (isFree(plan, tensors, rows)) this.#form = FORM.FREE
    else return 0
    let bytes = 0
    for (let i = 0; i < tensors.length; i++) {
      const tensor = tensors[i]!
      const { copy, elementBytes } = plan.tensors[i]!
      const elements = rowElements(plan, tensor)
      const count = plan.hasRows ? rows.rows * elements : elements
      let own = count * elementBytes
      if (copy === COPY.TEXT) {
        const from = plan.hasRows ? rows.rowStart * elements : 0
        own += textsBytes(tensor.data as string[], from, count, size)
      }
      bytes += padded(own)
      if (this.isFree) bytes += padded(4 + 4 * tensor.shape.length)
    }
    return bytes
  }

  /** Writes what was measured, from byte `at` on; where it ends. Both are multiples of 8. */
  put(plan: SectionPlan, tensors: readonly Tensor[], rows: Rows, at: number): number {
    let next = at
    for (let i = 0; i < tensors.length; i++) {
      const tensor = tensors[i]!
      if (this.isFree) next = this.#putShape(tensor, plan.hasRows ? 1 : 0, next)
      const elements = rowElements(plan, tensor)
      const from = plan.hasRows ? rows.rowStart * elements : 0
      const count = plan.hasRows ? rows.rows * elements : elements
      next = this.#put(plan.tensors[i]!, tensor.data, from, count, next)
    }
    return next
  }

  #putShape({ shape }: Tensor, first: number, at: number): number {
    const { words } = this.#ring
    let word = at >> 2
    words[word++] = shape.length - first
    for (let d = first; d < shape.length; d++) words[word++] = shape[d]!
    if ((word & 1) === 1) words[word++] = 0
    return word << 2
  }

  /** Writes `count` elements from byte `at` on, and zeros up to a multiple of 8: where it ends. */
  #put(plan: TensorPlan, data: TensorData, from: number, count: number, at: number): number {
    const ring = this.#ring
    if (plan.copy === COPY.TEXT) return putTexts(ring, at, data as string[], from, count)
    const end = padded(at + count * plan.elementBytes)
    if (end > at) ring.doubles[(end >> 3) - 1] = 0
    switch (plan.copy) {
      case COPY.FP32:
        copyFloats(ring.floats, at >> 2, data as Float32Array, from, count)
        break
      case COPY.FP64:
        copyDoubles(ring.doubles, at >> 3, data as Float64Array, from, count)
        break
      case COPY.BYTES8:
        copyBigints(ring.bigints, at >> 3, data as BigInt64Array, from, count)
        break
      case COPY.BYTES4:
        copyIntegers(ring.words, at >> 2, data as Int32Array, from, count)
        break
      case COPY.BYTES2:
        copyIntegers(ring.shorts, at >> 1, data as Int16Array, from, count)
        break
      default:
        copyIntegers(ring.bytes, at, data as Uint8Array, from, count)
    }
    return end
  }
}
