/**
 * The buffers of one batch: rows of several requests side by side, ready for one run.
 *
 * A dense batch owns one buffer per input and requests are decoded straight into it. A loose batch
 * holds whole tensors of its requests (free inner dimensions, rows too large for a buffer, or no
 * row dimension at all) and joins them when it runs.
 */

import {
  allocate,
  elementCount,
  rowElements,
  type Tensor,
  type TensorData,
  type TensorSignature,
} from '../shared/tensor.ts'
import type { Parts } from './parts.ts'
import type { Queued } from './row-queue.ts'
import { copyElements, sliceRows } from './tensor-copies.ts'

/** Elements per row of each input, or null where a dimension other than the first is free. */
export const rowStridesOf = (inputs: readonly TensorSignature[]): number[] | null => {
  const strides: number[] = []
  for (const { shape } of inputs) {
    const stride = rowElements(shape)
    if (shape[0] !== -1 || stride < 0) return null
    strides.push(stride)
  }
  return strides
}

/** A dense buffer is not made larger than this; larger batches are joined when they run. */
const DENSE_BYTES_MAX = 4 * 1024 * 1024
const ELEMENT_BYTES_MAX = 8

/** Rows of a dense batch: as many as a batch may have, or what fits into the buffer. */
export const denseRowsOf = (strides: readonly number[], rowsMax: number): number => {
  const rowBytes = strides.reduce((sum, stride) => sum + stride, 0) * ELEMENT_BYTES_MAX
  return Math.min(rowsMax, Math.floor(DENSE_BYTES_MAX / Math.max(1, rowBytes)))
}

export class Batch<M extends Queued> {
  readonly members: M[] = []
  /** First row of each member. */
  readonly starts: number[] = []
  /** Rows of each member. */
  readonly sizes: number[] = []
  /** Behind the last row that is taken. */
  rows = 0
  /** Rows before it that nobody has any more, until `pack`. */
  gaps = 0
  /** Times it was opened to decode into, less those that came to rows of it. */
  opened = 0
  /** Monotonic milliseconds at which the first member was admitted. */
  openedMs = 0
  /** No deadline of a member is earlier; after one has left it may be that of nobody. */
  deadlineMs = Infinity
  /** The same of deadlines and policy timeouts together. */
  dueMs = Infinity
  /** Dense: one buffer per input. Loose: empty. */
  readonly columns: TensorData[]
  /** Loose: the tensors of each member. */
  readonly tensors: Tensor[][] = []
  /** Loose: inner shapes that members must share. */
  shapeKey = ''
  /** Loose: the runs of its one member, where that has more rows than a run may have. */
  parts: Parts | null = null
  readonly #inputs: readonly TensorSignature[]
  readonly #strides: readonly number[]
  /** Inputs of a run of rows 0 .. n - 1, kept: the objects and views are the same at every run. */
  readonly #views: (Tensor[] | undefined)[] = []
  readonly #hasText: boolean

  constructor(inputs: readonly TensorSignature[], strides: readonly number[], capacity: number) {
    this.#inputs = inputs
    this.#strides = strides
    this.columns =
      capacity === 0
        ? []
        : inputs.map(({ datatype }, i) => allocate(datatype, capacity * strides[i]!))
    this.#hasText = this.columns.some(Array.isArray)
  }

  get isDense(): boolean {
    return this.columns.length > 0
  }

  add(member: M, rows: number, nowMs: number): void {
    if (this.members.length === 0) this.openedMs = nowMs
    const { deadlineMs, timeoutMs } = member
    if (deadlineMs < this.deadlineMs) this.deadlineMs = deadlineMs
    if (deadlineMs < this.dueMs) this.dueMs = deadlineMs
    if (timeoutMs < this.dueMs) this.dueMs = timeoutMs
    this.members.push(member)
    this.starts.push(this.rows)
    this.sizes.push(rows)
    this.rows += rows
  }

  /** Rows that wait for a run. */
  get leftRows(): number {
    return this.rows - this.gaps - (this.parts?.done ?? 0)
  }

  /** The earliest deadline anew, after members have left, and of timeouts if they still matter. */
  lookAtTimes(hasTimeouts: boolean): void {
    this.deadlineMs = this.dueMs = Infinity
    for (const { deadlineMs, timeoutMs } of this.members) {
      this.deadlineMs = Math.min(this.deadlineMs, deadlineMs)
      this.dueMs = Math.min(this.dueMs, deadlineMs, hasTimeouts ? timeoutMs : Infinity)
    }
  }

  /** Takes a member out. Its rows stay as a gap until `pack`. */
  remove(index: number): void {
    this.gaps += this.sizes[index]!
    this.members.splice(index, 1)
    this.starts.splice(index, 1)
    this.sizes.splice(index, 1)
    if (!this.isDense) this.tensors.splice(index, 1)
  }

  /** Closes the gaps that members left who were taken out. */
  pack(): void {
    if (this.gaps === 0) return
    let to = 0
    for (const [i, from] of this.starts.entries()) {
      const rows = this.sizes[i]!
      if (from > to) this.#moveRows(to, from, rows)
      this.starts[i] = to
      to += rows
    }
    this.#letTextsGo(to)
    this.rows = to
    this.gaps = 0
  }

