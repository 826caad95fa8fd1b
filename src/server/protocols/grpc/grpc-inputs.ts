/**
 * The inputs of a gRPC request: shape and elements by the signature of the version. Either all of
 * them are raw, in `raw_input_contents` and in the order of the request, or none (serving.md §1.5).
 */

import { isRefusal, type Refusal } from '../../../shared/errors.ts'
import { elementCount, type TensorSignature } from '../../../shared/tensor.ts'
import { quote } from '../../json/pointer.ts'
import { malformed, unknownName } from '../body-faults.ts'
import type { Input } from '../oip/oip-inputs.ts'
import { checkBytes } from '../oip/tensor-bytes.ts'
import {
  checkShape,
  inputTwice,
  missingInput,
  wrongBytes,
  wrongDatatype,
  wrongRank,
} from '../oip/tensor-faults.ts'
import { tooManyTexts } from '../texts.ts'
import type { VariantPlan } from '../variant-plan.ts'
import { readContents } from './grpc-contents.ts'
import { readParameters } from './grpc-parameters.ts'
import {
  damagedMessage,
  field,
  isText,
  LENGTH,
  matches,
  notUtf8,
  readField,
  readVarint,
  textOf,
  VARINT,
  varint,
  WHOLE,
  wrongWireType,
} from './wire.ts'

const INPUT = 'InferInputTensor'
const NAME = 1
const DATATYPE = 2
const SHAPE = 3
const PARAMETERS = 4
const CONTENTS = 5
const NAME_WORDS = 'name of an input'
const DATATYPE_WORDS = 'datatype of an input'

/** Where the messages of a request stand: offset and end of each, one after the other. */
export interface Places {
  readonly inputs: readonly number[]
  /** How many of them count. Of more than the model has inputs, one is wrong. */
  readonly inputCount: number
  readonly raws: readonly number[]
  /** All; only of as many as there may be inputs it is known where they stand. */
  readonly rawCount: number
}

/** Texts that the request may still have, of so many. */
export interface TextsLeft {
  left: number
  readonly max: number
}

/** The fields of the input that was read last: there is one at a time. */
const found = {
  nameFrom: 0,
  nameTo: 0,
  datatypeFrom: 0,
  datatypeTo: 0,
  /** Dimensions; of those, `shape` has as many as any input of the model has. */
  rank: 0,
  shape: [] as number[],
  hasParameters: false,
  hasContents: false,
}

const addDimension = (rankMax: number): void => {
  if (found.rank++ < rankMax) found.shape.push(varint.high === 0 ? varint.low : -1)
}

/** Reads dimensions, packed or one. */
const readShape = (bytes: Uint8Array, rankMax: number): Refusal | null => {
  if (field.type !== VARINT && field.type !== LENGTH) return wrongWireType(INPUT)
  const to = field.to
  for (let at = field.from; at < to; ) {
    at = readVarint(bytes, at, to)
    if (at < 0) return damagedMessage(INPUT)
    addDimension(rankMax)
  }
  return null
}

/** Notes where a field stands that is a text or a message. */
const noteField = (bytes: Uint8Array): Refusal | null => {
  if (field.number > CONTENTS) return null
  if (field.type !== LENGTH) return wrongWireType(INPUT)
  if (field.number === NAME) {
    if (!isText(bytes, found.nameFrom, found.nameTo)) return notUtf8(NAME_WORDS)
    found.nameFrom = field.from
    found.nameTo = field.to
  } else if (field.number === DATATYPE) {
    if (!isText(bytes, found.datatypeFrom, found.datatypeTo)) return notUtf8(DATATYPE_WORDS)
    found.datatypeFrom = field.from
    found.datatypeTo = field.to
  } else if (field.number === PARAMETERS) found.hasParameters = true
  else found.hasContents = true
  return null
}

/** Finds the fields of the input in `from .. to - 1`. */
const readFields = (
  bytes: Uint8Array,
  from: number,
  to: number,
  rankMax: number,
): Refusal | null => {
  found.nameFrom = found.nameTo = found.datatypeFrom = found.datatypeTo = from
  found.rank = 0
  found.shape = []
  found.hasParameters = found.hasContents = false
  for (let at = from; at < to; ) {
    at = readField(bytes, at, to)
    if (at < 0) return damagedMessage(INPUT)
    const refusal = field.number === SHAPE ? readShape(bytes, rankMax) : noteField(bytes)
    if (refusal !== null) return refusal
  }
  return null
}

/** Index in the signature: mostly the same as in the request. */
const indexOf = (
  bytes: Uint8Array,
  position: number,
  { grpc, inputsByName, signature }: VariantPlan,
): number | Refusal => {
  const usual = grpc.inputs[position]
  if (usual !== undefined && matches(bytes, found.nameFrom, found.nameTo, usual.name)) {
    return position
  }
  const name = textOf(bytes, found.nameFrom, found.nameTo)
  if (name === null) return notUtf8(NAME_WORDS)
  if (name === '') return malformed('An input must have a name', WHOLE)
  return inputsByName.get(name) ?? unknownName('INPUT_UNKNOWN', name, signature.inputs, WHOLE)
}

