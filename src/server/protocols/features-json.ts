/** `POST /predict`: named or positional features, one row or `instances`. */

import type { Refusal } from '../../shared/errors.ts'
import { decodeComplete } from './features-complete.ts'
import { writeAnswer } from './features-encode.ts'
import { decodeFast, type FastPlan } from './features-fast.ts'
import { featuresPlan } from './features-plan.ts'
import { encodeProblem } from './problem-json.ts'
import type { Decoded, EncodeError, EncodeResponse, RowTarget, VariantPlan } from './protocol.ts'

export const encodeResponse: EncodeResponse = writeAnswer
export const encodeError: EncodeError = encodeProblem

/** The fast decoder where it is sure, else the complete one; both agree (test/property). */
export const decodeRequest = (
  body: Uint8Array,
  plan: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
): Refusal | null => {
  const compiled = featuresPlan(plan)
  if (compiled.fast !== null) {
    if (decodeFast(body, compiled as FastPlan, target, decoded)) return null
    decoded.rowsInPlace = 0
    decoded.isBatch = false
    decoded.requestId = ''
  }
  return decodeComplete(body, plan, compiled, target, decoded)
}
