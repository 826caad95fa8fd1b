/** Score and prediction of a recorded row: what its answer said, by the same functions. */

import {
  type AnswerTerms,
  bestColumn,
  classOf,
  hasOwnLabel,
  isPositive,
} from '../shared/answer-terms.ts'
import type { Redaction } from '../shared/record-policy.ts'
import { type EntryTensor, elementValue } from './entry-tensors.ts'
import type { RecordValue } from './record.ts'

export interface RowAnswer {
  readonly score: RecordValue
  readonly prediction: RecordValue
  readonly scores?: Readonly<Record<string, RecordValue>>
}

const NONE: RowAnswer = { score: null, prediction: null }

const labelOf = (
  terms: AnswerTerms,
  outputs: readonly EntryTensor[],
  row: number,
  likely: RecordValue,
): RecordValue => {
  const label = outputs[terms.label]
  if (!hasOwnLabel(terms) || label === undefined) return likely
  return elementValue(label, row * label.rowElements)
}

const multiclass = (
  terms: AnswerTerms,
  outputs: readonly EntryTensor[],
  row: number,
): RowAnswer => {
  const scored = outputs[terms.score]!
  const { rowElements, data } = scored
  if (rowElements === 0) return NONE
  const base = row * rowElements
  const best = bestColumn(data, base, rowElements)
  const scores = Array.from({ length: rowElements }, (_, column): [string, RecordValue] => [
    String(classOf(terms, column)),
    elementValue(scored, base + column),
  ])
  return {
    score: elementValue(scored, base + best),
    prediction: labelOf(terms, outputs, row, classOf(terms, best)),
    scores: Object.fromEntries(scores),
  }
}

/** What a rule leaves of what can be derived from an output. */
const isReadable = (rule: Redaction | null | undefined): boolean =>
  rule === null || rule?.kind === 'bucket'

/** `rules`: by output; from one that is dropped or made unreadable nothing is derived. */
export const rowAnswer = (
  terms: AnswerTerms | null,
  outputs: readonly EntryTensor[],
  rules: readonly (Redaction | null)[],
  row: number,
): RowAnswer => {
  if (terms === null || outputs[terms.score] === undefined) return NONE
  const needed = [terms.score, ...(hasOwnLabel(terms) ? [terms.label] : [])]
  if (!needed.every((output) => isReadable(rules[output]))) return NONE
  if (terms.task === 'multiclass') return multiclass(terms, outputs, row)
  const scored = outputs[terms.score]!
  const index = row * scored.rowElements + terms.scoreColumn
  if (terms.scoreColumn >= scored.rowElements) return NONE
  const score = elementValue(scored, index)
  if (terms.task === 'regression') return { score, prediction: score }
  const isLikely = isPositive(scored.data[index], terms.threshold)
  const likely = isLikely ? terms.positive : terms.negative
  return { score, prediction: labelOf(terms, outputs, row, likely) }
}
