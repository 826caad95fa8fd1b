/**
 * Open Inference Protocol v2 over HTTP: `POST /v2/models/{m}[/versions/{v}]/infer`. Source:
 * kserve/open-inference-protocol, specification/protocol/inference_rest.md, and Triton's extensions
 * binary_tensor_data and classification; where they are silent, Triton's behaviour (serving.md §1).
 */

import { encodeErrorText } from '../error-json.ts'
import type { DecodeRequest, EncodeResponse } from '../protocol.ts'
import { encodeOipAnswer } from './oip-answer.ts'
import { decodeOipBinary } from './oip-binary.ts'
import { decodeOipComplete } from './oip-complete.ts'
import { decodeOipFast } from './oip-fast.ts'
import { decodeOipRaw } from './oip-raw.ts'

export const decodeRequest: DecodeRequest = (body, plan, target, decoded, onSlow) => {
  decoded.isBatch = true
  const { jsonBytes } = decoded
  if (jsonBytes === 0) return decodeOipRaw(body, { plan, target, decoded })
  if (jsonBytes > 0) return decodeOipBinary(body, plan, target, decoded, onSlow)
  if (plan.oip !== null) {
    if (decodeOipFast(body, plan.oip, target, decoded)) return null
    decoded.rows = 0
    decoded.bodyId = null
  }
  onSlow()
  return decodeOipComplete(body, plan, target, decoded)
}

/** `id` is the body's own, and absent where the body had none. */
export const encodeResponse: EncodeResponse = encodeOipAnswer

export const encodeError = encodeErrorText
