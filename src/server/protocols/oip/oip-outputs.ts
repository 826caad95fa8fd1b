/** The outputs that an OIP request asks for, and in which form. */

import { isRefusal, type Refusal, refuse } from '../../../shared/errors.ts'
import type { Signature } from '../../../shared/tensor.ts'
import type { JsonReader } from '../../json/json-reader.ts'
import { pointer, quote } from '../../json/pointer.ts'
import { malformed, unknownName } from '../body-faults.ts'
import type { AskedOutput } from '../protocol.ts'
import type { VariantPlan } from '../variant-plan.ts'
import {
  type Entry,
  findParameters,
  type Places,
  readCount,
  readEntry,
  readFlag,
} from './oip-entries.ts'

const OUTPUT_KEYS = new Set(['name', 'parameters'])
const OUTPUT_PARAMETERS = ['binary_data', 'classification']

/** Triton's limit. */
export const CLASSES_MAX = 1_000_000

/** All outputs as bytes. */
export const allBinary = ({ signature }: VariantPlan): AskedOutput[] =>
  signature.outputs.map((_, index) => ({ index, isBinary: true, classes: 0 }))

/**
 * An output that a request names. `classes`: its parameter `classification`, below 1 where it has
 * none; `at`, `place`: of the entry and of that parameter.
 */
export const askFor = (
  { outputs }: Signature,
  name: string,
  { isBinary, classes }: Pick<AskedOutput, 'isBinary' | 'classes'>,
  { at, place }: { readonly at: string; readonly place: string },
): AskedOutput | Refusal => {
  const index = outputs.findIndex((output) => output.name === name)
  if (index < 0) return unknownName('OUTPUT_UNKNOWN', name, outputs, at)
  if (classes > CLASSES_MAX) {
    return malformed(`'classification' must be at most ${CLASSES_MAX}`, place)
  }
  if (classes > 0 && outputs[index]!.datatype === 'BYTES') {
    const detail = `class result not available for output ${quote(name)} due to unsupported type 'BYTES'`
    return refuse('TENSOR_DATATYPE_MISMATCH', detail, [{ pointer: place, detail }])
  }
  return { index, isBinary, classes: Math.max(0, classes) }
}

export const outputTwice = (name: string, at: string): Refusal => {
  const detail = `output ${quote(name)} already exists in request`
  return refuse('OUTPUT_UNKNOWN', detail, [{ pointer: at, detail }])
}

const readOutput = (
  reader: JsonReader,
  { name, places }: Entry,
  { signature }: VariantPlan,
  isBinaryUsual: boolean,
  at: string,
): AskedOutput | Refusal => {
  const parameters = findParameters(reader, places, at, OUTPUT_PARAMETERS)
  if (isRefusal(parameters)) return parameters
  const isBinary = readFlag(parameters, 'binary_data', isBinaryUsual)
  if (typeof isBinary === 'object') return isBinary
  const classes = readCount(parameters, 'classification')
  if (typeof classes === 'object') return classes
  const place = parameters.at + pointer('classification')
  return askFor(signature, name, { isBinary, classes }, { at, place })
}

/**
 * What is asked for, in its order; null: all, as JSON. The reader may stand anywhere.
 *
 * @param isBinaryUsual `binary_data_output` of the request: for those that say nothing themselves
 */
export const readOutputs = (
  reader: JsonReader,
  body: Places,
  plan: VariantPlan,
  isBinaryUsual: boolean,
): readonly AskedOutput[] | null | Refusal => {
  const place = body.get('outputs')
  const all = isBinaryUsual ? allBinary(plan) : null
  if (place === undefined) return all
  reader.at = place
  if (!reader.isList) return malformed("'outputs' must be a list", pointer('outputs'))
  const asked = new Map<number, AskedOutput>()
  let position = 0
  for (let more = reader.open(); more; more = reader.more()) {
    const at = pointer('outputs', position++)
    const entry = readEntry(reader, OUTPUT_KEYS, 'An output', at)
    if (isRefusal(entry)) return entry
    const end = reader.at
    const output = readOutput(reader, entry, plan, isBinaryUsual, at)
    if (isRefusal(output)) return output
    if (asked.has(output.index)) return outputTwice(entry.name, at)
    reader.at = end
    asked.set(output.index, output)
  }
  return asked.size === 0 ? all : [...asked.values()]
}
