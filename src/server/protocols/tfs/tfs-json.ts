/**
 * TensorFlow Serving's REST format: `POST /v1/models/{m}[/versions/{v}]:predict`. Source:
 * tensorflow/serving, g3doc/api_rest.md; where it is silent, util/json_tensor.cc. Ours differs in
 * this: NaN and infinities are refused both ways, as JSON has none; keys of the body that nobody
 * reads are refused; and a row may be given as `/predict` takes it.
 */

import { encodeErrorText } from '../error-json.ts'
import type { DecodeRequest, EncodeResponse } from '../protocol.ts'
import { decodeTfsComplete } from './tfs-complete.ts'
import { writeTfsAnswer } from './tfs-encode.ts'
import { decodeTfsFast } from './tfs-fast.ts'

export const encodeResponse: EncodeResponse = writeTfsAnswer
export const encodeError = encodeErrorText

/** The fast decoder where it is sure, else the complete one; both agree (test/property). */
export const decodeRequest: DecodeRequest = (body, plan, target, decoded, onSlow) => {
  if (plan.oip !== null) {
    if (decodeTfsFast(body, plan.oip, target, decoded)) return null
    decoded.rows = 0
    decoded.isBatch = false
  }
  onSlow()
  return decodeTfsComplete(body, plan, target, decoded)
}
