/** Every OIP JSON request, valid or not: the reference that the fast decoder must equal. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import {
  allocate,
  elementCount,
  formatShape,
  type Tensor,
  type TensorData,
  type TensorSignature,
} from '../../shared/tensor.ts'
import { type JsonObject, type JsonValue, parseJson } from '../json/parser.ts'
import { kindOf, pointer, quote } from '../json/pointer.ts'
import { type Element, isMisfit, refuseAt, toElement } from './element.ts'
import type { Decoded, RowTarget, VariantPlan } from './protocol.ts'

const isRefusal = (value: object): value is Refusal => 'detail' in value && 'code' in value

const malformed = (detail: string, at: string): Refusal =>
  refuse('REQUEST_MALFORMED', detail, [{ pointer: at, detail }])

const BINARY = 'The binary tensor extension is not supported yet: send "data"'

/** Whether parameters ask for the binary extension. */
const asksBinary = (holder: JsonObject): boolean => {
  const parameters = holder.get('parameters')
  if (!(parameters instanceof Map)) return false
  const isAsked = (key: string) => parameters.get(key) === true
  return (
    parameters.has('binary_data_size') || isAsked('binary_data') || isAsked('binary_data_output')
  )
}

const readShape = (value: JsonValue | undefined, name: string, at: string): number[] | Refusal => {
  if (!Array.isArray(value)) return malformed(`Input ${quote(name)} needs a shape`, at)
  const shape = value.map((size) => (typeof size === 'number' ? size : -1))
  if (elementCount(shape) >= 0) return shape
  const detail = `Input ${quote(name)} has an impossible shape: whole numbers from 0, product below 2^31`
  return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: at, detail }])
}

const shapeFits = (shape: readonly number[], wanted: readonly number[]): boolean =>
  shape.length === wanted.length &&
  shape.every((size, axis) => wanted[axis] === -1 || wanted[axis] === size)

const put = (data: TensorData, index: number, element: Element): void => {
  ;(data as Element[])[index] = element
}

/** Fills `into` from flat or nested data; the number of elements found, or why one does not fit. */
const fill = (
  value: JsonValue,
  signature: TensorSignature,
  into: TensorData,
  found: number,
  at: string,
): number | Refusal => {
  if (Array.isArray(value)) {
    let count = found
    for (const child of value) {
      const next = fill(child, signature, into, count, at)
      if (typeof next !== 'number') return next
      count = next
    }
    return count
  }
  if (found >= into.length) return found + 1
  const element = toElement(value, signature.datatype)
  if (isMisfit(element)) return refuseAt(`Input ${quote(signature.name)}`, element, at)
  put(into, found, element)
  return found + 1
}

const readInput = (entry: JsonObject, signature: TensorSignature, at: string): Tensor | Refusal => {
  const { name, datatype } = signature
  if (asksBinary(entry)) return refuse('ENCODING_UNSUPPORTED', BINARY)
  const given = entry.get('datatype')
  if (given !== datatype) {
    const shown = typeof given === 'string' ? quote(given) : kindOf(given ?? null)
    const detail = `Input ${quote(name)} wants ${datatype}, got ${shown}`
    return refuse('TENSOR_DATATYPE_MISMATCH', detail, [
      { pointer: at + pointer('datatype'), detail },
    ])
  }
  const shape = readShape(entry.get('shape'), name, at + pointer('shape'))
  if (isRefusal(shape)) return shape
  if (!shapeFits(shape, signature.shape)) {
    const wanted = formatShape(signature.shape)
    const detail = `Input ${quote(name)} wants shape ${wanted}, got ${formatShape(shape)}`
    return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: at + pointer('shape'), detail }])
  }
  const data = entry.get('data')
  if (!Array.isArray(data)) return malformed(`Input ${quote(name)} needs a list "data"`, at)
  const count = elementCount(shape)
  // A list is at least two bytes an element: nothing is allocated that the body did not pay for.
  const tensor: Tensor = {
    datatype,
    shape,
    data: allocate(datatype, Math.min(count, leaves(data))),
  }
  const found = fill(data, signature, tensor.data, 0, at + pointer('data'))
  if (typeof found !== 'number') return found
  if (found === count) return tensor
  const detail = `Input ${quote(name)} of shape ${formatShape(shape)} wants ${count} values, got ${found}`
  return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: at + pointer('data'), detail }])
}

const leaves = (value: JsonValue): number =>
  Array.isArray(value) ? value.reduce((sum: number, each) => sum + leaves(each), 0) : 1

