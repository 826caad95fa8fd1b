/** One row of named or positional features into elements, or everything that is wrong with it. */

import type { BoundFeature } from '../../shared/contract.ts'
import { type FieldFault, type Refusal, refuse } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import { allocate, type Datatype } from '../../shared/tensor.ts'
import type { JsonObject, JsonValue } from '../json/parser.ts'
import { pointer, quote } from '../json/pointer.ts'
import { type Element, isMisfit, refuseAt, toElement, toNumericElement } from './element.ts'
import type { FeaturesPlan } from './features-plan.ts'
import type { VariantPlan } from './protocol.ts'

/** A row by input: its elements and their shape, leading dimension (1 for a row) included. */
export interface RowPart {
  readonly elements: Element[]
  readonly shape: readonly number[]
}

export const isRefusal = (value: object): value is Refusal => 'detail' in value && 'code' in value

/** Most faults that one refusal names. */
const FAULTS_MAX = 16

/** One refusal for several faults of a row: the code is that of the first. */
const join = (refusals: readonly Refusal[]): Refusal => {
  const [first] = refusals
  if (refusals.length === 1) return first!
  const errors = refusals.flatMap((each): readonly FieldFault[] => each.errors ?? [])
  const more = refusals.length < FAULTS_MAX ? refusals.length - 1 : `${FAULTS_MAX - 1} or`
  return refuse(first!.code, `${first!.detail} (and ${more} more)`, errors)
}

export const wrongCount = (wanted: number | string, got: number, at: string): Refusal => {
  const detail = `wants ${wanted} values, got ${got}`
  return refuse('TENSOR_SHAPE_MISMATCH', `A row ${detail}`, [{ pointer: at, detail }])
}

const unknownName = (name: string, names: readonly string[], at: string): Refusal => {
  const near = nearest(name, names)
  const hint = near === null ? '' : `; did you mean ${quote(near)}?`
  const detail = `${quote(name)} is no feature of this endpoint${hint}`
  return refuse('INPUT_UNKNOWN', detail, [{ pointer: at, detail }])
}

/** The keys of `object` that the endpoint does not have; at most FAULTS_MAX. */
export const findUnknown = (object: JsonObject, compiled: FeaturesPlan, at: string): Refusal[] => {
  const found: Refusal[] = []
  for (const name of object.keys()) {
    if (compiled.byName.has(name)) continue
    found.push(unknownName(name, compiled.names, at + pointer(name)))
    if (found.length === FAULTS_MAX) break
  }
  return found
}

const missing = (name: string, at: string): Refusal => {
  const detail = `Feature ${quote(name)} is missing`
  return refuse('INPUT_MISSING', detail, [{ pointer: at, detail }])
}

const elementOf = (
  { name, type, codes }: BoundFeature,
  value: JsonValue,
  datatype: Datatype,
  at: string,
): Element | Refusal => {
  const what = `Feature ${quote(name)}`
  if (type === 'number' || type === 'integer') {
    if (type === 'integer' && typeof value === 'number' && !Number.isInteger(value)) {
      const detail = 'wants an integer, got a fraction'
      return refuseAt(what, { code: 'TENSOR_DATATYPE_MISMATCH', detail }, at)
    }
    const element = toElement(value, datatype)
    return isMisfit(element) ? refuseAt(what, element, at) : element
  }
  const plain = toElement(value, type === 'category' ? 'BYTES' : 'BOOL')
  if (isMisfit(plain)) return refuseAt(what, plain, at)
  if (type === 'category' && codes === null) {
    const text = toElement(value, datatype)
    return isMisfit(text) ? refuseAt(what, text, at) : text
  }
  const number = type === 'category' ? (codes!.get(String(plain)) ?? -1) : Number(plain)
  const element = toNumericElement(number, datatype)
  return isMisfit(element) ? refuseAt(what, element, at) : element
}

/**
 * The parts of a row of named (object) or positional (list) features. A refusal names every fault
 * of the row, up to FAULTS_MAX.
 */
export const readFeatures = (
  value: JsonObject | JsonValue[],
  plan: VariantPlan,
  compiled: FeaturesPlan,
  at: string,
): RowPart[] | Refusal => {
  const { features } = plan.binding
  const isList = Array.isArray(value)
  if (isList && value.length !== features.length) {
    return wrongCount(features.length, value.length, at)
  }
  const refusals = isList ? [] : findUnknown(value, compiled, at)
  const { inputs } = plan.signature
  const row: Element[][] = inputs.map(({ datatype }, input) => {
    const width = compiled.widths[input]!
    return Array.from(allocate(datatype, width) as ArrayLike<Element>)
  })
  for (const [index, feature] of features.entries()) {
    if (refusals.length >= FAULTS_MAX) break
    const own = isList ? value[index] : value.get(feature.name)
    const place = at + pointer(isList ? index : feature.name)
    const element =
      own === undefined || own === null
        ? (compiled.fillers[index] ?? missing(feature.name, place))
        : elementOf(feature, own, inputs[feature.input]!.datatype, place)
    if (typeof element === 'object') refusals.push(element)
    else row[feature.input]![feature.column] = element
  }
  if (refusals.length > 0) return join(refusals)
  return row.map((elements, input) => ({ elements, shape: compiled.rowShapes[input]! }))
}
