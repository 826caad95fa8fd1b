/** How the outputs of a version are read, with what answers say of it as JSON text. */

import { answerTermsOf } from '../../shared/answer-terms.ts'
import type { VariantParts } from './variant-parts.ts'

export interface Reading {
  /** Index of the output with the scores. */
  readonly score: number
  readonly scoreColumn: number
  /** Index of the output with the labels; -1 without one. */
  readonly label: number
  readonly threshold: number | null
  /** JSON text of the classes, in the order of the score's columns. */
  readonly classes: readonly string[]
  /** The same as keys of an object. */
  readonly keys: readonly string[]
  readonly positive: string
  readonly negative: string
}

/** null where the manifest names no score, or there is none. */
export const compileReading = ({ signature, manifest }: VariantParts): Reading | null => {
  const terms = answerTermsOf(signature, manifest)
  if (terms === null) return null
  const { score, scoreColumn, label, threshold, classes, positive, negative } = terms
  return {
    ...{ score, scoreColumn, label, threshold },
    classes: classes.map((each) => JSON.stringify(each)),
    keys: classes.map((each) => JSON.stringify(String(each))),
    positive: JSON.stringify(positive),
    negative: JSON.stringify(negative),
  }
}
