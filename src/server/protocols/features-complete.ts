/** Every `/predict` body, valid or not: the reference that the fast decoder must equal. */

import type { BoundFeature } from '../../shared/contract.ts'
import { type Refusal, refuse } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import {
  allocate,
  type Datatype,
  ELEMENTS_MAX,
  type Tensor,
  type TensorData,
} from '../../shared/tensor.ts'
import { type JsonObject, type JsonValue, parseJson } from '../json/parser.ts'
import { kindOf, pointer, quote } from '../json/pointer.ts'
import { type Element, isMisfit, refuseAt, toElement } from './element.ts'
import type { FeaturesPlan } from './features-plan.ts'
import type { Decoded, RowTarget, VariantPlan } from './protocol.ts'

const TOP_LEVEL = ['features', 'instances', 'request_id'] as const

const isRefusal = (value: object): value is Refusal => 'detail' in value && 'code' in value

/** The elements of one row, by input: `row[input][column]`. */
type Row = Element[][]

const put = (data: TensorData, index: number, element: Element): void => {
  ;(data as Element[])[index] = element
}

const featureElement = (
  feature: BoundFeature,
  value: JsonValue | undefined,
  datatype: Datatype,
  at: string,
): Element | Refusal => {
  const what = `Feature ${quote(feature.name)}`
  if (value === undefined || value === null) return missingElement(feature, datatype, at)
  const { type, codes } = feature
  if (type === 'category') {
    const text = toElement(value, 'BYTES')
    if (isMisfit(text)) return refuseAt(what, text, at)
    if (codes === null) return text
    return codes.get(String(text)) ?? -1
  }
  if (type === 'boolean') {
    const truth = toElement(value, 'BOOL')
    if (isMisfit(truth)) return refuseAt(what, truth, at)
    return typeof allocate(datatype, 1)[0] === 'bigint' ? BigInt(truth) : truth
  }
  if (type === 'integer' && typeof value === 'number' && !Number.isInteger(value)) {
    const detail = 'wants an integer, got a fraction'
    return refuseAt(what, { code: 'TENSOR_DATATYPE_MISMATCH', detail }, at)
  }
  const element = toElement(value, datatype)
  return isMisfit(element) ? refuseAt(what, element, at) : element
}

const missingElement = (
  { name, optional, missing }: BoundFeature,
  datatype: Datatype,
  at: string,
): Element | Refusal => {
  const isIntegral = datatype !== 'FP32' && datatype !== 'FP64' && datatype !== 'BYTES'
  const canBeFed = !(isIntegral && Number.isNaN(missing))
  if (optional && canBeFed) {
    return datatype === 'INT64' || datatype === 'UINT64' ? BigInt(missing) : missing
  }
  const detail = `Feature ${quote(name)} is missing`
  return refuse('INPUT_MISSING', detail, [{ pointer: at, detail }])
}

const unknownName = (name: string, names: readonly string[], at: string): Refusal => {
  const near = nearest(name, names)
  const hint = near === null ? '' : `; did you mean ${quote(near)}?`
  const detail = `${quote(name)} is no feature of this endpoint${hint}`
  return refuse('INPUT_UNKNOWN', detail, [{ pointer: at, detail }])
}

const findUnknown = (object: JsonObject, compiled: FeaturesPlan, at: string): Refusal | null => {
  for (const name of object.keys()) {
    if (compiled.byName.has(name)) continue
    return unknownName(name, compiled.names, at + pointer(name))
  }
  return null
}

const wrongCount = (wanted: number, got: number, at: string): Refusal => {
  const detail = `wants ${wanted} values in a row, got ${got}`
  return refuse('TENSOR_SHAPE_MISMATCH', `A row ${detail}`, [{ pointer: at, detail }])
}

/** A row of named or positional features. */
const featureRow = (
  value: JsonObject | JsonValue[],
  plan: VariantPlan,
  compiled: FeaturesPlan,
  at: string,
): Row | Refusal => {
  const { features } = plan.binding
  const isList = Array.isArray(value)
  if (isList && value.length !== features.length)
    return wrongCount(features.length, value.length, at)
  const unknown = isList ? null : findUnknown(value, compiled, at)
  if (unknown !== null) return unknown
  const row: Row = plan.signature.inputs.map(() => [])
  for (const [index, feature] of features.entries()) {
    const own = isList ? value[index] : value.get(feature.name)
    const place = at + pointer(isList ? index : feature.name)
    const { datatype } = plan.signature.inputs[feature.input]!
    const element = featureElement(feature, own, datatype, place)
    if (typeof element === 'object') return element
    row[feature.input]![feature.column] = element
  }
  return row
}

