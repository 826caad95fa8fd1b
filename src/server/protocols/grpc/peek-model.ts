/** The model that a ModelInferRequest is for: what its route needs before anything else is read. */

import { type Refusal, refuse } from '../../../shared/errors.ts'
import {
  damagedMessage,
  field,
  LENGTH,
  matches,
  notUtf8,
  readField,
  textOf,
  wrongWireType,
} from './wire.ts'

export interface AskedModel {
  /** '' where the request names none. */
  readonly name: string
  /** As sent; '' leaves the choice to the server. */
  readonly version: string
}

const REQUEST = 'ModelInferRequest'
const NAME = 1
const VERSION = 2
const ID = 3
/** No sound name is longer. */
const KEPT_BYTES_MAX = 256

/** Over HTTP the head bounds what a path can name; here a message may be all name. */
const NAME_BYTES_MAX = 1024
const NO_SUCH_NAME = refuse(
  'MODEL_NOT_FOUND',
  `Request for unknown model: its name or version has more than ${NAME_BYTES_MAX} bytes`,
)

/** What was asked for last: most requests ask for the same, and it takes .15 us to make. */
const last = {
  name: new Uint8Array(0),
  version: new Uint8Array(0),
  asked: { name: '', version: '' },
}

const copyOf = (bytes: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(bytes.subarray(from, to))

/** Wherever in the message they stand; of those that come twice the last one counts. */
export const peekModel = (body: Uint8Array): AskedModel | Refusal => {
  let nameFrom = 0
  let nameTo = 0
  let versionFrom = 0
  let versionTo = 0
  for (let at = 0; at < body.length; ) {
    at = readField(body, at, body.length)
    if (at < 0) return damagedMessage(REQUEST)
    if (field.number > VERSION) continue
    if (field.type !== LENGTH) return wrongWireType(REQUEST)
    if (field.number === NAME) {
      nameFrom = field.from
      nameTo = field.to
    } else {
      versionFrom = field.from
      versionTo = field.to
    }
  }
  const isSameName = matches(body, nameFrom, nameTo, last.name)
  if (isSameName && matches(body, versionFrom, versionTo, last.version)) return last.asked
  if (nameTo - nameFrom > NAME_BYTES_MAX || versionTo - versionFrom > NAME_BYTES_MAX) {
    return NO_SUCH_NAME
  }
  const name = textOf(body, nameFrom, nameTo)
  if (name === null) return notUtf8('name of the model')
  const version = textOf(body, versionFrom, versionTo)
  if (version === null) return notUtf8('version of the model')
  if (nameTo - nameFrom + versionTo - versionFrom <= KEPT_BYTES_MAX) {
    last.name = copyOf(body, nameFrom, nameTo)
    last.version = copyOf(body, versionFrom, versionTo)
    last.asked = { name, version }
  }
  return { name, version }
}

/** The id of a request, '' where it has none that can be read. */
export const peekId = (body: Uint8Array): string => {
  let from = 0
  let to = 0
  for (let at = 0; at < body.length; ) {
    at = readField(body, at, body.length)
    if (at < 0) break
    if (field.number !== ID || field.type !== LENGTH) continue
    from = field.from
    to = field.to
  }
  return textOf(body, from, to) ?? ''
}
