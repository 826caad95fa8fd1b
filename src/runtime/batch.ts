/**
 * The buffers of one batch: rows of several requests side by side, ready for one run.
 *
 * A dense batch owns one buffer per input and requests are decoded straight into it. A loose batch
 * holds whole tensors of its requests (free inner dimensions, rows too large for a buffer, or no
 * row dimension at all) and joins them when it runs.
 */

import type { Refusal } from '../shared/errors.ts'
import {
  allocate,
  elementCount,
  type NumericArray,
  rowElements,
  type Tensor,
  type TensorData,
  type TensorSignature,
} from '../shared/tensor.ts'
import { tooMuchKept } from './run-result.ts'

/** Rows `from .. to - 1` of row-major data; shares memory except for strings. */
const sliceRows = (data: TensorData, stride: number, from: number, to: number): TensorData =>
  Array.isArray(data)
    ? data.slice(from * stride, to * stride)
    : data.subarray(from * stride, to * stride)

/** Copies `count` elements of `source` into `target` at `at`; both hold the same datatype. */
const copyElements = (target: TensorData, at: number, source: TensorData, count: number): void => {
  if (Array.isArray(target)) {
    for (let i = 0; i < count; i++) target[at + i] = (source as string[])[i] ?? ''
    return
  }
  const numeric = source as NumericArray
  const part = numeric.length === count ? numeric : numeric.subarray(0, count)
  ;(target as Float64Array).set(part as Float64Array, at)
}

/** Rows `from .. to - 1` of tensors that have rows; shares memory except for strings. */
export const sliceTensors = (tensors: readonly Tensor[], from: number, to: number): Tensor[] =>
  tensors.map(({ datatype, shape, data }) => {
    const [rows = 0, ...inner] = shape
    const stride = rows === 0 ? 0 : data.length / rows
    return { datatype, shape: [to - from, ...inner], data: sliceRows(data, stride, from, to) }
  })

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

/** 16 characters of a text are kept in as much memory as a number. */
const TEXT_SHIFT = 4

export interface PartsLimits {
  /** Rows of one part. */
  readonly rowsMax: number
  /** Values of all outputs that are kept: elements, and 16 characters of a text as one more. */
  readonly keptValuesMax: number
}

/** A request of more rows than one run may have, on its way through several runs. */
export class Parts {
  readonly #inputs: readonly Tensor[]
  readonly #rows: number
  readonly #limits: PartsLimits
  #results: Tensor[] | null = null
  /** What the texts count that are kept beside one each. */
  #textValues = 0
  /** Milliseconds that its runs have taken. */
  runMs = 0
  /** Of which inputs were assembled in so many. */
  inputMs = 0
  /** Rows that have been answered. */
  done = 0

  constructor(inputs: readonly Tensor[], rows: number, limits: PartsLimits) {
    this.#inputs = inputs
    this.#rows = rows
    this.#limits = limits
  }

  get nextRows(): number {
    return Math.min(this.#limits.rowsMax, this.#rows - this.done)
  }

  nextInputs(): Tensor[] {
    return sliceTensors(this.#inputs, this.done, this.done + this.nextRows)
  }

  /**
   * Whether the answers to all rows may be kept, if the others are like these of the next: only now
   * is it known how large a row is, and nothing is allocated yet. To be asked once a part.
   */
  admit(answers: readonly Tensor[]): Refusal | null {
    let values = 0
    for (const { data, shape } of answers) {
      values += (data.length / shape[0]!) * this.#rows
      if (!Array.isArray(data)) continue
      for (const text of data) this.#textValues += text.length >> TEXT_SHIFT
    }
    values += this.#textValues
    const { keptValuesMax } = this.#limits
    return values <= keptValuesMax ? null : tooMuchKept(values, keptValuesMax)
  }

  /** Takes in what the next rows have been answered, one row for each; false: of other shapes. */
  add(answers: readonly Tensor[]): boolean {
    this.#results ??= answers.map(({ datatype, shape, data }) => ({
      datatype,
      shape: [this.#rows, ...shape.slice(1)],
      data: allocate(datatype, (data.length / shape[0]!) * this.#rows),
    }))
    for (const [output, { shape, data }] of answers.entries()) {
      const whole = this.#results[output]!
      const stride = data.length / shape[0]!
      if (stride * this.#rows !== whole.data.length) return false
      copyElements(whole.data, this.done * stride, data, data.length)
    }
    this.done += this.nextRows
    return true
  }

  /** The answers to all rows, once they are there; else null. */
  get results(): readonly Tensor[] | null {
    return this.done === this.#rows ? this.#results : null
  }
}

export class Batch<M> {
  readonly members: M[] = []
  /** First row of each member. */
  readonly starts: number[] = []
  rows = 0
  /** Times it was opened to decode into, less those that came to rows of it. */
  opened = 0
  /** Monotonic milliseconds at which the first member was admitted. */
  openedMs = 0
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
    this.members.push(member)
    this.starts.push(this.rows)
    this.rows += rows
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
    return this.starts[index + 1] ?? this.rows
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
    const fromRow = this.starts[index]!
    const moved = this.rows - fromRow
    for (let i = 0; i < this.columns.length; i++) {
      const stride = this.#strides[i]!
      const column = this.columns[i]!
      const tail = sliceRows(column, stride, fromRow, this.rows)
      copyElements(rest.columns[i]!, 0, tail, moved * stride)
      if (Array.isArray(column)) column.fill('', fromRow * stride, this.rows * stride)
    }
    for (let member = index; member < this.members.length; member++) {
      rest.members.push(this.members[member]!)
      rest.starts.push(this.starts[member]! - fromRow)
      if (!this.isDense) rest.tensors.push(this.tensors[member]!)
    }
    rest.rows = moved
    rest.openedMs = this.openedMs
    rest.shapeKey = this.shapeKey
    this.members.length = index
    this.starts.length = index
    if (!this.isDense) this.tensors.length = index
    this.rows = fromRow
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
    this.tensors.length = 0
    this.rows = 0
    this.shapeKey = ''
  }
}
