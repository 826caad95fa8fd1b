/** Refusals of bodies that several wire formats give. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import type { TensorSignature } from '../../shared/tensor.ts'
import { pointer, quote } from '../json/pointer.ts'

export const malformed = (detail: string, at?: string): Refusal =>
  refuse('REQUEST_MALFORMED', detail, at === undefined ? undefined : [{ pointer: at, detail }])

/** A key of the body that is none of `known`. */
export const unknownKey = (key: string, known: readonly string[]): Refusal => {
  const near = nearest(key, known)
  const hint = near === null ? '' : `; did you mean '${near}'?`
  return malformed(`Unknown key ${quote(key)}${hint}`, pointer(key))
}

/** At most this many names are listed. */
const NAMES_MAX = 20

/** A tensor that a version does not have. */
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
