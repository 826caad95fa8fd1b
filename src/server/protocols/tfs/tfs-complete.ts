/** Every TensorFlow Serving request, valid or not: the reference for the fast decoder. */

import { isRefusal, type Refusal } from '../../../shared/errors.ts'
import { findFault } from '../../json/grammar.ts'
import { JsonReader } from '../../json/json-reader.ts'
import { pointer, quote } from '../../json/pointer.ts'
import { malformed } from '../body-faults.ts'
import { deliver, rowCount } from '../columns.ts'
import { findContent, readInstances } from '../instances.ts'
import { type Decoded, type RowTarget, sentBytesOf } from '../protocol.ts'
import { type TensorForm, TensorRows } from '../tensor-rows.ts'
import { textsMaxOf } from '../texts.ts'
import type { VariantPlan } from '../variant-plan.ts'

/** The signature that a version has: it knows no other. */
export const SIGNATURE_NAME = 'serving_default'

const [INSTANCES, INPUTS, SIGNATURE] = ['instances', 'inputs', 'signature_name'] as const

/** `instances` gives rows one after another; `inputs` gives whole tensors. */
const ROWS: TensorForm = { root: pointer(INSTANCES), isWhole: false, takesBase64: true }
const WHOLE: TensorForm = { root: pointer(INPUTS), isWhole: true, takesBase64: true }

/** An empty name stands for the usual one, as in TensorFlow Serving. */
const checkSignature = (reader: JsonReader): Refusal | null => {
  const at = pointer(SIGNATURE)
  if (!reader.isText) return malformed(`'${SIGNATURE}' must be a string, got ${reader.kind}`, at)
  const name = reader.text()
  if (name === '' || name === SIGNATURE_NAME) return null
  return malformed(`No signature has the name ${quote(name)}; known: ${SIGNATURE_NAME}`, at)
}

/** Answers in this format have no pointers: the row stands in the text as well. */
const atRow = (refusal: Refusal | null, row: number): Refusal | null =>
  refusal && { ...refusal, detail: `${refusal.detail} (row ${row})` }

/** Reads a body into the target where it fits, else into tensors of its own. */
export const decodeTfsComplete = (
  bytes: Uint8Array,
  plan: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
): Refusal | null => {
  const fault = findFault(bytes, plan.jsonDepthMax)
  if (fault !== null) return fault
  const reader = new JsonReader(bytes)
  const content = findContent(reader, INPUTS, { [SIGNATURE]: () => checkSignature(reader) })
  if (isRefusal(content)) return content
  const { isBatch, at } = content
  const rows = new TensorRows(plan, reader, isBatch ? ROWS : WHOLE, textsMaxOf(decoded))
  reader.at = at
  const count = isBatch
    ? readInstances(reader, plan, (index) => atRow(rows.read(index), index))
    : (rows.read(-1) ?? rowCount(rows.shapes, plan, sentBytesOf(decoded, bytes)))
  if (typeof count !== 'number') return count
  decoded.isBatch = isBatch
  const shapes = isBatch ? rows.shapesFor(count) : rows.shapes
  deliver(rows.columns, count, shapes, { plan, target, decoded })
  return null
}
