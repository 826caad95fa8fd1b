/** Objects of an OIP request: entries with a name, and parameters. */

import { isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import type { TensorSignature } from '../../shared/tensor.ts'
import type { JsonReader } from '../json/json-reader.ts'
import { pointer, quote } from '../json/pointer.ts'

export const malformed = (detail: string, at: string): Refusal =>
  refuse('REQUEST_MALFORMED', detail, [{ pointer: at, detail }])

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

/** Parameters that ask for extensions of Triton's, and whether any value of theirs does. */
const EXTENSIONS: ReadonlyMap<string, 'always' | 'true'> = new Map([
  ['binary_data_size', 'always'],
  ['binary_data', 'true'],
  ['binary_data_output', 'true'],
  ['shared_memory_region', 'always'],
  ['classification', 'always'],
])

/** Refuses parameters that are no object, or ask for what is not supported. Others are ignored. */
export const checkParameters = (
  reader: JsonReader,
  places: Places,
  above: string,
): Refusal | null => {
  const place = places.get('parameters')
  if (place === undefined) return null
  const at = above + pointer('parameters')
  reader.at = place
  if (!reader.isObject) return malformed("'parameters' must be an object", at)
  return reader.eachEntry((name) => {
    const asks = EXTENSIONS.get(name)
    const isAsked = asks === 'always' || (asks === 'true' && reader.isTrue)
    if (!isAsked) return reader.ignore()
    const detail = `The extension of '${name}' is not supported: send and take plain "data"`
    return refuse('ENCODING_UNSUPPORTED', detail, [{ pointer: at + pointer(name), detail }])
  })
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

/** At most this many names are listed. */
const NAMES_MAX = 20

export const unknownName = (
  code: 'INPUT_UNKNOWN' | 'OUTPUT_UNKNOWN',
  name: string,
  known: readonly TensorSignature[],
  at: string,
): Refusal => {
  const names = known.map((tensor) => tensor.name)
  const near = nearest(name, names)
  const listed = names.slice(0, NAMES_MAX).join(', ')
  const hint = near === null ? `; known: ${listed}` : `; did you mean ${quote(near)}?`
  const what = code === 'INPUT_UNKNOWN' ? 'input' : 'output'
  const detail = `${quote(name)} is no ${what} of this model${hint}`
  return refuse(code, detail, [{ pointer: at, detail }])
}