/** Elements of a value that may be nested; depth is bounded by the parser. */
const flatten = (value: JsonValue, into: JsonValue[]): void => {
  if (!Array.isArray(value)) into.push(value)
  else for (const child of value) flatten(child, into)
}

const tensorElements = (
  value: JsonValue | undefined,
  input: number,
  plan: VariantPlan,
  compiled: FeaturesPlan,
  at: string,
): Element[] | Refusal => {
  const { name, datatype, shape } = plan.signature.inputs[input]!
  if (value === undefined || value === null) {
    const detail = `Input ${quote(name)} is missing`
    return refuse('INPUT_MISSING', detail, [{ pointer: at, detail }])
  }
  const flat: JsonValue[] = []
  flatten(value, flat)
  const stride = compiled.strides[input]!
  const wanted = shape[0] === -1 || shape.length === 0 ? stride : stride * shape[0]!
  if (wanted >= 0 && flat.length !== wanted) return wrongCount(wanted, flat.length, at)
  const elements: Element[] = []
  for (const each of flat) {
    const element = toElement(each, datatype)
    if (isMisfit(element)) return refuseAt(`Input ${quote(name)}`, element, at)
    elements.push(element)
  }
  return elements
}

/** A row of tensors: an object by input name, or, with one input, a list that is its row. */
const tensorRow = (
  value: JsonObject | JsonValue[],
  plan: VariantPlan,
  compiled: FeaturesPlan,
  at: string,
): Row | Refusal => {
  const { inputs } = plan.signature
  const isList = Array.isArray(value)
  if (isList && inputs.length !== 1) {
    const detail = `This endpoint takes ${inputs.length} tensors: name them`
    return refuse('REQUEST_MALFORMED', detail, [{ pointer: at, detail }])
  }
  const unknown = isList ? null : findUnknown(value, compiled, at)
  if (unknown !== null) return unknown
  const row: Row = []
  for (const [input, { name }] of inputs.entries()) {
    const own = isList ? value : value.get(name)
    const place = isList ? at : at + pointer(name)
    const elements = tensorElements(own, input, plan, compiled, place)
    if (!Array.isArray(elements)) return elements
    row.push(elements)
  }
  return row
}

const readRow = (
  value: JsonValue,
  plan: VariantPlan,
  compiled: FeaturesPlan,
  at: string,
): Row | Refusal => {
  if (!Array.isArray(value) && !(value instanceof Map)) {
    const detail = `wants an object or a list, got ${kindOf(value)}`
    return refuse('REQUEST_MALFORMED', `A row ${detail}`, [{ pointer: at, detail }])
  }
  const read = plan.contract.features.length > 0 ? featureRow : tensorRow
  return read(value, plan, compiled, at)
}

const readRows = (
  values: readonly JsonValue[],
  isBatch: boolean,
  plan: VariantPlan,
  compiled: FeaturesPlan,
): Row[] | Refusal => {
  const rows: Row[] = []
  for (const [index, value] of values.entries()) {
    const at = isBatch ? pointer('instances', index) : pointer('features')
    const row = readRow(value, plan, compiled, at)
    if (!Array.isArray(row)) return row
    rows.push(row)
  }
  return rows
}

/** Whole tensors of all rows. Rows with a free inner dimension must be equally long. */
const joinRows = (rows: readonly Row[], plan: VariantPlan): Tensor[] | Refusal => {
  const tensors: Tensor[] = []
  for (const [input, { datatype, shape }] of plan.signature.inputs.entries()) {
    const length = rows[0]![input]!.length
    const uneven = rows.findIndex((row) => row[input]!.length !== length)
    if (uneven >= 0) {
      return wrongCount(length, rows[uneven]![input]!.length, pointer('instances', uneven))
    }
    if (rows.length * length > ELEMENTS_MAX) {
      return refuse('TENSOR_SHAPE_MISMATCH', 'The rows hold too many elements')
    }
    const data = allocate(datatype, rows.length * length)
    for (const [row, values] of rows.entries()) {
      for (const [i, value] of values[input]!.entries()) put(data, row * length + i, value)
    }
    const sized = sizeShape(shape, rows.length, length)
    if (sized === null) {
      const detail = 'This input has several free dimensions: use the Open Inference Protocol'
      return refuse('TENSOR_SHAPE_MISMATCH', detail)
    }
    tensors.push({ datatype, shape: sized, data })
  }
  return tensors
}

