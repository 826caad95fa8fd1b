/** Elements of a request on their way from the body into the batch, or into tensors of its own. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import {
  allocate,
  type Datatype,
  type NumericArray,
  type Tensor,
  type TensorData,
} from '../../shared/tensor.ts'
import { isPlainInteger } from '../json/integer-literal.ts'
import type { JsonReader } from '../json/json-reader.ts'
import { numberEnd, scanNumber } from '../json/number-scanner.ts'
import { skipBlanks } from '../json/text-scanner.ts'
import { type Element, numberBounds, putElement } from './element.ts'
import type { Decoded, RowTarget } from './protocol.ts'
import type { VariantPlan } from './variant-plan.ts'

const DIGIT_0 = 0x30
const MINUS = 0x2d
const COMMA = 0x2c
const HALF = 2 ** 32

const startsNumber = (byte: number | undefined): boolean =>
  byte !== undefined && (byte === MINUS || (byte ^ DIGIT_0) <= 9)

/** The same elements in an array of another length; the old one is freed at once. */
const resized = (data: NumericArray, length: number): NumericArray => {
  const make = data.constructor as new (buffer: ArrayBuffer) => NumericArray
  return new make((data.buffer as ArrayBuffer).transfer(length * data.BYTES_PER_ELEMENT))
}

/** The elements of one input: an array that grows with what comes, not with what is announced. */
export class Column {
  readonly datatype: Datatype
  readonly #isInteger: boolean
  /** What plain numbers must lie between to be elements; none does where low exceeds high. */
  readonly #low: number
  readonly #high: number
  #data: TensorData
  /** The halves of 64-bit elements: storing those makes no bigint for each. */
  #halves: Int32Array | null = null
  /** Elements that count. */
  length = 0

  constructor(datatype: Datatype) {
    this.datatype = datatype
    this.#isInteger = datatype !== 'FP32' && datatype !== 'FP64'
    const [low, high] = numberBounds(datatype)
    this.#low = low
    this.#high = high
    this.#data = allocate(datatype, 0)
  }

  /** Adds the elements of a row that are known before it is read. */
  extend(row: TensorData): void {
    const at = this.length
    this.#grow(row.length)
    const data = this.#data
    if (Array.isArray(data)) {
      for (let i = 0; i < row.length; i++) data[at + i] = row[i] as string
    } else (data as Float64Array).set(row as Float64Array, at)
  }

  put(index: number, element: Element): void {
    putElement(this.#data, index, element)
  }

  append(element: Element): void {
    const index = this.length
    this.#grow(1)
    putElement(this.#data, index, element)
  }

  /**
   * Appends the numbers that stand one after another in a list, up to the first that is not plainly
   * an element, or is one too many. The reader is then behind the last; gives how many there were.
   */
  appendNumbers(reader: JsonReader, countMax: number): number {
    const { bytes } = reader
    let count = 0
    let at = reader.at
    while (count < countMax && startsNumber(bytes[at])) {
      const value = scanNumber(bytes, at)
      const end = numberEnd
      if (!(value >= this.#low && value <= this.#high)) break
      if (this.#isInteger && !isPlainInteger(value, end - at)) break
      this.#appendNumber(value)
      count++
      reader.goTo(end)
      if (bytes[reader.at] !== COMMA) break
      at = skipBlanks(bytes, reader.at + 1)
    }
    return count
  }

  #appendNumber(value: number): void {
    const index = this.length
    this.#grow(1)
    const halves = this.#halves
    if (halves === null) (this.#data as Float64Array)[index] = value
    else {
      halves[index * 2] = value
      halves[index * 2 + 1] = Math.floor(value / HALF)
    }
  }

  #grow(count: number): void {
    this.length += count
    const data = this.#data
    if (data.length >= this.length) return
    if (Array.isArray(data)) {
      while (data.length < this.length) data.push('')
      return
    }
    const grown = resized(data, Math.max(this.length, data.length * 2))
    this.#data = grown
    const isLong = this.datatype === 'INT64' || this.datatype === 'UINT64'
    if (isLong) this.#halves = new Int32Array(grown.buffer as ArrayBuffer)
  }

  /** All elements, in an array of just that length. */
  take(): TensorData {
    const data = this.#data
    if (data.length === this.length) return data
    return Array.isArray(data) ? data.slice(0, this.length) : resized(data, this.length)
  }

  /** Copies all elements to `at` of an array of the same datatype. */
  copyTo(target: TensorData, at: number): void {
    const data = this.#data
    if (Array.isArray(data)) {
      for (let i = 0; i < this.length; i++) putElement(target, at + i, data[i]!)
    } else (target as Float64Array).set((data as Float64Array).subarray(0, this.length), at)
  }
}

/** One column for each input of a version. */
export const columnsOf = ({ signature }: VariantPlan): Column[] =>
  signature.inputs.map(({ datatype }) => new Column(datatype))

/**
 * Rows without elements are bounded by what was sent: nothing else is. Each has at least a value
 * of 8 bytes in an answer, and may take 32 bytes for each that was sent.
 */
const EMPTY_ROWS_FREE = 8192
const EMPTY_ROWS_PER_BYTE = 4

/**
 * Rows of a request by the shapes of its inputs, which must agree: 1 where there are none.
 *
 * @param sentBytes of the body, as it came
 */
export const rowCount = (
  shapes: readonly (readonly number[])[],
  { rowsMax }: VariantPlan,
  sentBytes: number,
): number | Refusal => {
  if (rowsMax === 0) return 1
  const rows = shapes[0]?.[0] ?? 0
  if (shapes.some(([own]) => own !== rows)) {
    return refuse('TENSOR_SHAPE_MISMATCH', 'The inputs have different numbers of rows')
  }
  if (rows === 0) return refuse('TENSOR_SHAPE_MISMATCH', 'The request has no row')
  const emptyMax = EMPTY_ROWS_FREE + EMPTY_ROWS_PER_BYTE * sentBytes
  if (rows <= emptyMax || shapes.some((shape) => !shape.includes(0))) return rows
  const detail = `A request of ${sentBytes} bytes may have ${emptyMax} rows without elements`
  return refuse('TENSOR_SHAPE_MISMATCH', `${detail}, got ${rows}`)
}

/**
 * Gives `rows` complete rows to the batch where they fit, else to the request. `shapes`: of the
 * whole input, by input.
 */
export const deliver = (
  columns: readonly Column[],
  rows: number,
  shapes: readonly (readonly number[])[],
  { plan, target, decoded }: Destination,
): void => {
  const { rowStrides } = plan
  decoded.rows = rows
  if (rowStrides !== null && rows <= target.room) {
    for (const [input, column] of columns.entries()) {
      column.copyTo(target.columns[input]!, target.row * rowStrides[input]!)
    }
    return
  }
  decoded.tensors = columns.map(
    (column, input): Tensor => ({
      datatype: column.datatype,
      shape: shapes[input]!,
      data: column.take(),
    }),
  )
}

export interface Destination {
  readonly plan: VariantPlan
  readonly target: RowTarget
  readonly decoded: Decoded
}
