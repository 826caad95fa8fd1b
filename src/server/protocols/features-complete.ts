/** Every `/predict` body, valid or not: the reference that the fast decoder must equal. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import { allocate, ELEMENTS_MAX, formatShape, type Tensor } from '../../shared/tensor.ts'
import { type JsonObject, type JsonValue, parseJson } from '../json/parser.ts'
import { kindOf, pointer, quote } from '../json/pointer.ts'
import { putElement } from './element.ts'
import type { FeaturesPlan } from './features-plan.ts'
import { isRefusal, type RowPart, readFeatures } from './features-row.ts'
import { readTensors } from './features-tensors.ts'
import type { Decoded, RowTarget, VariantPlan } from './protocol.ts'

const TOP_LEVEL = ['features', 'instances', 'request_id'] as const

type Row = readonly RowPart[]

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
  const read = plan.contract.features.length > 0 ? readFeatures : readTensors
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
    if (isRefusal(row)) return row
    rows.push(row)
  }
  return rows
}

/** One tensor of all rows. Where an inner dimension is free, rows must still be of one shape. */
const joinInput = (rows: readonly Row[], input: number, plan: VariantPlan): Tensor | Refusal => {
  const { name, datatype } = plan.signature.inputs[input]!
  const { shape, elements } = rows[0]![input]!
  const stride = elements.length
  if (rows.length * stride > ELEMENTS_MAX) {
    return refuse('TENSOR_SHAPE_MISMATCH', 'The rows hold too many elements')
  }
  const data = allocate(datatype, rows.length * stride)
  const wanted = formatShape(shape.slice(1))
  for (const [index, row] of rows.entries()) {
    const part = row[input]!
    const own = formatShape(part.shape.slice(1))
    if (own !== wanted) {
      const detail = `Input ${quote(name)} is ${wanted} in the first row, but ${own} here`
      const at = pointer('instances', index)
      return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: at, detail }])
    }
    for (let i = 0; i < stride; i++) putElement(data, index * stride + i, part.elements[i]!)
  }
  const isWhole = rows.length === 1
  return { datatype, shape: isWhole ? shape : [rows.length, ...shape.slice(1)], data }
}

const joinRows = (rows: readonly Row[], plan: VariantPlan): Tensor[] | Refusal => {
  const tensors: Tensor[] = []
  for (const input of plan.signature.inputs.keys()) {
    const tensor = joinInput(rows, input, plan)
    if (isRefusal(tensor)) return tensor
    tensors.push(tensor)
  }
  return tensors
}

const writeRows = (rows: readonly Row[], target: RowTarget, strides: readonly number[]): void => {
  for (const [index, row] of rows.entries()) {
    for (const [input, { elements }] of row.entries()) {
      const base = (target.row + index) * strides[input]!
      for (const [column, element] of elements.entries()) {
        putElement(target.columns[input]!, base + column, element)
      }
    }
  }
}

const checkTopLevel = (body: JsonValue): JsonObject | Refusal => {
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
  if (id === undefined || (typeof id === 'string' && id !== '')) return body
  const detail = "'request_id' must be a string that is not empty"
  return refuse('REQUEST_MALFORMED', detail, [{ pointer: '/request_id', detail }])
}

/** The values of the rows in a body. */
const givenRows = (body: JsonObject, hasRows: boolean): readonly JsonValue[] | Refusal => {
  const instances = body.get('instances')
  if (instances === undefined) return [body.get('features')!]
  if (!Array.isArray(instances) || instances.length === 0) {
    const got = Array.isArray(instances) ? 'none' : kindOf(instances)
    const detail = `'instances' must be a list of rows, got ${got}`
    return refuse('REQUEST_MALFORMED', detail, [{ pointer: '/instances', detail }])
  }
  if (instances.length === 1 || hasRows) return instances
  const detail = `This model takes one row a request, got ${instances.length}`
  return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: '/instances', detail }])
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
  const body = checkTopLevel(parsed.value)
  if (isRefusal(body)) return body
  const given = givenRows(body, compiled.hasRows)
  if (isRefusal(given)) return given
  const isBatch = body.has('instances')
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
