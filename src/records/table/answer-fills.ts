/** Score and prediction of a batch of entries: what entry-answer.ts says of each. */

import { type AnswerTerms, classOf, hasOwnLabel, isPositive } from '../../shared/answer-terms.ts'
import type { Datatype } from '../../shared/tensor.ts'
import type { FrameViews } from '../shipping/frame-views.ts'
import { ELEMENT_BYTES, READ_NUMBER, valueAt } from './elements.ts'
import {
  type Fill,
  fillCategory,
  fillCharacters,
  fillElement,
  fillText,
  fillWith,
} from './fills.ts'
import { jsonOf, textOf } from './value.ts'

type Numeric = Exclude<Datatype, 'BYTES'>

/** An output as it lies in every entry of a batch. */
export interface PlacedOutput {
  readonly datatype: Datatype
  readonly rowElements: number
  /** Bytes from the start of the entry. */
  readonly at: number
}

/** Scores, which are numbers. */
interface PlacedScores extends PlacedOutput {
  readonly datatype: Numeric
}

/** Of which output each comes; -1: of none. */
export interface AnswerOutputs {
  readonly score: number
  readonly prediction: number
  readonly scores: number
}

/** The outputs that `answerFills` of the same terms read. */
export const answerOutputs = (
  terms: AnswerTerms | null,
  outputs: readonly unknown[],
): AnswerOutputs => {
  if (terms === null) return { score: -1, prediction: -1, scores: -1 }
  const hasLabel = hasOwnLabel(terms) && outputs[terms.label] !== undefined
  return {
    score: terms.score,
    prediction: hasLabel ? terms.label : terms.score,
    scores: terms.score,
  }
}

export interface AnswerFills {
  readonly score: Fill
  readonly prediction: Fill
  readonly scores: Fill
}

const NOTHING = fillWith(() => null)
const NO_ANSWER: AnswerFills = { score: NOTHING, prediction: NOTHING, scores: NOTHING }

const labelFill = (terms: AnswerTerms, outputs: readonly PlacedOutput[], likely: Fill): Fill => {
  const label = outputs[terms.label]
  if (!hasOwnLabel(terms) || label === undefined) return likely
  if (label.datatype === 'BYTES') return fillCharacters
  return fillCategory({ datatype: label.datatype, at: label.at, isNanNull: false }, null)
}

/** JSON of the scores by class, whose keys stand as those of an object do. */
const scoresText = (
  terms: AnswerTerms,
  { datatype, rowElements, at }: PlacedScores,
): ((frame: FrameViews, from: number) => string) => {
  const columns = Array.from({ length: rowElements }, (_, column) => column)
  const byClass = Object.fromEntries(
    columns.map((column) => [String(classOf(terms, column)), column]),
  )
  const keys = Object.entries(byClass).map(
    ([key, column]) => [`${JSON.stringify(key)}:`, at + column * ELEMENT_BYTES[datatype]] as const,
  )
  return (frame, from) =>
    `{${keys.map(([key, place]) => key + jsonOf(valueAt(datatype, frame, from + place))).join()}}`
}

const multiclass = (
  terms: AnswerTerms,
  outputs: readonly PlacedOutput[],
  scored: PlacedScores,
): AnswerFills => {
  const { datatype, rowElements, at } = scored
  const size = ELEMENT_BYTES[datatype]
  const read = READ_NUMBER[datatype]
  const best = (frame: FrameViews, from: number): number => {
    let found = 0
    for (let column = 1; column < rowElements; column++) {
      const place = from + at
      if (read(frame, place + column * size) > read(frame, place + found * size)) found = column
    }
    return found
  }
  const classes = Array.from({ length: rowElements }, (_, i) => textOf(classOf(terms, i)))
  return {
    score: ({ frame, froms, start, end }, column, row) => {
      for (let i = start, next = row; i < end; i++, next++) {
        const from = froms[i]!
        column.doubles[next] = read(frame, from + at + best(frame, from) * size)
      }
    },
    prediction: labelFill(
      terms,
      outputs,
      fillText((frame, from) => classes[best(frame, from)]!),
    ),
    scores: fillText(scoresText(terms, scored)),
  }
}

const binary = (
  terms: AnswerTerms,
  outputs: readonly PlacedOutput[],
  place: { readonly datatype: Numeric; readonly at: number },
): Fill => {
  const [yes, no] = [textOf(terms.positive), textOf(terms.negative)]
  const read = READ_NUMBER[place.datatype]
  return labelFill(
    terms,
    outputs,
    fillText((frame, from) =>
      isPositive(read(frame, from + place.at), terms.threshold) ? yes : no,
    ),
  )
}

/**
 * null: not by these means, which know numbers alone. `isReadable`: whether an output may be read,
 * by what redaction has left of it.
 */
export const answerFills = (
  terms: AnswerTerms | null,
  outputs: readonly PlacedOutput[],
  isReadable: (output: number) => boolean,
): AnswerFills | null => {
  const scored = terms === null ? undefined : outputs[terms.score]
  if (terms === null || scored === undefined) return NO_ANSWER
  const needed = [terms.score, ...(hasOwnLabel(terms) ? [terms.label] : [])]
  if (!needed.every(isReadable)) return NO_ANSWER
  const { datatype, rowElements } = scored
  const isWide = datatype === 'INT64' || datatype === 'UINT64'
  if (datatype === 'BYTES' || datatype === 'BOOL' || isWide || rowElements === 0) return null
  if (outputs[terms.label]?.rowElements === 0) return null
  if (terms.task === 'multiclass') {
    return multiclass(terms, outputs, { datatype, rowElements, at: scored.at })
  }
  if (terms.scoreColumn >= rowElements) return NO_ANSWER
  const at = scored.at + terms.scoreColumn * ELEMENT_BYTES[datatype]
  const place = { datatype, at, isNanNull: false }
  const score = fillElement(place, { type: 'double' })
  const prediction =
    terms.task === 'regression' ? fillCategory(place, null) : binary(terms, outputs, place)
  return { score, prediction, scores: NOTHING }
}
