/**
 * How a manifest says to read the outputs of a version: score, label, classes. What answers a
 * client and what reads a record decide by the same functions.
 */

import type { Manifest } from './manifest.ts'
import type { Signature } from './tensor.ts'

export interface AnswerTerms {
  readonly task: 'binary' | 'multiclass' | 'regression'
  /** Index of the output with the scores. */
  readonly score: number
  readonly scoreColumn: number
  /** Index of the output with the labels; -1 without one. */
  readonly label: number
  readonly threshold: number | null
  /** In the order of the score's columns. */
  readonly classes: readonly (string | number)[]
  readonly positive: string | number
  readonly negative: string | number
}

/** null where the manifest names no score, or there is none. */
export const answerTermsOf = (
  { outputs }: Signature,
  manifest: Manifest | null,
): AnswerTerms | null => {
  if (manifest === null || manifest.task === 'other' || manifest.score === undefined) return null
  const { task, score, label, threshold } = manifest
  const indexOf = (wanted: string | undefined) => outputs.findIndex(({ name }) => name === wanted)
  const classes = manifest.classes ?? (task === 'binary' ? [0, 1] : [])
  const positive = manifest.positiveClass ?? classes[1] ?? 1
  return {
    task,
    score: indexOf(score.output),
    scoreColumn: score.column,
    label: indexOf(label?.output),
    threshold: threshold ?? null,
    classes,
    positive,
    negative: classes.find((each) => each !== positive) ?? 0,
  }
}

const THRESHOLD_DEFAULT = 0.5

/** Whether a score of a binary version stands for its positive class. */
export const isPositive = (score: unknown, threshold: number | null): boolean =>
  Number(score) >= (threshold ?? THRESHOLD_DEFAULT)

/**
 * Whether the label of a row is what the version says in its label output, where it has one: a
 * threshold of the manifest goes before it.
 */
export const hasOwnLabel = ({ task, label, threshold }: AnswerTerms): boolean =>
  label >= 0 && task !== 'regression' && (task !== 'binary' || threshold === null)

/** The class of a column; the column itself where the manifest names too few. */
export const classOf = ({ classes }: AnswerTerms, column: number): string | number =>
  classes[column] ?? column

/** The first of `length` columns from `base` on that none exceeds; 0 where there are none. */
export const bestColumn = (data: ArrayLike<unknown>, base: number, length: number): number => {
  let best = 0
  for (let column = 1; column < length; column++) {
    if ((data[base + column] as number) > (data[base + best] as number)) best = column
  }
  return best
}
