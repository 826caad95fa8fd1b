/**
 * How large one answer may be. Bodies and rows are bounded, but not what a model makes of a row: a
 * body of 100 KB can ask an embedding model for 15 million numbers.
 *
 * Counted are values: elements, and the lists that they stand in, as each costs about as much (an
 * answer may nest every element in lists of one). A text counts one more for every 16 characters.
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Tensor } from '../../shared/tensor.ts'
import type { Reading } from './reading.ts'
import type { VariantParts } from './variant-parts.ts'

/**
 * Most values that one answer writes. One takes 0.2 to 0.7 us, and until it is written about 100
 * bytes of heap. So this many are less than a second, in which the thread answers nobody else: half
 * of what the watchdog reports, a tenth of what it ends a replica for, so that slow machines pass
 * too. And they are 100 MB of a heap of some GB.
 */
export const ANSWER_VALUES_MAX = 2 ** 20

/**
 * Most values of all outputs, written or not, of a request of several rows: they are kept until its
 * last part has run. 64 MB as FP32.
 */
export const KEPT_VALUES_MAX = 2 ** 24

/** Up to here an answer, or all answers of a run, are written in no time: in less than 1 ms. */
export const QUICK_VALUES_MAX = 1024

/** 16 characters of a text take as much as a number. */
const TEXT_SHIFT = 4

export interface AnswerSize {
  /** Whether answers have rows. */
  readonly hasRows: boolean
  /** Up to so many rows no answer is too large, as far as the signature tells. */
  readonly rowsMax: number
  /** By output: values of a row, or of all of it without rows. A free size counts as one. */
  readonly values: readonly number[]
  /** Indices of all outputs. */
  readonly all: readonly number[]
  /** Indices of the outputs that `/predict` reads. */
  readonly read: readonly number[]
}

/** Values of a shape from its dimension `from` on: the list of all, those within it, and so on. */
const valuesOf = (shape: readonly number[], from: number): number => {
  let size = 1
  let count = 1
  for (let axis = from; axis < shape.length; axis++) {
    size *= Math.abs(shape[axis]!) // a free size is -1
    count += size
  }
  return count
}

const sumOf = (values: readonly number[], outputs: readonly number[]): number =>
  outputs.reduce((sum, output) => sum + values[output]!, 0)

/** `reading`: of the same variant. */
export const compileAnswerSize = (
  { signature: { outputs }, rowsMax }: VariantParts,
  reading: Reading | null,
): AnswerSize => {
  const hasRows = rowsMax > 0
  const values = outputs.map(({ shape }) => valuesOf(shape, hasRows ? 1 : 0))
  const all = [...outputs.keys()]
  return {
    hasRows,
    rowsMax: Math.floor(ANSWER_VALUES_MAX / sumOf(values, all)),
    values,
    all,
    read: reading === null ? all : [reading.score, reading.label].filter((output) => output >= 0),
  }
}

/** ANSWER_TOO_LARGE for an answer that would write so many values. */
export const answerTooLarge = (values: number): Refusal => {
  const found = `The answer would have ${values} values; the limit is ${ANSWER_VALUES_MAX}`
  const fewer = 'Send fewer rows in one request, or name in the `outputs` of an Open Inference'
  return refuse('ANSWER_TOO_LARGE', `${found}. ${fewer} Protocol request only those needed`)
}

/**
 * Refuses, before anything is run, what has too large an answer by the signature.
 *
 * @param rows more than `rowsMax`: the others need no look
 * @param written indices of the outputs that the answer shows
 */
export const admitAnswer = (
  { values, all }: AnswerSize,
  rows: number,
  written: readonly number[],
): Refusal | null => {
  const count = rows * sumOf(values, written)
  if (count > ANSWER_VALUES_MAX) return answerTooLarge(count)
  const kept = rows * sumOf(values, all)
  if (rows === 1 || kept <= KEPT_VALUES_MAX) return null
  const found = `All outputs of the model together would have ${kept} values`
  const fewer = `the limit is ${KEPT_VALUES_MAX}. Send fewer rows in one request`
  return refuse('ANSWER_TOO_LARGE', `${found}; ${fewer}`)
}

/** Whether a run gave so little that none of its answers needs a closer look: the usual case. */
export const isQuick = (results: readonly Tensor[]): boolean => {
  let count = 0
  for (let i = 0; i < results.length; i++) {
    const { datatype, shape } = results[i]!
    if (datatype === 'BYTES') return false
    count += valuesOf(shape, 0)
  }
  return count <= QUICK_VALUES_MAX
}

/**
 * Values that an answer writes: of the rows `rowStart .. rowStart + rows - 1` of the outputs
 * `written`. Counted in what the run gave: the signature of a model need not be true.
 */
export const answerValues = (
  { hasRows }: AnswerSize,
  results: readonly Tensor[],
  { rowStart, rows }: { readonly rowStart: number; readonly rows: number },
  written: readonly number[],
): number => {
  let count = 0
  for (const output of written) {
    const { data, shape } = results[output]!
    count += hasRows ? rows * valuesOf(shape, 1) : valuesOf(shape, 0)
    if (!Array.isArray(data)) continue
    const length = hasRows ? data.length / shape[0]! : 0
    const texts = hasRows ? data.slice(rowStart * length, (rowStart + rows) * length) : data
    for (const text of texts) count += text.length >> TEXT_SHIFT
  }
  return count
}
