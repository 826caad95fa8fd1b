/** Every OIP request, valid or not: the reference that the fast decoders must equal. */

import { isRefusal, type Refusal } from '../../../shared/errors.ts'
import { findFault } from '../../json/grammar.ts'
import { JsonReader } from '../../json/json-reader.ts'
import { pointer } from '../../json/pointer.ts'
import { malformed } from '../body-faults.ts'
import { rowCount } from '../columns.ts'
import { BODY_ID_LENGTH_MAX, type Decoded, type RowTarget, sentBytesOf } from '../protocol.ts'
import { textsMaxOf } from '../texts.ts'
import type { VariantPlan } from '../variant-plan.ts'
import { findParameters, findPlaces, type Places, readCount, readFlag } from './oip-entries.ts'
import { readInputs } from './oip-inputs.ts'
import { readOutputs } from './oip-outputs.ts'
import { deliverRequest, type OipRequest } from './oip-request.ts'

const BODY_KEYS = new Set(['id', 'parameters', 'inputs', 'outputs'])

const PARAMETERS = ['binary_data_output', 'priority', 'timeout']

const readId = (reader: JsonReader, places: Places, decoded: Decoded): Refusal | null => {
  const place = places.get('id')
  if (place === undefined) return null
  reader.at = place
  const id = reader.isText ? reader.text() : null
  if (id === null || id.length > BODY_ID_LENGTH_MAX) {
    return malformed(
      `'id' must be a string of at most ${BODY_ID_LENGTH_MAX} characters`,
      pointer('id'),
    )
  }
  decoded.bodyId = id
  return null
}

/** What the JSON of a body says. `decoded.bodyId` is set as soon as it is known. */
export const readRequest = (
  bytes: Uint8Array,
  plan: VariantPlan,
  decoded: Decoded,
): OipRequest | Refusal => {
  const { jsonBytes } = decoded
  const json = jsonBytes < 0 ? bytes : bytes.subarray(0, jsonBytes)
  const fault = findFault(json, plan.jsonDepthMax)
  if (fault !== null) return fault
  const reader = new JsonReader(json)
  if (!reader.isObject) return malformed(`The body must be an object, not ${reader.kind}`, '')
  const places = findPlaces(reader, BODY_KEYS)
  if (isRefusal(places)) return places
  const refusal = readId(reader, places, decoded)
  if (refusal !== null) return refusal
  const parameters = findParameters(reader, places, '', PARAMETERS)
  if (isRefusal(parameters)) return parameters
  const isBinaryUsual = readFlag(parameters, 'binary_data_output', false)
  if (typeof isBinaryUsual === 'object') return isBinaryUsual
  const priority = readCount(parameters, 'priority')
  if (typeof priority === 'object') return priority
  const timeoutUs = readCount(parameters, 'timeout')
  if (typeof timeoutUs === 'object') return timeoutUs
  const outputs = readOutputs(reader, places, plan, isBinaryUsual)
  if (outputs !== null && isRefusal(outputs)) return outputs
  const tailBytes = jsonBytes < 0 ? -1 : bytes.length - jsonBytes
  const inputs = readInputs(reader, places.get('inputs'), plan, {
    tailBytes,
    textsMax: textsMaxOf(decoded),
  })
  if (isRefusal(inputs)) return inputs
  const shapes = inputs.map(({ shape }) => shape)
  const rows = rowCount(shapes, plan, sentBytesOf(decoded, bytes))
  if (typeof rows !== 'number') return rows
  const terms = { priority: Math.max(0, priority), timeoutUs: Math.max(0, timeoutUs) }
  return { inputs, rows, outputs, ...terms, idAt: places.get('id') ?? -1 }
}

export const decodeOipComplete = (
  bytes: Uint8Array,
  plan: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
): Refusal | null => {
  const request = readRequest(bytes, plan, decoded)
  if (isRefusal(request)) return request
  const { jsonBytes } = decoded
  const tail = bytes.subarray(jsonBytes < 0 ? bytes.length : jsonBytes)
  return deliverRequest(request, tail, { plan, target, decoded })
}
