/**
 * The inputs of an OIP request: shape and data by the signature of the version. The data stand in
 * the JSON, or their size does, and they behind it (serving.md §1.7).
 */

import { isRefusal, type Refusal } from '../../../shared/errors.ts'
import { elementCount, formatShape, type TensorSignature } from '../../../shared/tensor.ts'
import type { JsonReader } from '../../json/json-reader.ts'
import { pointer, quote } from '../../json/pointer.ts'
import { malformed, unknownName } from '../body-faults.ts'
import { Column } from '../columns.ts'
import { isMisfit, readElement, refuseAt } from '../element.ts'
import { readNested } from '../nested.ts'
import { tooManyTexts } from '../texts.ts'
import type { VariantPlan } from '../variant-plan.ts'
import { findParameters, NOWHERE, type Places, readCount, readEntry } from './oip-entries.ts'
import { checkBytes } from './tensor-bytes.ts'
import {
  checkShape,
  inputTwice,
  missingInput,
  wrongBytes,
  wrongCount,
  wrongDatatype,
  wrongNesting,
  wrongRank,
} from './tensor-faults.ts'

const INPUT_KEYS = new Set(['name', 'shape', 'datatype', 'parameters', 'data'])

/** An entry for a known input: where its values are, and its own pointer. */
interface Given {
  readonly reader: JsonReader
  readonly places: Places
  readonly signature: TensorSignature
  readonly at: string
  readonly tail: Tail
}

/** What stands behind the JSON of a body. */
export interface Tail {
  /** Name of the model, for messages. */
  readonly model: string
  /** How much there is; -1 where the request says that its body is JSON alone. */
  readonly bytes: number
  /** How much of it has been named so far. */
  named: number
  /** Texts that the request may still have, of so many. */
  textsLeft: number
  readonly textsMax: number
}

export interface Input {
  readonly shape: readonly number[]
  /** The elements; null where they lie as bytes. */
  readonly column: Pick<Column, 'take' | 'copyTo'> | null
  /** Those of a binary input: the bytes `from .. to - 1` behind the JSON, or of a gRPC message. */
  readonly from: number
  readonly to: number
}

/** Goes to the value of `key`; whether there is one. */
const goTo = ({ reader, places }: Given, key: string): boolean => {
  reader.at = places.get(key) ?? NOWHERE
  return reader.at !== NOWHERE
}

const readShape = (given: Given): number[] | Refusal => {
  const { reader, signature } = given
  const at = given.at + pointer('shape')
  if (!goTo(given, 'shape') || !reader.isList) {
    return malformed(`Input ${quote(signature.name)} needs a shape`, at)
  }
  const shape: number[] = []
  for (let more = reader.open(); more; more = reader.more()) {
    if (shape.length === signature.shape.length) {
      return wrongRank(signature, shape.length + reader.skipRest(), at)
    }
    const size = readElement(reader, 'UINT32')
    shape.push(isMisfit(size) ? -1 : Number(size))
  }
  return checkShape(signature, shape, at) ?? shape
}

/** `/inputs/0/data/3`, or with an index for each axis where the data are nested. */
const placeOf = (index: number, sizes: readonly number[], at: string): string => {
  const indices: number[] = []
  let rest = index
  for (const size of sizes.toReversed()) {
    indices.unshift(rest % size)
    rest = Math.floor(rest / size)
  }
  return at + pointer(...indices)
}

/** Lists of a tensor without elements end where a size is 0. */
const isNestedAs = (sizes: readonly number[], shape: readonly number[]): boolean => {
  const end = shape.indexOf(0) + 1
  return formatShape(sizes) === formatShape(end > 0 ? shape.slice(0, end) : shape)
}

/** Reads flat data, or data nested exactly as the shape says. */
const readData = (given: Given, shape: readonly number[]): Column | Refusal => {
  const { reader, signature } = given
  const { name, datatype } = signature
  const at = given.at + pointer('data')
  if (!goTo(given, 'data') || (!reader.isList && shape.length > 0)) {
    return malformed(`Input ${quote(name)} needs a list 'data'`, at)
  }
  const column = new Column(datatype)
  const wanted = elementCount(shape)
  const { sizes, count, misfit, misfitIndex } = readNested(reader, column, wanted)
  if (sizes === null || (sizes.length !== 1 && !isNestedAs(sizes, shape))) {
    const got = sizes === null ? 'lists of different lengths' : formatShape(sizes)
    return wrongNesting(name, shape, got, at)
  }
  if (count !== wanted) return wrongCount(name, shape, count, at)
  if (misfit === null) return column
  const place = placeOf(misfitIndex, sizes, at)
  return refuseAt(`Element ${misfitIndex} of input ${quote(name)}`, misfit, place)
}

