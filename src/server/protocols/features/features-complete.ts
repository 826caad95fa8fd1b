/** Every `/predict` body, valid or not: the reference that the fast decoder must equal. */

import { isRefusal, type Refusal, refuse } from '../../../shared/errors.ts'
import { ELEMENTS_MAX } from '../../../shared/tensor.ts'
import { findFault } from '../../json/grammar.ts'
import { JsonReader } from '../../json/json-reader.ts'
import { malformed } from '../body-faults.ts'
import { deliver } from '../columns.ts'
import { findContent, readInstances } from '../instances.ts'
import { BODY_ID_LENGTH_MAX, type Decoded, type RowTarget, sentBytesOf } from '../protocol.ts'
import { PREDICT_ROWS, TensorRows } from '../tensor-rows.ts'
import { textsMaxOf } from '../texts.ts'
import type { VariantPlan } from '../variant-plan.ts'
import type { FeaturesPlan } from './features-plan.ts'
import { FeatureRows, rowPointer } from './features-row.ts'

/**
 * What rows may take in memory: an absent feature costs its place although it took no byte of the
 * body. While columns grow they take three times as much, and all that a request takes must stay
 * below 100 times the bytes that were sent; where those are many, far below.
 */
const FREE_BYTES = 64 * 1024
const TIMES_MAX = 32
const LARGE_BYTES = 16 * 1024 * 1024
const TIMES_LARGE = 8

const rowsBytesMax = (sentBytes: number): number =>
  Math.min(FREE_BYTES + TIMES_MAX * sentBytes, Math.max(LARGE_BYTES, TIMES_LARGE * sentBytes))

const readId = (reader: JsonReader, decoded: Decoded): Refusal | null => {
  const id = reader.isText ? reader.text() : ''
  if (id !== '' && id.length <= BODY_ID_LENGTH_MAX) {
    decoded.bodyId = id
    return null
  }
  const detail = `'request_id' must be a string of 1 to ${BODY_ID_LENGTH_MAX} characters`
  return malformed(detail, '/request_id')
}

/** Most rows of features that a body of which so much was sent may give. */
const rowsMaxOf = (
  { rowBytes, rowTexts, widths }: FeaturesPlan,
  sentBytes: number,
  textsMax: number,
): number => {
  const bytesMax = rowsBytesMax(sentBytes)
  const byTexts = Math.floor(textsMax / rowTexts)
  const byElements = Math.floor(ELEMENTS_MAX / Math.max(1, ...widths))
  return Math.max(1, Math.min(Math.floor(bytesMax / rowBytes), byElements, byTexts))
}

type Rows = FeatureRows | TensorRows

const readRow = (reader: JsonReader, rows: Rows, index: number): Refusal | null => {
  if (reader.isObject || reader.isList) return rows.read(index)
  const detail = `wants an object or a list, got ${reader.kind}`
  return refuse('REQUEST_MALFORMED', `A row ${detail}`, [{ pointer: rowPointer(index), detail }])
}

const shapesOf = (rows: Rows, count: number, { signature }: VariantPlan) =>
  rows instanceof FeatureRows
    ? signature.inputs.map(({ shape }) => [count, ...shape.slice(1)])
    : rows.shapesFor(count)

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
  const content = findContent(reader, 'features', { request_id: () => readId(reader, decoded) })
  if (isRefusal(content)) return content
  const rows: Rows =
    plan.binding.features.length > 0
      ? new FeatureRows(plan, reader)
      : new TensorRows(plan, reader, PREDICT_ROWS, textsMaxOf(decoded))
  const { isBatch, at } = content
  reader.at = at
  let count = 1
  if (isBatch) {
    const countMax = rowsMaxOf(plan.features, sentBytesOf(decoded, bytes), textsMaxOf(decoded))
    const read = readInstances(reader, plan, (index) => readRow(reader, rows, index), countMax)
    if (typeof read !== 'number') return read
    count = read
  } else {
    const refusal = readRow(reader, rows, -1)
    if (refusal !== null) return refusal
  }
  decoded.isBatch = isBatch
  if (rows instanceof FeatureRows) decoded.extras = rows.extras
  deliver(rows.columns, count, shapesOf(rows, count, plan), { plan, target, decoded })
  return null
}
