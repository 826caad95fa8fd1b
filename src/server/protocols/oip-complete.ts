/** Every OIP JSON request, valid or not: the reference that the fast decoder must equal. */

import { isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { findFault } from '../json/grammar.ts'
import { JsonReader } from '../json/json-reader.ts'
import { pointer, quote } from '../json/pointer.ts'
import { deliver } from './columns.ts'
import {
  checkParameters,
  findPlaces,
  malformed,
  type Places,
  readEntry,
  unknownName,
} from './oip-entries.ts'
import { type Input, readInputs } from './oip-inputs.ts'
import { BODY_ID_LENGTH_MAX, type Decoded, type RowTarget } from './protocol.ts'
import type { VariantPlan } from './variant-plan.ts'

const BODY_KEYS = new Set(['id', 'parameters', 'inputs', 'outputs'])
const OUTPUT_KEYS = new Set(['name', 'parameters'])

const readOutputs = (
  reader: JsonReader,
  places: Places,
  plan: VariantPlan,
): number[] | null | Refusal => {
  const place = places.get('outputs')
  if (place === undefined) return null
  reader.at = place
  if (!reader.isList) return malformed("'outputs' must be a list", pointer('outputs'))
  const { outputs } = plan.signature
  const indices = new Set<number>()
  let position = 0
  for (let more = reader.open(); more; more = reader.more()) {
    const at = pointer('outputs', position++)
    const entry = readEntry(reader, OUTPUT_KEYS, 'An output', at)
    if (isRefusal(entry)) return entry
    const end = reader.at
    const unsupported = checkParameters(reader, entry.places, at)
    if (unsupported !== null) return unsupported
    reader.at = end
    const index = outputs.findIndex((output) => output.name === entry.name)
    if (index < 0) return unknownName('OUTPUT_UNKNOWN', entry.name, outputs, at)
    if (indices.has(index)) {
      const detail = `Output ${quote(entry.name)} is requested twice`
      return refuse('OUTPUT_UNKNOWN', detail, [{ pointer: at, detail }])
    }
    indices.add(index)
  }
  return indices.size === 0 ? null : [...indices]
}

const readId = (reader: JsonReader, places: Places, decoded: Decoded): Refusal | null => {
  const place = places.get('id')
  if (place === undefined) return null
  reader.at = place
  const id = reader.isText ? reader.text() : null
  if (id === null || id.length > BODY_ID_LENGTH_MAX) {
    return malformed(`'id' must be a string of at most ${BODY_ID_LENGTH_MAX} characters`, '/id')
  }
  decoded.bodyId = id
  return null
}

/** Rows must agree over the inputs and be at least one. */
const checkRows = (inputs: readonly Input[], { rowsMax }: VariantPlan): Refusal | null => {
  if (rowsMax === 0) return null
  const rows = inputs[0]?.shape[0] ?? 0
  if (inputs.some(({ shape }) => shape[0] !== rows)) {
    return refuse('TENSOR_SHAPE_MISMATCH', 'The inputs have different numbers of rows')
  }
  return rows > 0 ? null : refuse('TENSOR_SHAPE_MISMATCH', 'The request has no row')
}

export const decodeOipComplete = (
  bytes: Uint8Array,
  plan: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
): Refusal | null => {
  const fault = findFault(bytes, plan.jsonDepthMax)
  if (fault !== null) return fault
  const reader = new JsonReader(bytes)
  if (!reader.isObject) return malformed(`The body must be an object, not ${reader.kind}`, '')
  const places = findPlaces(reader, BODY_KEYS)
  if (isRefusal(places)) return places
  const refusal = readId(reader, places, decoded) ?? checkParameters(reader, places, '')
  if (refusal !== null) return refusal
  const outputs = readOutputs(reader, places, plan)
  if (outputs !== null && isRefusal(outputs)) return outputs
  const inputs = readInputs(reader, places.get('inputs'), plan.signature.inputs)
  if (isRefusal(inputs)) return inputs
  const unequal = checkRows(inputs, plan)
  if (unequal !== null) return unequal
  decoded.outputs = outputs
  const [columns, shapes] = [inputs.map(({ column }) => column), inputs.map(({ shape }) => shape)]
  const rows = plan.rowsMax === 0 ? 1 : shapes[0]![0]!
  deliver(columns, rows, shapes, { plan, target, decoded })
  return null
}
