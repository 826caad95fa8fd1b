/** `POST /predict`: named or positional features, one row or `instances`. */

import { encodeProblem } from '../problem-json.ts'
import type { DecodeRequest, EncodeError, EncodeResponse } from '../protocol.ts'
import { decodeComplete } from './features-complete.ts'
import { writeAnswer } from './features-encode.ts'
import { decodeFast, type FastPlan } from './features-fast.ts'

export const encodeResponse: EncodeResponse = writeAnswer
export const encodeError: EncodeError = encodeProblem

/** The fast decoder where it is sure, else the complete one; both agree (test/property). */
export const decodeRequest: DecodeRequest = (body, plan, target, decoded, onSlow) => {
  const { features } = plan
  if (features.fast !== null) {
    if (decodeFast(body, features as FastPlan, target, decoded)) return null
    decoded.rows = 0
    decoded.isBatch = false
    decoded.bodyId = null
    decoded.extras = null
  }
  onSlow()
  return decodeComplete(body, plan, target, decoded)
}
