/** Objects of an OIP request: entries with a name, and parameters. */

import { isRefusal, type Refusal, refuse } from '../../../shared/errors.ts'
import type { JsonReader } from '../../json/json-reader.ts'
import { pointer } from '../../json/pointer.ts'
import { malformed } from '../body-faults.ts'

/** Offsets of the values of some keys of an object. */
export type Places = ReadonlyMap<string, number>

/** Where a reader stands for a value that is not given: on nothing of any kind. */
export const NOWHERE = -1

/** Where the values of `wanted` keys begin. The others are nobody's, but must be sound. */
export const findPlaces = (reader: JsonReader, wanted: ReadonlySet<string>): Places | Refusal => {
  const places = new Map<string, number>()
  const refusal = reader.eachEntry((key) => {
    if (!wanted.has(key)) return reader.ignore()
    places.set(key, reader.at)
    reader.skip()
    return null
  })
  return refusal ?? places
}

/** Parameters that ask for extensions of Triton's that are not here, if their value is not "no". */
export const UNSUPPORTED: ReadonlySet<string> = new Set([
  'shared_memory_region',
  'sequence_id',
  'sequence_start',
  'sequence_end',
])

export const unsupported = (name: string, at: string): Refusal => {
  const detail = `The extension of '${name}' is not supported`
  return refuse('EXTENSION_UNSUPPORTED', detail, [{ pointer: at, detail }])
}

/** A parameter that wants a count. */
export const notCount = (name: string, at: string): Refusal =>
  malformed(`Unable to parse '${name}': it must be a whole number from 0`, at)

/** What may follow the 0 of a number that is another: `.`, `e`, `E`. */
const MORE_OF_NUMBER: readonly unknown[] = [0x2e, 0x65, 0x45]

/** Whether a value asks for nothing: 0, false and '' are what Triton takes for "not given". */
const isNo = ({ bytes, at }: JsonReader): boolean => {
  const next = bytes[at + 1]
  if (bytes[at] === 0x30) return !MORE_OF_NUMBER.includes(next)
  return bytes[at] === 0x66 || (bytes[at] === 0x22 && next === 0x22)
}

/** Those of an entry, or of the body, and where they stand. */
export interface Parameters {
  readonly reader: JsonReader
  readonly places: Places
  readonly at: string
}

/**
 * Where the `wanted` parameters stand. Others are ignored, as those that only a model could take
 * are, but not those that ask for what is not supported.
 */
export const findParameters = (
  reader: JsonReader,
  entry: Places,
  above: string,
  wanted: readonly string[],
): Parameters | Refusal => {
  const places = new Map<string, number>()
  const at = above + pointer('parameters')
  const place = entry.get('parameters')
  if (place === undefined) return { reader, places, at }
  reader.at = place
  if (!reader.isObject) return malformed("'parameters' must be an object", at)
  const refusal = reader.eachEntry((name) => {
    if (UNSUPPORTED.has(name) && !isNo(reader)) return unsupported(name, at + pointer(name))
    if (!wanted.includes(name)) return reader.ignore()
    places.set(name, reader.at)
    reader.skip()
    return null
  })
  return refusal ?? { reader, places, at }
}

/** Where none is given, `otherwise`. */
export const readFlag = (
  { reader, places, at }: Parameters,
  name: string,
  otherwise: boolean,
): boolean | Refusal => {
  const place = places.get(name)
  if (place === undefined) return otherwise
  reader.at = place
  if (reader.isBoolean) return reader.isTrue
  return malformed(`Unable to parse '${name}': it must be true or false`, at + pointer(name))
}

/** A whole number from 0; -1 where none is given. */
export const readCount = ({ reader, places, at }: Parameters, name: string): number | Refusal => {
  const place = places.get(name)
  if (place === undefined) return -1
  reader.at = place
  const value = reader.isNumber ? reader.integer() : null
  if (typeof value === 'number' && value >= 0) return value
  return notCount(name, at + pointer(name))
}

/** An entry of a list of inputs or outputs. */
export interface Entry {
  readonly name: string
  readonly places: Places
}

/** Reads an entry; the reader is then behind it. `what`: "An input". */
export const readEntry = (
  reader: JsonReader,
  keys: ReadonlySet<string>,
  what: string,
  at: string,
): Entry | Refusal => {
  const nameless = `${what} must be an object with a name`
  if (!reader.isObject) return malformed(nameless, at)
  const places = findPlaces(reader, keys)
  if (isRefusal(places)) return places
  const end = reader.at
  reader.at = places.get('name') ?? NOWHERE
  const name = reader.isText ? reader.text() : null
  reader.at = end
  return name === null ? malformed(nameless, at) : { name, places }
}
