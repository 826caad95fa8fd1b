/**
 * The usual TensorFlow Serving request, from bytes straight into the batch: one FP32 or FP64 input
 * whose rows are lists, as `instances` or `inputs`. Not sure: the complete decoder reads it again.
 */

import { numberPlace as place, readRows, rowsRead } from '../../json/number-list.ts'
import {
  after,
  endsAsObject,
  matches,
  NOT_SURE,
  quoted,
  skipBlanks,
} from '../../json/text-scanner.ts'
import type { OipPlan } from '../oip/oip-plan.ts'
import type { Decoded, RowTarget } from '../protocol.ts'
import { SIGNATURE_NAME } from './tfs-complete.ts'

const INSTANCES = quoted('instances')
const INPUTS = quoted('inputs')
const SIGNATURE = quoted('signature_name')
const SERVING_DEFAULT = quoted(SIGNATURE_NAME)

/** Reads `[[...], ...]`; the offset behind it, or NOT_SURE. */
const readMatrix = (
  bytes: Uint8Array,
  from: number,
  { stride, magnitudeMax }: OipPlan,
  target: RowTarget,
): number => {
  if (from < 0) return NOT_SURE
  place.column = target.columns[0] as Float32Array
  place.base = target.row * stride
  place.count = stride
  place.magnitudeMax = magnitudeMax
  return readRows(bytes, from, place, target.room)
}

/** True when the body was read into the target; false when the complete decoder must look at it. */
export const decodeTfsFast = (
  bytes: Uint8Array,
  plan: OipPlan,
  target: RowTarget,
  decoded: Decoded,
): boolean => {
  if (plan.inner.length !== 1 || target.room < 1 || !endsAsObject(bytes)) return false
  let at = after(bytes, 0, 0x7b)
  let isSigned = false
  while (at >= 0) {
    const isRows = matches(bytes, at, INSTANCES)
    if (isRows || matches(bytes, at, INPUTS)) {
      if (decoded.rows > 0) return false
      const value = after(bytes, at + (isRows ? INSTANCES : INPUTS).length, 0x3a)
      at = readMatrix(bytes, value, plan, target)
      decoded.rows = rowsRead
      decoded.isBatch = isRows
    } else {
      if (isSigned || !matches(bytes, at, SIGNATURE)) return false
      isSigned = true
      at = after(bytes, at + SIGNATURE.length, 0x3a)
      at = at >= 0 && matches(bytes, at, SERVING_DEFAULT) ? at + SERVING_DEFAULT.length : NOT_SURE
    }
    if (at < 0) return false
    at = skipBlanks(bytes, at)
    if (bytes[at] === 0x7d) break
    at = after(bytes, at, 0x2c)
  }
  return at >= 0 && decoded.rows > 0 && skipBlanks(bytes, at + 1) === bytes.length
}
