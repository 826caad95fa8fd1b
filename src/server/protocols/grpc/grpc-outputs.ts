/** The outputs that a gRPC request asks for: in the form that its inputs have. */

import { isRefusal, type Refusal } from '../../../shared/errors.ts'
import { malformed } from '../body-faults.ts'
import { askFor, outputTwice } from '../oip/oip-outputs.ts'
import type { AskedOutput } from '../protocol.ts'
import type { VariantPlan } from '../variant-plan.ts'
import { countOf, NO_PARAMETERS, readParameters } from './grpc-parameters.ts'
import {
  damagedMessage,
  field,
  isText,
  LENGTH,
  matches,
  notUtf8,
  readField,
  textOf,
  WHOLE,
  wrongWireType,
} from './wire.ts'

const OUTPUT = 'InferRequestedOutputTensor'
const NAME = 1
const PARAMETERS = 2
const NAME_WORDS = 'name of an output'

/** The fields of the output that was read last: there is one at a time. */
const found = { nameFrom: 0, nameTo: 0, hasParameters: false }

const readFields = (bytes: Uint8Array, from: number, to: number): Refusal | null => {
  found.nameFrom = found.nameTo = from
  found.hasParameters = false
  for (let at = from; at < to; ) {
    at = readField(bytes, at, to)
    if (at < 0) return damagedMessage(OUTPUT)
    if (field.number > PARAMETERS) continue
    if (field.type !== LENGTH) return wrongWireType(OUTPUT)
    if (field.number === NAME) {
      if (!isText(bytes, found.nameFrom, found.nameTo)) return notUtf8(NAME_WORDS)
      found.nameFrom = field.from
      found.nameTo = field.to
    } else found.hasParameters = true
  }
  return null
}

/** The output in `from .. to - 1`, whose fields are found. */
const readOutput = (
  bytes: Uint8Array,
  from: number,
  to: number,
  { signature }: VariantPlan,
  isBinary: boolean,
): AskedOutput | Refusal => {
  const name = textOf(bytes, found.nameFrom, found.nameTo)
  if (name === null) return notUtf8(NAME_WORDS)
  if (name === '') return malformed('An output must have a name', WHOLE)
  const parameters = found.hasParameters
    ? readParameters(bytes, from, to, PARAMETERS)
    : NO_PARAMETERS
  if (isRefusal(parameters)) return parameters
  const classes = countOf(parameters, 'classification')
  if (typeof classes === 'object') return classes
  return askFor(signature, name, { isBinary, classes }, { at: WHOLE, place: WHOLE })
}

/** Whether the output whose fields are found is that one, and nothing else is said of it. */
const isUsual = (bytes: Uint8Array, name: Uint8Array | undefined): boolean =>
  name !== undefined && !found.hasParameters && matches(bytes, found.nameFrom, found.nameTo, name)

/**
 * What is asked for, in its order; null: all of them, not as bytes.
 *
 * @param places offsets of the messages, and of their ends
 * @param count of messages; more than the model has outputs are not looked at
 */
export const readOutputs = (
  bytes: Uint8Array,
  places: readonly number[],
  count: number,
  plan: VariantPlan,
  isBinary: boolean,
): readonly AskedOutput[] | null | Refusal => {
  const { outputs: names, raw } = plan.grpc
  const all = isBinary ? raw : plan.oipAnswer.all
  if (count === 0) return isBinary ? raw : null
  // Clients ask for outputs in the order of the model: then there is nothing to make.
  let asked: AskedOutput[] | null = null
  for (let position = 0; position < count; position++) {
    const from = places[2 * position]!
    const to = places[2 * position + 1]!
    const refusal = readFields(bytes, from, to)
    if (refusal !== null) return refusal
    if (asked === null && isUsual(bytes, names[position])) continue
    asked ??= all.slice(0, position)
    const output = readOutput(bytes, from, to, plan, isBinary)
    if (isRefusal(output)) return output
    const { index } = output
    if (asked.some((other) => other.index === index)) {
      return outputTwice(plan.signature.outputs[index]!.name, WHOLE)
    }
    asked.push(output)
  }
  return asked ?? (count === all.length ? all : all.slice(0, count))
}