/** What an input says of itself, beside its name, is what the model takes; else why it is not. */
const checkHead = (
  bytes: Uint8Array,
  datatype: Uint8Array,
  signature: TensorSignature,
): Refusal | null => {
  const { datatypeFrom, datatypeTo, shape, rank } = found
  if (!matches(bytes, datatypeFrom, datatypeTo, datatype)) {
    const own = textOf(bytes, datatypeFrom, datatypeTo)
    if (own === null) return notUtf8(DATATYPE_WORDS)
    return wrongDatatype(signature, quote(own), WHOLE)
  }
  if (rank > signature.shape.length) return wrongRank(signature, rank, WHOLE)
  return checkShape(signature, shape, WHOLE)
}

const wrongRawCount = ({ inputCount, rawCount }: Places): Refusal => {
  const expected = `the expected number of raw input contents (${rawCount})`
  return malformed(`the number of inputs (${inputCount}) does not match ${expected}`, WHOLE)
}

/** The raw elements of the input at `position`. */
const readRaw = (
  places: Places,
  position: number,
  { name, datatype }: TensorSignature,
): Input | Refusal => {
  if (found.hasContents) {
    const why = 'contents field must not be specified when using raw_input_contents'
    return malformed(`${why} for ${quote(name)}`, WHOLE)
  }
  if (position >= places.rawCount) return wrongRawCount(places)
  const { shape } = found
  const from = places.raws[2 * position]!
  const to = places.raws[2 * position + 1]!
  const fault = checkBytes(datatype, elementCount(shape), to - from)
  return fault === null ? { shape, column: null, from, to } : wrongBytes(name, shape, fault, WHOLE)
}

/** Counts the texts of an input before they are read. */
const takeTexts = ({ datatype }: TensorSignature, texts: TextsLeft): Refusal | null => {
  if (datatype === 'BYTES') texts.left -= elementCount(found.shape)
  return texts.left < 0 ? tooManyTexts(texts.max) : null
}

/** The typed elements of the input in `from .. to - 1`. */
const readTyped = (
  bytes: Uint8Array,
  from: number,
  to: number,
  signature: TensorSignature,
): Input | Refusal => {
  const own = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return readContents(own, from, to, signature, found.shape)
}

/** Inputs on their way out of a request. */
interface Reading {
  readonly bytes: Uint8Array
  readonly places: Places
  readonly plan: VariantPlan
  readonly texts: TextsLeft
  /** In the order of the signature; those that were read so far. */
  readonly inputs: (Input | undefined)[]
}

/** Reads the input at `position` of the request. */
const readInput = (reading: Reading, position: number): Refusal | null => {
  const { bytes, places, plan, texts, inputs } = reading
  const from = places.inputs[2 * position]!
  const to = places.inputs[2 * position + 1]!
  const fault = readFields(bytes, from, to, plan.grpc.rankMax)
  if (fault !== null) return fault
  const index = indexOf(bytes, position, plan)
  if (typeof index !== 'number') return index
  const signature = plan.signature.inputs[index]!
  if (inputs[index] !== undefined) return inputTwice(signature.name, WHOLE)
  if (found.hasParameters) {
    // None of them means anything here, but what is not supported.
    const parameters = readParameters(bytes, from, to, PARAMETERS)
    if (isRefusal(parameters)) return parameters
  }
  const { datatype } = plan.grpc.inputs[index]!
  const refusal = checkHead(bytes, datatype, signature) ?? takeTexts(signature, texts)
  if (refusal !== null) return refusal
  const isRaw = places.rawCount > 0
  const input = isRaw ? readRaw(places, position, signature) : readTyped(bytes, from, to, signature)
  if ('code' in input) return input
  inputs[index] = input
  return null
}

/** All inputs in the order of the signature. */
export const readInputs = (
  bytes: Uint8Array,
  places: Places,
  plan: VariantPlan,
  texts: TextsLeft,
): Input[] | Refusal => {
  const { inputs: signatures } = plan.signature
  const inputs = new Array<Input | undefined>(signatures.length)
  const reading = { bytes, places, plan, texts, inputs }
  for (let position = 0; position < places.inputCount; position++) {
    const refusal = readInput(reading, position)
    if (refusal !== null) return refusal
  }
  for (let index = 0; index < signatures.length; index++) {
    if (inputs[index] === undefined) return missingInput(signatures[index]!.name)
  }
  return places.rawCount > places.inputCount ? wrongRawCount(places) : (inputs as Input[])
}
