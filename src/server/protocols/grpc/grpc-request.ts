/**
 * A ModelInferRequest, from its bytes straight into the batch. It is read in two steps: first where
 * its parts stand, as their order says nothing, then what they say, as it is read over HTTP.
 */

import { isRefusal, type Refusal } from '../../../shared/errors.ts'
import { malformed } from '../body-faults.ts'
import { rowCount } from '../columns.ts'
import { deliverRequest } from '../oip/oip-request.ts'
import { BODY_ID_LENGTH_MAX, type Decoded, type DecodeRequest, sentBytesOf } from '../protocol.ts'
import { textsMaxOf } from '../texts.ts'
import type { VariantPlan } from '../variant-plan.ts'
import { readInputs } from './grpc-inputs.ts'
import { readOutputs } from './grpc-outputs.ts'
import { countOf, readParameters } from './grpc-parameters.ts'
import {
  damagedMessage,
  field,
  isText,
  LENGTH,
  notUtf8,
  readField,
  textOf,
  WHOLE,
  wrongWireType,
} from './wire.ts'

export const REQUEST = 'ModelInferRequest'
const MODEL_VERSION = 2
const ID = 3
const PARAMETERS = 4
const INPUTS = 5
const OUTPUTS = 6
const RAW = 7
const ID_WORDS = "field 'id'"

/** Up to here a request is read in no time: texts take some nanoseconds a byte. */
const QUICK_BYTES_MAX = 64 * 1024

/** Where the parts of the request that is read stand: there is one at a time. */
const parts = {
  idFrom: 0,
  idTo: 0,
  hasParameters: false,
  /** Offsets and ends of the messages, one after the other; as many count as is said. */
  inputs: [] as number[],
  inputCount: 0,
  outputs: [] as number[],
  outputCount: 0,
  raws: [] as number[],
  rawCount: 0,
}

/** Notes one more part, unless there are more of its kind than can be right. */
const note = (places: number[], count: number, countMax: number): number => {
  if (count > countMax) return count
  places[2 * count] = field.from
  places[2 * count + 1] = field.to
  return count + 1
}

/** Finds the parts of a request. One input or output more than there are is enough to refuse it. */
const findParts = (bytes: Uint8Array, { signature }: VariantPlan): Refusal | null => {
  parts.idFrom = parts.idTo = parts.inputCount = parts.outputCount = parts.rawCount = 0
  parts.hasParameters = false
  for (let at = 0; at < bytes.length; ) {
    at = readField(bytes, at, bytes.length)
    if (at < 0) return damagedMessage(REQUEST)
    if (field.number > RAW) continue
    if (field.type !== LENGTH) return wrongWireType(REQUEST)
    if (field.number === RAW) {
      parts.rawCount = note(parts.raws, parts.rawCount, signature.inputs.length)
    } else if (field.number === INPUTS) {
      parts.inputCount = note(parts.inputs, parts.inputCount, signature.inputs.length)
    } else if (field.number === OUTPUTS) {
      parts.outputCount = note(parts.outputs, parts.outputCount, signature.outputs.length)
    } else if (field.number === ID) {
      if (!isText(bytes, parts.idFrom, parts.idTo)) return notUtf8(ID_WORDS)
      parts.idFrom = field.from
      parts.idTo = field.to
    } else if (field.number === PARAMETERS) parts.hasParameters = true
    else if (field.number <= MODEL_VERSION && !isText(bytes, field.from, field.to)) {
      return notUtf8('name or version of the model')
    }
  }
  return null
}

/** The id of the request, if it has one: an empty one is none, as everywhere in protobuf. */
const readId = (bytes: Uint8Array, decoded: Decoded): Refusal | null => {
  const { idFrom, idTo } = parts
  if (idTo === idFrom) return null
  const id = textOf(bytes, idFrom, idTo)
  if (id === null) return notUtf8(ID_WORDS)
  if (id.length > BODY_ID_LENGTH_MAX) {
    return malformed(`'id' must be a string of at most ${BODY_ID_LENGTH_MAX} characters`, WHOLE)
  }
  decoded.bodyId = id
  return null
}

/** What the request says of its waiting. */
interface Terms {
  readonly priority: number
  readonly timeoutUs: number
}

const NO_TERMS: Terms = { priority: 0, timeoutUs: 0 }

const readTerms = (bytes: Uint8Array): Terms | Refusal => {
  const parameters = readParameters(bytes, 0, bytes.length, PARAMETERS)
  if (isRefusal(parameters)) return parameters
  const priority = countOf(parameters, 'priority')
  if (typeof priority === 'object') return priority
  const timeoutUs = countOf(parameters, 'timeout')
  if (typeof timeoutUs === 'object') return timeoutUs
  return { priority: Math.max(0, priority), timeoutUs: Math.max(0, timeoutUs) }
}

export const decodeGrpc: DecodeRequest = (body, plan, target, decoded, onSlow) => {
  decoded.isBatch = true
  if (body.length > QUICK_BYTES_MAX) onSlow()
  const refusal = findParts(body, plan) ?? readId(body, decoded)
  if (refusal !== null) return refusal
  const terms = parts.hasParameters ? readTerms(body) : NO_TERMS
  if ('code' in terms) return terms
  const { outputs: places, outputCount } = parts
  const outputs = readOutputs(body, places, outputCount, plan, parts.rawCount > 0)
  if (outputs !== null && !Array.isArray(outputs)) return outputs as Refusal
  const max = textsMaxOf(decoded)
  const inputs = readInputs(body, parts, plan, { left: max, max })
  if (!Array.isArray(inputs)) return inputs
  const shapes = inputs.map(({ shape }) => shape)
  const rows = rowCount(shapes, plan, sentBytesOf(decoded, body))
  if (typeof rows !== 'number') return rows
  const { priority, timeoutUs } = terms
  const request = { inputs, rows, outputs, priority, timeoutUs, idAt: -1 }
  return deliverRequest(request, body, { plan, target, decoded })
}
