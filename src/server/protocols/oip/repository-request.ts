/** The request of Triton's `POST /v2/repository/index`: nothing, or `{"ready": boolean}`. */

import { type Refusal, refuse } from '../../../shared/errors.ts'
import { type ForwardedCall, forwardedCall } from '../../../shared/forwarded-call.ts'
import { findFault } from '../../json/grammar.ts'
import { JsonReader } from '../../json/json-reader.ts'

/** No sound request comes near, and to check more would hold up the predictions of the thread. */
const BODY_BYTES_MAX = 64 * 1024

/** Other keys are passed over, as Triton does. */
export const readIndexRequest = (
  body: Uint8Array,
  jsonDepthMax: number,
): ForwardedCall | Refusal => {
  if (body.length === 0) return forwardedCall('repository_index', { ready: false })
  if (body.length > BODY_BYTES_MAX) {
    return refuse('BODY_TOO_LARGE', `The body may have ${BODY_BYTES_MAX} bytes here`)
  }
  const fault = findFault(body, jsonDepthMax)
  if (fault !== null) return fault
  const reader = new JsonReader(body)
  if (!reader.isObject) {
    return refuse('REQUEST_MALFORMED', `The body must be an object, and is ${reader.kind}`)
  }
  let ready = false
  const refusal = reader.eachEntry((key) => {
    if (key !== 'ready') return reader.ignore()
    if (!reader.isBoolean) {
      return refuse('REQUEST_MALFORMED', "Invalid value for 'ready': expected a boolean")
    }
    ready = reader.boolean()
    return null
  })
  return refusal ?? forwardedCall('repository_index', { ready })
}