/** Counts the texts of an input before they are read. */
const takeTexts = ({ signature, tail }: Given, shape: readonly number[]): Refusal | null => {
  if (signature.datatype === 'BYTES') tail.textsLeft -= elementCount(shape)
  return tail.textsLeft < 0 ? tooManyTexts(tail.textsMax) : null
}

/** Takes the bytes of an input out of the tail, in the order of the JSON. */
const readBinary = (given: Given, shape: readonly number[], size: number): Input | Refusal => {
  const { signature, tail, places } = given
  const at = given.at + pointer('parameters', 'binary_data_size')
  const name = quote(signature.name)
  if (places.has('data')) {
    return malformed(`Input ${name} has both 'data' and 'binary_data_size'`, at)
  }
  const from = tail.named
  const missing = from + size - Math.max(0, tail.bytes)
  if (missing > 0) {
    const wanted = `unexpected size for input ${name}, expecting ${missing} additional bytes for model ${quote(tail.model)}`
    const why = `: must specify valid 'Inference-Header-Content-Length' in request header and 'binary_data_size' when passing inputs in binary data format`
    return malformed(tail.bytes < 0 ? wanted + why : wanted, at)
  }
  const fault = checkBytes(signature.datatype, elementCount(shape), size)
  if (fault !== null) return wrongBytes(signature.name, shape, fault, at)
  const refusal = takeTexts(given, shape)
  if (refusal !== null) return refusal
  tail.named += size
  return { shape, column: null, from, to: from + size }
}

const readDatatype = (given: Given): Refusal | null => {
  const { reader, at } = given
  const isGiven = goTo(given, 'datatype')
  const isText = isGiven && reader.isText
  const kind = isGiven ? reader.kind : 'null'
  const own = isText ? reader.text() : ''
  if (own === given.signature.datatype) return null
  return wrongDatatype(given.signature, isText ? quote(own) : kind, at + pointer('datatype'))
}

const readInput = (given: Given): Input | Refusal => {
  const { reader, places, at } = given
  const parameters = findParameters(reader, places, at, ['binary_data_size'])
  if (isRefusal(parameters)) return parameters
  const size = readCount(parameters, 'binary_data_size')
  if (typeof size === 'object') return size
  const refusal = readDatatype(given)
  if (refusal !== null) return refusal
  const shape = readShape(given)
  if (isRefusal(shape)) return shape
  if (size >= 0) return readBinary(given, shape, size)
  const column = takeTexts(given, shape) ?? readData(given, shape)
  return isRefusal(column) ? column : { shape, column, from: 0, to: 0 }
}

/** All inputs in the order of the signature. `place`: offset of the list, if there is one. */
export const readInputs = (
  reader: JsonReader,
  place: number | undefined,
  { signature: { inputs }, endpoint }: VariantPlan,
  { tailBytes, textsMax }: { readonly tailBytes: number; readonly textsMax: number },
): Input[] | Refusal => {
  const found = new Map<string, Input>()
  const tail = { model: endpoint, bytes: tailBytes, named: 0, textsLeft: textsMax, textsMax }
  reader.at = place ?? NOWHERE
  if (!reader.isList) return malformed("The body needs a list 'inputs'", pointer('inputs'))
  let index = 0
  for (let more = reader.open(); more; more = reader.more()) {
    const at = pointer('inputs', index++)
    const entry = readEntry(reader, INPUT_KEYS, 'An input', at)
    if (isRefusal(entry)) return entry
    const { name, places } = entry
    const signature = inputs.find((input) => input.name === name)
    if (signature === undefined) return unknownName('INPUT_UNKNOWN', name, inputs, at)
    if (found.has(name)) return inputTwice(name, at)
    const end = reader.at
    const input = readInput({ reader, places, signature, at, tail })
    if (isRefusal(input)) return input
    reader.at = end
    found.set(name, input)
  }
  const missing = inputs.find(({ name }) => !found.has(name))
  if (missing !== undefined) return missingInput(missing.name)
  if (tail.named < tailBytes) {
    const text = `unexpected additional input data for model ${quote(endpoint)}`
    return malformed(`${text}: ${tailBytes - tail.named} bytes belong to no input`, '')
  }
  return inputs.map(({ name }) => found.get(name)!)
}
