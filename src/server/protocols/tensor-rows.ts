/**
 * Tensors by name in JSON: for each input of a version its value, which is one row of it or all.
 * Used by `/predict` where a contract has no features, and by the TensorFlow Serving format.
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { elementCount, formatShape, type TensorSignature } from '../../shared/tensor.ts'
import type { JsonReader } from '../json/json-reader.ts'
import { pointer, quote } from '../json/pointer.ts'
import { unknownName } from './body-faults.ts'
import { type Column, columnsOf } from './columns.ts'
import { readElement, refuseAt } from './element.ts'
import { instancePointer } from './instances.ts'
import { type Nested, readNested } from './nested.ts'
import { tooManyTexts } from './texts.ts'
import { isBase64Object, readElementOrBase64 } from './tfs/base64-text.ts'
import type { VariantPlan } from './variant-plan.ts'

/** `sizes` where they fit `wanted`, which may have free dimensions; else null. */
const matching = (sizes: readonly number[], wanted: readonly number[]): readonly number[] | null =>
  sizes.length === wanted.length &&
  sizes.every((size, axis) => wanted[axis] === -1 || wanted[axis] === size)
    ? sizes
    : null

/** `wanted` with its free dimension, if it has one, set so that there are `count` elements. */
const size = (count: number, wanted: readonly number[]): readonly number[] | null => {
  const fixed = wanted.filter((each) => each !== -1)
  const [free, known] = [wanted.length - fixed.length, elementCount(fixed)]
  if (free === 0) return known === count ? wanted : null
  if (free > 1 || known <= 0 || count % known !== 0) return null
  return wanted.map((each) => (each === -1 ? count / known : each))
}

const matchOrSize = (
  sizes: readonly number[],
  count: number,
  wanted: readonly number[],
): readonly number[] | null =>
  matching(sizes, wanted) ?? (sizes.length <= 1 ? size(count, wanted) : null)

/**
 * The shape of a value. Where the model has rows, the value is one; else it is the whole tensor,
 * or, where the first dimension may be 1, all but that.
 */
const shapeOf = ({ sizes, count }: Nested, wanted: readonly number[], hasRows: boolean) => {
  if (sizes === null) return null
  const inner = wanted.slice(1)
  const mayLead = wanted.length > 0 && (wanted[0] === -1 || wanted[0] === 1)
  const asRow = mayLead && (hasRows || inner.length > 0) ? matchOrSize(sizes, count, inner) : null
  if (asRow !== null) return [1, ...asRow]
  return hasRows ? null : matchOrSize(sizes, count, wanted)
}

const isSame = (some: readonly number[] | null, others: readonly number[] | undefined): boolean => {
  if (some === null || some.length !== others?.length) return false
  for (let i = 0; i < some.length; i++) if (some[i] !== others[i]) return false
  return true
}

/** How a format gives tensors. */
export interface TensorForm {
  /** Pointer to what is no instance. */
  readonly root: string
  /** A value is the whole tensor, nested in full; else it is as of `shapeOf`. */
  readonly isWhole: boolean
  /** Text may be given as `{"b64": "..."}`. */
  readonly takesBase64: boolean
}

export const PREDICT_ROWS: TensorForm = { root: '/features', isWhole: false, takesBase64: false }

/** Reads the rows of one request, each behind the rows before. */
export class TensorRows {
  readonly #plan: VariantPlan
  readonly #reader: JsonReader
  readonly #form: TensorForm
  readonly columns: readonly Column[]
  /** By input: the shape of its first row, leading dimension included. */
  readonly shapes: (readonly number[])[] = []
  /** By input: the lengths of the lists that gave this shape. */
  readonly #sizes: (readonly number[])[] = []
  readonly #textsMax: number
  #textsLeft: number

  /** `textsMax`: of the whole request. */
  constructor(plan: VariantPlan, reader: JsonReader, form: TensorForm, textsMax: number) {
    this.#plan = plan
    this.#reader = reader
    this.#form = form
    this.#textsMax = textsMax
    this.#textsLeft = textsMax
    this.columns = columnsOf(plan)
  }

  /** Of the whole inputs, for `count` rows that were read. */
  shapesFor(count: number): readonly (readonly number[])[] {
    if (count === 1) return this.shapes
    return this.shapes.map((shape) => [count, ...shape.slice(1)])
  }

