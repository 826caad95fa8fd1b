/** Every `/predict` body, valid or not: the reference that the fast decoder must equal. */

import { isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import { ELEMENTS_MAX } from '../../shared/tensor.ts'
import { findFault } from '../json/grammar.ts'
import { JsonReader } from '../json/json-reader.ts'
import { pointer, quote } from '../json/pointer.ts'
import { deliver } from './columns.ts'
import type { FeaturesPlan } from './features-plan.ts'
import { FeatureRows, rowPointer } from './features-row.ts'
import { TensorRows } from './features-tensors.ts'
import { BODY_ID_LENGTH_MAX, type Decoded, type RowTarget } from './protocol.ts'
import type { VariantPlan } from './variant-plan.ts'

/**
 * What rows may take in memory: that many times the bytes of the body, or so much in any case. An
 * absent feature costs its place although it took no byte of the body.
 */
const BYTES_PER_BYTE = 8
const ROWS_BYTES_MIN = 16 * 1024 * 1024

const malformed = (detail: string, at?: string): Refusal =>
  refuse('REQUEST_MALFORMED', detail, at === undefined ? undefined : [{ pointer: at, detail }])

/** Offsets of what a body holds; -1: it does not. */
interface Places {
  features: number
  instances: number
}

const KEYS = ['features', 'instances', 'request_id']

const readId = (reader: JsonReader, decoded: Decoded): Refusal | null => {
  const id = reader.isText ? reader.text() : ''
  if (id !== '' && id.length <= BODY_ID_LENGTH_MAX) {
    decoded.bodyId = id
    return null
  }
  const detail = `'request_id' must be a string of 1 to ${BODY_ID_LENGTH_MAX} characters`
  return malformed(detail, '/request_id')
}

const unknownKey = (key: string): Refusal => {
  const near = nearest(key, KEYS)
  const hint = near === null ? '' : `; did you mean '${near}'?`
  return malformed(`Unknown key ${quote(key)}${hint}`, pointer(key))
}

/** Looks over the keys of the body, and takes the id. */
const findPlaces = (reader: JsonReader, decoded: Decoded): Places | Refusal => {
  if (!reader.isObject) return malformed(`The body must be an object, not ${reader.kind}`)
  const places: Places = { features: -1, instances: -1 }
  const refusal = reader.eachEntry((key) => {
    if (key === 'request_id') return readId(reader, decoded)
    if (key !== 'features' && key !== 'instances') return unknownKey(key)
    places[key] = reader.at
    reader.skip()
    return null
  })
  if (refusal !== null) return refusal
  if (places.features >= 0 === places.instances >= 0) {
    return malformed("The body must have either 'features' or 'instances'")
  }
  return places
}

/** Most rows of features that a body of that length may give. */
const rowsMaxOf = ({ rowBytes, widths }: FeaturesPlan, bodyBytes: number): number => {
  const bytesMax = Math.max(ROWS_BYTES_MIN, BYTES_PER_BYTE * bodyBytes)
  const byElements = Math.floor(ELEMENTS_MAX / Math.max(1, ...widths))
  return Math.max(1, Math.min(Math.floor(bytesMax / rowBytes), byElements))
}

type Rows = FeatureRows | TensorRows

const readRow = (reader: JsonReader, rows: Rows, index: number): Refusal | null => {
  if (reader.isObject || reader.isList) return rows.read(index)
  const detail = `wants an object or a list, got ${reader.kind}`
  return refuse('REQUEST_MALFORMED', `A row ${detail}`, [{ pointer: rowPointer(index), detail }])
}

/** Reads all instances; gives how many there are. */
const readInstances = (reader: JsonReader, rows: Rows, plan: VariantPlan): number | Refusal => {
  const at = '/instances'
  if (!reader.isList) return malformed(`'instances' must be a list of rows, got ${reader.kind}`, at)
  let more = reader.open()
  if (!more) return malformed("'instances' must be a list of rows, got none", at)
  const { features } = plan
  const countMax = rowsMaxOf(features, reader.bytes.length)
  let count = 0
  for (; more; more = reader.more()) {
    if (count === 1 && !features.hasRows) {
      const detail = `This model takes one row a request, got ${count + reader.skipRest()}`
      return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: at, detail }])
    }
    if (count === countMax) {
      const detail = `The rows leave out too much: at most ${count} such rows in one request`
      return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: rowPointer(count), detail }])
    }
    const refusal = readRow(reader, rows, count)
    if (refusal !== null) return refusal
    count++
  }
  return count
}

const shapesOf = (rows: Rows, count: number, { signature }: VariantPlan) =>
  rows instanceof FeatureRows
    ? signature.inputs.map(({ shape }) => [count, ...shape.slice(1)])
    : rows.shapes.map((shape) => (count === 1 ? shape : [count, ...shape.slice(1)]))

/** Reads a body into the target where it fits, else into tensors of its own. */
export const decodeComplete = (
  bytes: Uint8Array,
  plan: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
): Refusal | null => {
  const fault = findFault(bytes, plan.jsonDepthMax)
  if (fault !== null) return fault
  const reader = new JsonReader(bytes)
  const places = findPlaces(reader, decoded)
  if (isRefusal(places)) return places
  const rows = new (plan.binding.features.length > 0 ? FeatureRows : TensorRows)(plan, reader)
  const isBatch = places.instances >= 0
  reader.at = isBatch ? places.instances : places.features
  let count = 1
  if (isBatch) {
    const read = readInstances(reader, rows, plan)
    if (typeof read !== 'number') return read
    count = read
  } else {
    const refusal = readRow(reader, rows, -1)
    if (refusal !== null) return refusal
  }
  decoded.isBatch = isBatch
  deliver(rows.columns, count, shapesOf(rows, count, plan), { plan, target, decoded })
  return null
}