/** The shape of `rows` rows of `length` elements; null when more than one inner dimension is free. */
const sizeShape = (shape: readonly number[], rows: number, length: number): number[] | null => {
  const inner = shape.slice(1)
  const free = inner.filter((size) => size < 0).length
  if (free > 1) return null
  const known = inner.reduce((product, size) => (size < 0 ? product : product * size), 1)
  if (free === 1 && (known === 0 || length % known !== 0)) return null
  const sized = inner.map((size) => (size < 0 ? length / known : size))
  if (shape.length === 0) return []
  return [shape[0] === -1 ? rows : shape[0]!, ...sized]
}

const writeRows = (rows: readonly Row[], target: RowTarget, strides: readonly number[]): void => {
  for (const [index, row] of rows.entries()) {
    for (const [input, values] of row.entries()) {
      const base = (target.row + index) * strides[input]!
      for (const [column, value] of values.entries()) {
        put(target.columns[input]!, base + column, value)
      }
    }
  }
}

const checkTopLevel = (body: JsonValue): { body: JsonObject } | Refusal => {
  if (!(body instanceof Map)) {
    return refuse('REQUEST_MALFORMED', `The body must be an object, not ${kindOf(body)}`)
  }
  for (const key of body.keys()) {
    if ((TOP_LEVEL as readonly string[]).includes(key)) continue
    const near = nearest(key, TOP_LEVEL)
    const hint = near === null ? '' : `; did you mean '${near}'?`
    const detail = `Unknown key ${quote(key)}${hint}`
    return refuse('REQUEST_MALFORMED', detail, [{ pointer: pointer(key), detail }])
  }
  if (body.has('features') === body.has('instances')) {
    return refuse('REQUEST_MALFORMED', "The body must have either 'features' or 'instances'")
  }
  const id = body.get('request_id')
  if (id !== undefined && (typeof id !== 'string' || id === '')) {
    return refuse('REQUEST_MALFORMED', "'request_id' must be a string that is not empty")
  }
  return { body }
}

/** Reads a body into the target where it fits, else into tensors of its own. */
export const decodeComplete = (
  bytes: Uint8Array,
  plan: VariantPlan,
  compiled: FeaturesPlan,
  target: RowTarget,
  decoded: Decoded,
): Refusal | null => {
  const parsed = parseJson(bytes, plan.jsonDepthMax)
  if (isRefusal(parsed)) return parsed
  const checked = checkTopLevel(parsed.value)
  if (isRefusal(checked)) return checked
  const { body } = checked
  const isBatch = body.has('instances')
  const given = isBatch ? body.get('instances')! : [body.get('features')!]
  if (!Array.isArray(given) || given.length === 0) {
    const detail = `'instances' must be a list of rows, got ${Array.isArray(given) ? 'none' : kindOf(given)}`
    return refuse('REQUEST_MALFORMED', detail, [{ pointer: '/instances', detail }])
  }
  const hasRows = plan.signature.inputs.every(({ shape }) => shape[0] === -1)
  if (given.length > 1 && !hasRows) {
    return refuse('TENSOR_SHAPE_MISMATCH', 'This model takes one row a request')
  }
  const rows = readRows(given, isBatch, plan, compiled)
  if (isRefusal(rows)) return rows
  decoded.isBatch = isBatch
  decoded.requestId = (body.get('request_id') as string | undefined) ?? ''
  if (plan.rowStrides !== null && rows.length <= target.room) {
    writeRows(rows, target, plan.rowStrides)
    decoded.rowsInPlace = rows.length
    return null
  }
  const tensors = joinRows(rows, plan)
  if (isRefusal(tensors)) return tensors
  decoded.tensors = tensors
  return null
}
