/**
 * OIP requests with tensors behind the JSON (serving.md §1.7). What a client says before its
 * tensors is mostly what it said the time before, and then it is only compared.
 */

import { isRefusal } from '../../../shared/errors.ts'
import type { DecodeRequest } from '../protocol.ts'
import { readRequest } from './oip-complete.ts'
import { deliverRequest } from './oip-request.ts'

/** Up to here tensors are read in no time: texts take some nanoseconds a byte. */
const QUICK_BYTES_MAX = 64 * 1024

/** `decoded.jsonBytes` is at least 1. */
export const decodeOipBinary: DecodeRequest = (body, plan, target, decoded, onSlow) => {
  const { jsonBytes } = decoded
  // What a compressed body may hold depends on the bytes that were sent.
  const isPlain = decoded.sentBytes < 0
  const known = isPlain ? plan.oipHeaders.find(body, decoded) : null
  if (known === null || body.length > QUICK_BYTES_MAX) onSlow()
  const request = known ?? readRequest(body, plan, decoded)
  if (isRefusal(request)) return request
  if (known === null && isPlain) plan.oipHeaders.keep(body, jsonBytes, request)
  return deliverRequest(request, body.subarray(jsonBytes), { plan, target, decoded })
}
