/** One row of an endpoint without features: a feature is a tensor, its value one row of it. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { formatShape, type TensorSignature } from '../../shared/tensor.ts'
import type { JsonObject, JsonValue } from '../json/parser.ts'
import { pointer, quote } from '../json/pointer.ts'
import { type Element, isMisfit, refuseAt, toElement } from './element.ts'
import type { FeaturesPlan } from './features-plan.ts'
import { findUnknown, type RowPart } from './features-row.ts'
import { type Nested, readNested } from './nested.ts'
import type { VariantPlan } from './protocol.ts'

/** `sizes` where they fit `wanted`, which may have free dimensions; else null. */
const matching = (sizes: readonly number[], wanted: readonly number[]): readonly number[] | null =>
  sizes.length === wanted.length &&
  sizes.every((size, axis) => wanted[axis] === -1 || wanted[axis] === size)
    ? sizes
    : null

/** `wanted` with its free dimension, if it has one, set so that there are `count` elements. */
const size = (count: number, wanted: readonly number[]): readonly number[] | null => {
  const free = wanted.filter((each) => each === -1).length
  const known = wanted.reduce((product, each) => (each === -1 ? product : product * each), 1)
  if (free === 0) return known === count ? wanted : null
  if (free > 1 || known === 0 || count % known !== 0) return null
  return wanted.map((each) => (each === -1 ? count / known : each))
}

const matchOrSize = (value: Nested, wanted: readonly number[]): readonly number[] | null =>
  matching(value.sizes, wanted) ??
  (value.sizes.length <= 1 ? size(value.leaves.length, wanted) : null)

/**
 * The shape of a value. Where the model has rows, the value is one; else it is the whole tensor,
 * or, where the first dimension may be 1, all but that.
 */
const shapeOf = (value: Nested, wanted: readonly number[], hasRows: boolean) => {
  const inner = wanted.slice(1)
  const mayLead = wanted.length > 0 && (wanted[0] === -1 || wanted[0] === 1)
  const asRow = mayLead && (hasRows || inner.length > 0) ? matchOrSize(value, inner) : null
  if (asRow !== null) return [1, ...asRow]
  return hasRows ? null : matchOrSize(value, wanted)
}

const readTensor = (
  value: JsonValue | undefined,
  { name, datatype, shape: wanted }: TensorSignature,
  hasRows: boolean,
  at: string,
): RowPart | Refusal => {
  const what = `Input ${quote(name)}`
  if (value === undefined || value === null) {
    return refuse('INPUT_MISSING', `${what} is missing`, [{ pointer: at, detail: 'is missing' }])
  }
  const nested = readNested(value)
  const shape = nested === null ? null : shapeOf(nested, wanted, hasRows)
  if (nested === null || shape === null) {
    const form = hasRows ? `rows of shape ${formatShape(wanted.slice(1))}` : formatShape(wanted)
    const got = nested === null ? 'lists of different lengths or depths' : formatShape(nested.sizes)
    const detail = `wants ${form}, got ${got}`
    return refuse('TENSOR_SHAPE_MISMATCH', `${what} ${detail}`, [{ pointer: at, detail }])
  }
  const elements: Element[] = []
  for (const leaf of nested.leaves) {
    const element = toElement(leaf, datatype)
    if (isMisfit(element)) return refuseAt(what, element, at)
    elements.push(element)
  }
  return { elements, shape }
}

/** The parts of a row: an object by input name, or, with one input, a list that is its row. */
export const readTensors = (
  value: JsonObject | JsonValue[],
  plan: VariantPlan,
  compiled: FeaturesPlan,
  at: string,
): RowPart[] | Refusal => {
  const { inputs } = plan.signature
  const isList = Array.isArray(value)
  if (isList && inputs.length !== 1) {
    const detail = `This endpoint takes ${inputs.length} tensors: name them`
    return refuse('REQUEST_MALFORMED', detail, [{ pointer: at, detail }])
  }
  const [unknown] = isList ? [] : findUnknown(value, compiled, at)
  if (unknown !== undefined) return unknown
  const row: RowPart[] = []
  for (const input of inputs) {
    const own = isList ? value : value.get(input.name)
    const place = isList ? at : at + pointer(input.name)
    const part = readTensor(own, input, compiled.hasRows, place)
    if ('code' in part) return part
    row.push(part)
  }
  return row
}
