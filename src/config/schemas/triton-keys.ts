/** The words in which the table of Triton's keys (triton.ts) is written. */

import { DIMENSIONS_MAX } from './warm-up.ts'

/** A key that is read. */
export interface ObeyedKey {
  readonly verdict: 'obeyed'
  readonly type: 'string' | 'integer' | 'boolean' | 'enum'
  readonly isRepeated?: true
  /** Most values of one that is repeated. */
  readonly countMax?: number
  /** Of an integer. A larger one counts as `max`, with a warning. */
  readonly min?: number
  readonly max?: number
  /** The only values. */
  readonly words?: readonly string[]
  /** Of an enum: the number of its first word; those of the others follow. */
  readonly firstNumber?: number
  /** What to tell whoever wrote another value. */
  readonly hint?: string
  readonly says: string
}

/** A key that Triton knows and Sluice does not do. */
export interface OtherKey {
  /** refused: not to do it would change answers. */
  readonly verdict: 'warned' | 'refused'
  /** What happens instead, or why it cannot be served. */
  readonly says: string
  /** What to do about it. */
  readonly hint?: string
  /** It may stand more than once. */
  readonly isRepeated?: true
  /** Values that ask for nothing. */
  readonly harmless?: readonly string[]
}

/** A message whose keys are looked at one by one. */
export interface Section {
  readonly keys: TritonKeys
  readonly isRepeated?: true
  /** What its being there means, where there are no keys to say it. */
  readonly says?: string
}

export type TritonKeys = Readonly<Record<string, ObeyedKey | OtherKey | Section>>

export const warned = (says: string, harmless: readonly string[] = []): OtherKey => ({
  verdict: 'warned',
  says,
  harmless,
})
export const refused = (says: string, harmless: readonly string[] = []): OtherKey => ({
  verdict: 'refused',
  says,
  harmless,
})
export const text = (says: string, words?: readonly string[]): ObeyedKey => ({
  ...{ verdict: 'obeyed', type: 'string', says },
  ...(words === undefined ? {} : { words }),
})
export const integer = (min: number, max: number, says: string): ObeyedKey => ({
  ...{ verdict: 'obeyed', type: 'integer', min, max, says },
})

export const manyWarned = (says: string, harmless: readonly string[] = []): OtherKey => ({
  ...warned(says, harmless),
  isRepeated: true,
})

/** As text format may write it. */
export const FALSE = ['false', 'False', 'f', '0']
const TRUE = ['true', 'True', 't', '1']
const BOOLEAN = [...FALSE, ...TRUE]

export const truth = (says: string): ObeyedKey => ({ ...text(says, BOOLEAN), type: 'boolean' })
export const INT32_MAX = 2 ** 31 - 1

export const dimension = (says: string): ObeyedKey => ({
  ...integer(-1, Number.MAX_SAFE_INTEGER, says),
  ...{ isRepeated: true, countMax: DIMENSIONS_MAX },
})
