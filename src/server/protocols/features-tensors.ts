/** One row of an endpoint without features: a feature is a tensor, its value one row of it. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { elementCount, formatShape, type TensorSignature } from '../../shared/tensor.ts'
import type { JsonReader } from '../json/json-reader.ts'
import { pointer, quote } from '../json/pointer.ts'
import { type Column, columnsOf } from './columns.ts'
import { refuseAt } from './element.ts'
import { rowPointer, unknownFeature } from './features-row.ts'
import { type Nested, readNested } from './nested.ts'
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

/** Reads the rows of one request, each behind the rows before. */
export class TensorRows {
  readonly #plan: VariantPlan
  readonly #reader: JsonReader
  readonly columns: readonly Column[]
  /** By input: the shape of its first row, leading dimension included. */
  readonly shapes: (readonly number[])[] = []
  /** By input: the lengths of the lists that gave this shape. */
  readonly #sizes: (readonly number[])[] = []

  constructor(plan: VariantPlan, reader: JsonReader) {
    this.#plan = plan
    this.#reader = reader
    this.columns = columnsOf(plan)
  }

  /** Reads one row: an object by input name, or, with one input, a list that is its row. */
  read(rowIndex: number): Refusal | null {
    const { inputs } = this.#plan.signature
    if (this.#reader.isList) {
      if (inputs.length === 1) return this.#readInput(0, rowIndex, false)
      const detail = `This endpoint takes ${inputs.length} tensors: name them`
      return refuse('REQUEST_MALFORMED', detail, [{ pointer: rowPointer(rowIndex), detail }])
    }
    const seen = new Set<number>()
    const refusal = this.#reader.eachEntry((name) => {
      const input = this.#plan.features.byName.get(name)
      if (input === undefined) return unknownFeature(name, this.#plan, rowPointer(rowIndex), true)
      seen.add(input)
      return this.#readInput(input, rowIndex, true)
    })
    if (refusal !== null) return refusal
    const absent = inputs.findIndex((_, input) => !seen.has(input))
    return absent < 0 ? null : this.#missing(absent, rowIndex)
  }

  #missing(input: number, rowIndex: number): Refusal {
    const { name } = this.#plan.signature.inputs[input]!
    const at = rowPointer(rowIndex) + pointer(name)
    const detail = `Input ${quote(name)} is missing`
    return refuse('INPUT_MISSING', detail, [{ pointer: at, detail: 'is missing' }])
  }

  #readInput(input: number, rowIndex: number, isNamed: boolean): Refusal | null {
    const signature = this.#plan.signature.inputs[input]!
    const { hasRows } = this.#plan.features
    if (this.#reader.isNull) return this.#missing(input, rowIndex)
    const nested = readNested(this.#reader, this.columns[input]!)
    if (nested.misfit === null && isSame(nested.sizes, this.#sizes[input])) return null
    const shape = shapeOf(nested, signature.shape, hasRows)
    if (shape !== null && nested.misfit === null) {
      this.#sizes[input] ??= nested.sizes!
      return this.#compare(input, shape, rowIndex)
    }
    const at = rowPointer(rowIndex) + (isNamed ? pointer(signature.name) : '')
    if (shape === null) return wrongShape(nested, signature, hasRows, at)
    return refuseAt(`Input ${quote(signature.name)}`, nested.misfit!, at)
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
    return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: rowPointer(rowIndex), detail }])
  }
}

const wrongShape = (
  { sizes }: Nested,
  { name, shape }: TensorSignature,
  hasRows: boolean,
  at: string,
): Refusal => {
  const form = hasRows ? `rows of shape ${formatShape(shape.slice(1))}` : formatShape(shape)
  const got = sizes === null ? 'lists of different lengths or depths' : formatShape(sizes)
  const detail = `wants ${form}, got ${got}`
  const what = `Input ${quote(name)}`
  return refuse('TENSOR_SHAPE_MISMATCH', `${what} ${detail}`, [{ pointer: at, detail }])
}
