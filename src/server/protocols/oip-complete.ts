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
import { isMisfit, putElement, refuseAt, toElement } from './element.ts'
import { readNested } from './nested.ts'
import type { Decoded, RowTarget, VariantPlan } from './protocol.ts'

const isRefusal = (value: object): value is Refusal => 'detail' in value && 'code' in value

const malformed = (detail: string, at: string): Refusal =>
  refuse('REQUEST_MALFORMED', detail, [{ pointer: at, detail }])

/** Parameters that ask for extensions of Triton's, and whether any value of theirs does. */
const EXTENSIONS: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  binary_data_size: () => true,
  binary_data: (value) => value === true,
  binary_data_output: (value) => value === true,
  shared_memory_region: () => true,
  classification: () => true,
}

/** Refuses parameters that are no object, or ask for what is not supported. Others are ignored. */
const checkParameters = (holder: JsonObject, at: string): Refusal | null => {
  const parameters = holder.get('parameters')
  if (parameters === undefined) return null
  if (!(parameters instanceof Map)) return malformed("'parameters' must be an object", at)
  for (const [name, isAsked] of Object.entries(EXTENSIONS)) {
    const value = parameters.get(name)
    if (value === undefined || !isAsked(value)) continue
    const detail = `The extension of '${name}' is not supported: send and take plain "data"`
    return refuse('ENCODING_UNSUPPORTED', detail, [{ pointer: at + pointer(name), detail }])
  }
  return null
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

/** `/inputs/0/data/3`, or with an index for each axis where the data are nested. */
const placeOf = (index: number, sizes: readonly number[], at: string): string => {
  const indices: number[] = []
  let rest = index
  for (const size of sizes.toReversed()) {
    indices.unshift(rest % size)
    rest = Math.floor(rest / size)
  }
  return at + pointer(...indices)
}

/** The elements of flat data, or of data nested exactly as the shape says. */
const readData = (
  value: JsonValue | undefined,
  { name, datatype }: TensorSignature,
  shape: readonly number[],
  at: string,
): TensorData | Refusal => {
  const what = `Input ${quote(name)}`
  if (!Array.isArray(value)) return malformed(`${what} needs a list 'data'`, at)
  const nested = readNested(value)
  const isFlat = nested !== null && nested.sizes.length === 1
  const wanted = elementCount(shape)
  if (nested === null || (!isFlat && formatShape(nested.sizes) !== formatShape(shape))) {
    const got = nested === null ? 'lists of different lengths' : formatShape(nested.sizes)
    const detail = `${what} of shape ${formatShape(shape)} wants flat data or lists of that shape, got ${got}`
    return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: at, detail }])
  }
  const { leaves, sizes } = nested
  if (leaves.length !== wanted) {
    const detail = `${what} of shape ${formatShape(shape)} wants ${wanted} values, got ${leaves.length}`
    return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: at, detail }])
  }
  const data = allocate(datatype, wanted)
  for (let i = 0; i < wanted; i++) {
    const element = toElement(leaves[i]!, datatype)
    if (isMisfit(element)) return refuseAt(what, element, placeOf(i, sizes, at))
    putElement(data, i, element)
  }
  return data
}

const readInput = (entry: JsonObject, signature: TensorSignature, at: string): Tensor | Refusal => {
  const { name, datatype } = signature
  const unsupported = checkParameters(entry, at + pointer('parameters'))
  if (unsupported !== null) return unsupported
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
  const data = readData(entry.get('data'), signature, shape, at + pointer('data'))
  return 'code' in data ? data : { datatype, shape, data }
}

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
    const unsupported = checkParameters(entry, at + pointer('parameters'))
    if (unsupported !== null) return unsupported
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
    for (let i = 0; i < data.length; i++) putElement(target.columns[input]!, base + i, data[i]!)
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
  const unsupported = checkParameters(body, pointer('parameters'))
  if (unsupported !== null) return unsupported
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
  if (plan.rowStrides !== null && rows > 0 && rows <= target.room) {
    copyIn(tensors, target, plan.rowStrides)
    decoded.rowsInPlace = rows
  } else decoded.tensors = tensors
  return null
}