  /** Texts behind so many rows can be long, and are a client's. */
  #letTextsGo(fromRow: number): void {
    for (let i = 0; this.#hasText && i < this.columns.length; i++) {
      const column = this.columns[i]!
      const stride = this.#strides[i]!
      if (Array.isArray(column)) column.fill('', fromRow * stride, this.rows * stride)
    }
  }

  #moveRows(to: number, from: number, rows: number): void {
    for (let i = 0; i < this.columns.length; i++) {
      const stride = this.#strides[i]!
      this.columns[i]!.copyWithin(to * stride, from * stride, (from + rows) * stride)
    }
  }

  /** Copies rows of another dense batch behind the rows that are there. */
  copyRows(from: Batch<M>, fromRow: number, rows: number): void {
    for (let i = 0; i < this.columns.length; i++) {
      const stride = this.#strides[i]!
      const source = sliceRows(from.columns[i]!, stride, fromRow, fromRow + rows)
      copyElements(this.columns[i]!, this.rows * stride, source, rows * stride)
    }
  }

  /** Takes a member over from another batch of the same kind: a copy, which is left in that one. */
  adopt(from: Batch<M>, index: number): void {
    const rows = from.sizes[index]!
    if (this.isDense) this.copyRows(from, from.starts[index]!, rows)
    else this.tensors.push(from.tensors[index]!)
    this.shapeKey = from.shapeKey
    this.add(from.members[index]!, rows, from.openedMs)
    this.openedMs = Math.min(this.openedMs, from.openedMs)
  }

  /** Whether members of the other batch may join this one. */
  isLike(other: Batch<M>): boolean {
    return this.isDense === other.isDense && this.shapeKey === other.shapeKey
  }

  /** Copies a member's own tensors into the dense buffers, behind the rows that are there. */
  copyIn(tensors: readonly Tensor[], rows: number): void {
    for (let i = 0; i < this.columns.length; i++) {
      const stride = this.#strides[i]!
      copyElements(this.columns[i]!, this.rows * stride, tensors[i]!.data, rows * stride)
    }
  }

  /** End row of member `index`. */
  endOf(index: number): number {
    return this.starts[index]! + this.sizes[index]!
  }

  /** Inputs for the members `from .. to - 1`. */
  inputs(from: number, to: number): readonly Tensor[] {
    if (this.isDense) return this.#denseInputs(this.starts[from]!, this.endOf(to - 1))
    if (to - from === 1) return this.tensors[from]!
    return this.#joined(from, to)
  }

  /** Inputs for the rows `fromRow .. toRow - 1` of a dense batch. */
  #denseInputs(fromRow: number, toRow: number): readonly Tensor[] {
    const rows = toRow - fromRow
    const known = fromRow === 0 ? this.#views[rows] : undefined
    const tensors =
      known ??
      this.#inputs.map(({ datatype, shape }, i) => ({
        datatype,
        shape: [rows, ...shape.slice(1)],
        data: sliceRows(this.columns[i]!, this.#strides[i]!, fromRow, toRow),
      }))
    if (known !== undefined || fromRow !== 0) return tensors
    // Strings are copied by slice, so their views would go stale.
    if (!this.#hasText) this.#views[rows] = tensors
    return tensors
  }

  #joined(from: number, to: number): Tensor[] {
    const rows = this.endOf(to - 1) - this.starts[from]!
    return this.#inputs.map(({ datatype }, i) => {
      const first = this.tensors[from]![i]!
      const shape = [rows, ...first.shape.slice(1)]
      const data = allocate(datatype, elementCount(shape))
      let at = 0
      for (let member = from; member < to; member++) {
        const part = this.tensors[member]![i]!.data
        copyElements(data, at, part, part.length)
        at += part.length
      }
      return { datatype, shape, data }
    })
  }

  /** Moves the members from `index` on into an empty batch of the same kind. */
  splitInto(rest: Batch<M>, index: number): void {
    for (let member = index; member < this.members.length; member++) rest.adopt(this, member)
    for (let member = this.members.length - 1; member >= index; member--) this.remove(member)
    this.pack()
    this.lookAtTimes(true)
  }

  /**
   * Empties the batch for reuse. Texts are let go: they can be long, and are a client's. What was
   * decoded and came to no row may have left some anywhere behind the rows.
   */
  clear(): void {
    for (let i = 0; this.#hasText && i < this.columns.length; i++) {
      const column = this.columns[i]!
      const end = this.opened === 0 ? this.rows * this.#strides[i]! : column.length
      if (Array.isArray(column)) column.fill('', 0, end)
    }
    this.opened = 0
    this.members.length = 0
    this.starts.length = 0
    this.sizes.length = 0
    this.tensors.length = 0
    this.rows = 0
    this.gaps = 0
    this.deadlineMs = this.dueMs = Infinity
    this.shapeKey = ''
  }
}