  /**
   * Reads one row, or all: an object by input name, or, with one input, its value. `rowIndex`: of
   * the instance; -1: it is none.
   */
  read(rowIndex: number): Refusal | null {
    const { inputs } = this.#plan.signature
    if (!this.#reader.isObject || this.#isText()) {
      if (inputs.length === 1) return this.#readInput(0, rowIndex, false)
      const detail = `This endpoint takes ${inputs.length} tensors: name them`
      return refuse('REQUEST_MALFORMED', detail, [{ pointer: this.#pointer(rowIndex), detail }])
    }
    const seen = new Set<number>()
    const refusal = this.#reader.eachEntry((name) => {
      const input = this.#plan.inputsByName.get(name)
      if (input === undefined) {
        return unknownName('INPUT_UNKNOWN', name, inputs, this.#pointer(rowIndex) + pointer(name))
      }
      seen.add(input)
      return this.#readInput(input, rowIndex, true)
    })
    if (refusal !== null) return refusal
    const absent = inputs.findIndex((_, input) => !seen.has(input))
    return absent < 0 ? null : this.#missing(absent, rowIndex)
  }

  /** Whether the object at hand is the one input in Base64. */
  #isText(): boolean {
    const { inputs } = this.#plan.signature
    const mayBe = this.#form.takesBase64 && inputs.length === 1 && inputs[0]!.datatype === 'BYTES'
    return mayBe && isBase64Object(this.#reader)
  }

  #pointer(rowIndex: number): string {
    return rowIndex < 0 ? this.#form.root : instancePointer(rowIndex)
  }

  #missing(input: number, rowIndex: number, isNamed = true): Refusal {
    const { name } = this.#plan.signature.inputs[input]!
    const at = this.#pointer(rowIndex) + (isNamed ? pointer(name) : '')
    const detail = `Input ${quote(name)} is missing`
    return refuse('INPUT_MISSING', detail, [{ pointer: at, detail: 'is missing' }])
  }

  #readInput(input: number, rowIndex: number, isNamed: boolean): Refusal | null {
    const signature = this.#plan.signature.inputs[input]!
    const { isWhole, takesBase64 } = this.#form
    if (this.#reader.isNull) return this.#missing(input, rowIndex, isNamed)
    const read = takesBase64 ? readElementOrBase64 : readElement
    const isText = signature.datatype === 'BYTES'
    const countMax = isText ? this.#textsLeft : Infinity
    const nested = readNested(this.#reader, this.columns[input]!, countMax, read)
    if (isText) this.#textsLeft -= nested.count
    if (this.#textsLeft < 0) return tooManyTexts(this.#textsMax)
    if (nested.misfit === null && isSame(nested.sizes, this.#sizes[input])) return null
    const isRow = this.#plan.rowsMax > 0 && !isWhole
    const shape = isWhole
      ? nested.sizes && matching(nested.sizes, signature.shape)
      : shapeOf(nested, signature.shape, isRow)
    if (shape !== null && nested.misfit === null) {
      this.#sizes[input] ??= nested.sizes!
      return this.#compare(input, shape, rowIndex)
    }
    const at = this.#pointer(rowIndex) + (isNamed ? pointer(signature.name) : '')
    if (shape === null) return wrongShape(nested, signature, isRow, at)
    const what = quote(signature.name)
    const where = isWhole ? `Element ${nested.misfitIndex} of input ${what}` : `Input ${what}`
    return refuseAt(where, nested.misfit!, at)
  }

  /** Where an inner dimension is free, all rows must still be of one shape. */
  #compare(input: number, shape: readonly number[], rowIndex: number): Refusal | null {
    const first = this.shapes[input]
    if (first === undefined) {
      this.shapes[input] = shape
      return null
    }
    if (isSame(first, shape)) return null
    const name = quote(this.#plan.signature.inputs[input]!.name)
    const [wanted, own] = [first, shape].map((each) => formatShape(each.slice(1)))
    const detail = `Input ${name} is ${wanted} in the first row, but ${own} here`
    return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: this.#pointer(rowIndex), detail }])
  }
}

/** Lengths of lists in a client's words. */
const sizesText = (sizes: readonly number[] | null): string => {
  if (sizes === null) return 'lists of different lengths or depths'
  return sizes.length === 0 ? 'a value outside any list' : formatShape(sizes)
}

const wrongShape = (
  { sizes }: Nested,
  { name, shape }: TensorSignature,
  isRow: boolean,
  at: string,
): Refusal => {
  const form = isRow ? `rows of shape ${formatShape(shape.slice(1))}` : formatShape(shape)
  const detail = `wants ${form}, got ${sizesText(sizes)}`
  const what = `Input ${quote(name)}`
  return refuse('TENSOR_SHAPE_MISMATCH', `${what} ${detail}`, [{ pointer: at, detail }])
}
