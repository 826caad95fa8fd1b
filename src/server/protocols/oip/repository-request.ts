/** The requests of Triton's repository extension: index, load and unload. */

import { type Refusal, refuse } from '../../../shared/errors.ts'
import { type ForwardedCall, forwardedCall } from '../../../shared/forwarded-call.ts'
import { findFault } from '../../json/grammar.ts'
import { JsonReader } from '../../json/json-reader.ts'
import { quote } from '../../json/pointer.ts'

/** No sound request comes near, and to check more would hold up the predictions of the thread. */
const BODY_BYTES_MAX = 64 * 1024

/** Reads a body that is an object or nothing; `onKey` reads one value, or says what is wrong. */
const readObject = (
  body: Uint8Array,
  jsonDepthMax: number,
  onKey: (key: string, reader: JsonReader) => Refusal | null,
): Refusal | null => {
  if (body.length === 0) return null
  if (body.length > BODY_BYTES_MAX) {
    return refuse('BODY_TOO_LARGE', `The body may have ${BODY_BYTES_MAX} bytes here`)
  }
  const fault = findFault(body, jsonDepthMax)
  if (fault !== null) return fault
  const reader = new JsonReader(body)
  if (!reader.isObject) {
    return refuse('REQUEST_MALFORMED', `The body must be an object, and is ${reader.kind}`)
  }
  return reader.eachEntry((key) => onKey(key, reader))
}

/** `POST /v2/repository/index`: nothing, or `{"ready": boolean}`. Triton passes over other keys. */
export const readIndexRequest = (
  body: Uint8Array,
  jsonDepthMax: number,
): ForwardedCall | Refusal => {
  let ready = false
  const refusal = readObject(body, jsonDepthMax, (key, reader) => {
    if (key !== 'ready') return reader.ignore()
    if (!reader.isBoolean) {
      return refuse('REQUEST_MALFORMED', "Invalid value for 'ready': expected a boolean")
    }
    ready = reader.boolean()
    return null
  })
  return refusal ?? forwardedCall('repository_index', { ready })
}

/** Reads `{"parameters": {...}}`, of which `onParameter` reads each value. */
const readParameters = (
  body: Uint8Array,
  jsonDepthMax: number,
  onParameter: (name: string, reader: JsonReader) => Refusal | null,
): Refusal | null =>
  readObject(body, jsonDepthMax, (key, reader) => {
    if (key !== 'parameters') return reader.ignore()
    if (!reader.isObject) {
      return refuse('REQUEST_MALFORMED', `'parameters' must be an object, and is ${reader.kind}`)
    }
    return reader.eachEntry((name) => onParameter(name, reader))
  })

/**
 * `POST /v2/repository/models/{m}/load`: nothing, or parameters, of which none is supported. What
 * Triton takes there replaces the files of the model; here they are changed on disk.
 */
export const readLoadRequest = (
  model: string,
  body: Uint8Array,
  jsonDepthMax: number,
): ForwardedCall | Refusal => {
  const refusal = readParameters(body, jsonDepthMax, (name) => {
    if (name !== 'config' && !name.startsWith('file:')) {
      return refuse('REQUEST_MALFORMED', `A load has no parameter ${quote(name)}`)
    }
    const detail = 'This server loads what lies in the repository, and takes no files or config'
    return refuse('NOT_IMPLEMENTED', `${detail} by request`)
  })
  return refusal ?? forwardedCall('model_load', { model })
}

/**
 * `POST /v2/repository/models/{m}/unload`: nothing, or `{"parameters": {"unload_dependents":
 * boolean}}`: no model here depends on another.
 */
export const readUnloadRequest = (
  model: string,
  body: Uint8Array,
  jsonDepthMax: number,
): ForwardedCall | Refusal => {
  const refusal = readParameters(body, jsonDepthMax, (name, reader) => {
    if (name !== 'unload_dependents') {
      return refuse('REQUEST_MALFORMED', `An unload has no parameter ${quote(name)}`)
    }
    if (!reader.isBoolean) {
      const detail = "Invalid value for 'unload_dependents': expected a boolean"
      return refuse('REQUEST_MALFORMED', detail)
    }
    reader.boolean()
    return null
  })
  return refusal ?? forwardedCall('model_unload', { model })
}