const readInputs = (body: JsonObject, plan: VariantPlan): Tensor[] | Refusal => {
  const list = body.get('inputs')
  if (!Array.isArray(list)) return malformed("The body needs a list 'inputs'", pointer('inputs'))
  const { inputs } = plan.signature
  const tensors = new Map<string, Tensor>()
  for (const [index, entry] of list.entries()) {
    const at = pointer('inputs', index)
    const name = entry instanceof Map ? entry.get('name') : undefined
    if (!(entry instanceof Map) || typeof name !== 'string') {
      return malformed('An input must be an object with a name', at)
    }
    const signature = inputs.find((input) => input.name === name)
    if (signature === undefined) return unknown('INPUT_UNKNOWN', name, inputs, at)
    if (tensors.has(name)) return malformed(`Input ${quote(name)} is given twice`, at)
    const tensor = readInput(entry, signature, at)
    if (isRefusal(tensor)) return tensor
    tensors.set(name, tensor)
  }
  const missing = inputs.find(({ name }) => !tensors.has(name))
  if (missing !== undefined) {
    const detail = `Input ${quote(missing.name)} is missing`
    return refuse('INPUT_MISSING', detail, [{ pointer: pointer('inputs'), detail }])
  }
  return inputs.map(({ name }) => tensors.get(name)!)
}

const unknown = (
  code: 'INPUT_UNKNOWN' | 'OUTPUT_UNKNOWN',
  name: string,
  known: readonly TensorSignature[],
  at: string,
): Refusal => {
  const names = known.map((tensor) => tensor.name)
  const near = nearest(name, names)
  const hint = near === null ? `; known: ${names.join(', ')}` : `; did you mean ${quote(near)}?`
  const what = code === 'INPUT_UNKNOWN' ? 'input' : 'output'
  const detail = `${quote(name)} is no ${what} of this model${hint}`
  return refuse(code, detail, [{ pointer: at, detail }])
}

const readOutputs = (body: JsonObject, plan: VariantPlan): number[] | null | Refusal => {
  const list = body.get('outputs')
  if (list === undefined) return null
  if (!Array.isArray(list)) return malformed("'outputs' must be a list", pointer('outputs'))
  const { outputs } = plan.signature
  const indices: number[] = []
  for (const [position, entry] of list.entries()) {
    const at = pointer('outputs', position)
    const name = entry instanceof Map ? entry.get('name') : undefined
    if (!(entry instanceof Map) || typeof name !== 'string') {
      return malformed('An output must be an object with a name', at)
    }
    if (asksBinary(entry)) return refuse('ENCODING_UNSUPPORTED', BINARY)
    const index = outputs.findIndex((output) => output.name === name)
    if (index < 0) return unknown('OUTPUT_UNKNOWN', name, outputs, at)
    if (indices.includes(index)) {
      const detail = `Output ${quote(name)} is requested twice`
      return refuse('OUTPUT_UNKNOWN', detail, [{ pointer: at, detail }])
    }
    indices.push(index)
  }
  return indices.length === 0 ? null : indices
}

/** Rows must agree over the inputs and be at least one. */
const checkRows = (tensors: readonly Tensor[], plan: VariantPlan): Refusal | null => {
  if (plan.rowsMax === 0) return null
  const rows = tensors[0]?.shape[0] ?? 0
  if (tensors.some(({ shape }) => shape[0] !== rows)) {
    return refuse('TENSOR_SHAPE_MISMATCH', 'The inputs have different numbers of rows')
  }
  return rows > 0 ? null : refuse('TENSOR_SHAPE_MISMATCH', 'The request has no row')
}

const copyIn = (
  tensors: readonly Tensor[],
  target: RowTarget,
  strides: readonly number[],
): void => {
  for (const [input, { data }] of tensors.entries()) {
    const base = target.row * strides[input]!
    for (let i = 0; i < data.length; i++) put(target.columns[input]!, base + i, data[i]!)
  }
}

export const decodeOipComplete = (
  bytes: Uint8Array,
  plan: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
): Refusal | null => {
  const parsed = parseJson(bytes, plan.jsonDepthMax)
  if ('code' in parsed) return parsed
  const body = parsed.value
  if (!(body instanceof Map))
    return malformed(`The body must be an object, not ${kindOf(body)}`, '')
  if (asksBinary(body)) return refuse('ENCODING_UNSUPPORTED', BINARY)
  const id = body.get('id')
  if (id !== undefined && typeof id !== 'string') return malformed("'id' must be a string", '/id')
  const outputs = readOutputs(body, plan)
  if (outputs !== null && !Array.isArray(outputs)) return outputs
  const tensors = readInputs(body, plan)
  if (!Array.isArray(tensors)) return tensors
  const unequal = checkRows(tensors, plan)
  if (unequal !== null) return unequal
  decoded.requestId = id ?? ''
  decoded.outputs = outputs
  const rows = tensors[0]?.shape[0] ?? 0
  if (plan.rowStrides !== null && rows <= target.room) {
    copyIn(tensors, target, plan.rowStrides)
    decoded.rowsInPlace = rows
  } else decoded.tensors = tensors
  return null
}
