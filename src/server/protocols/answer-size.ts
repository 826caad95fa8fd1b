/**
 * How large one answer may be. Bodies and rows are bounded, but not what a model makes of a row: a
 * body of 100 KB can ask an embedding model for 15 million numbers.
 *
 * Counted are values, all of which cost about as much: elements, the lists that they stand in (an
 * answer may nest every element in lists of one), and, where `/predict` writes them for each row,
 * objects and keys. A text counts one more for every 16 characters. Of numbers that are answered as
 * they lie in memory, 64 bytes count as one value, as they take as much memory, and less time; but
 * each row of them counts one at least.
 */

import { tooMuchKept } from '../../runtime/run-result.ts'
import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Tensor } from '../../shared/tensor.ts'
import { oipWritten, readOf, rowsOf, textValues, type Written } from './answer-written.ts'
import { elementBytes, LENGTH_BYTES } from './oip/tensor-bytes.ts'
import type { Reading } from './reading.ts'
import type { VariantParts } from './variant-parts.ts'

/**
 * Most values that an answer to several rows writes. One takes 0.2 to 0.6 us, and until it is
 * written about 100 bytes of heap. So this many are less than a second, in which the thread answers
 * nobody else: half of what the watchdog reports, a tenth of what it ends a replica for, so that
 * slow machines pass too. And they are 100 MB of a heap of some GB, and a text of some 20 MB.
 */
export const ANSWER_VALUES_MAX = 2 ** 20

/**
 * Most values that an answer to one row writes. How large a row is has been decided by whoever
 * serves the model, and no request could ask for less: segmentation of a picture gives 6 million.
 * So this bounds only what would cost the replica its life: these are 5 seconds at most, half of
 * what the watchdog ends it for, 900 MB of heap, and 200 MB of text, where V8 holds up to 2^29.
 */
export const ROW_VALUES_MAX = 2 ** 23

/**
 * Most elements of all outputs, written or not, of a request that runs in parts: they are kept
 * until its last. 64 MB as FP32. By the signature at admission, and then by what the first gives.
 */
export const KEPT_VALUES_MAX = 2 ** 24

/** Up to here an answer, or all answers of a run, are written in no time: in less than 1 ms. */
export const QUICK_VALUES_MAX = 1024

/** Bytes of binary numbers that count as one value. */
const BINARY_VALUE_BYTES = 64

/** Most bytes of binary tensors in one answer, to however many rows: what a body may have. */
export const BINARY_BYTES_MAX = 64 * 2 ** 20

/**
 * Values that a class counts, and of elements looked at for classes those that count as one, for
 * each level of the heap that holds the classes: 0.8 to 3 us, and 5 to 70 ns.
 */
const CLASS_VALUES = 16
const LOOKED_AT_SHIFT = 4

export interface AnswerSize {
  /** Most rows in one run; 0: answers have no rows. */
  readonly runRowsMax: number
  /** Up to so many rows no answer is too large, as far as the signature tells. */
  readonly rowsMax: number
  /** By output: values of a row, or of all of it without rows. A free size counts as one. */
  readonly values: readonly number[]
  /** The same for outputs that are answered as bytes. */
  readonly binaryValues: readonly number[]
  /** And the bytes of those, at least. */
  readonly binaryBytes: readonly number[]
  /** By output: elements that a row has. A free size counts as one. */
  readonly elements: readonly number[]
  /** What the Open Inference Protocol shows unless told otherwise. */
  readonly all: Written
  /** What `/predict` shows. */
  readonly read: Written
  /** What the TensorFlow Serving format shows. */
  readonly rows: Written
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

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0)

/** Values of the largest elements of a row as texts. */
const classValues = (elements: number, classes: number): number => {
  const count = Math.min(elements, classes)
  const levels = 1 + Math.log2(Math.max(1, count))
  return count * CLASS_VALUES + (elements * levels) / 2 ** LOOKED_AT_SHIFT
}

/** By the signature. */
const rowValues = (
  { values, binaryValues, elements }: Pick<AnswerSize, 'values' | 'binaryValues' | 'elements'>,
  { outputs, binary, classified, rowExtra }: Written,
): number =>
  rowExtra +
  sumOf(outputs.map((output) => values[output]!)) +
  sumOf(binary.map((output) => binaryValues[output]!)) +
  sumOf(classified.map(({ index, classes }) => classValues(elements[index]!, classes)))

/** `reading`: of the same variant. */
export const compileAnswerSize = (parts: VariantParts, reading: Reading | null): AnswerSize => {
  const { rowsMax: runRowsMax } = parts
  const { outputs } = parts.signature
  const from = runRowsMax > 0 ? 1 : 0
  const values = outputs.map(({ shape }) => valuesOf(shape, from))
  const all = { outputs: [...outputs.keys()], binary: [], classified: [], rowExtra: 0 }
  const read = readOf(parts, reading)
  const rows = rowsOf(parts)
  const elements = outputs.map(({ shape }) =>
    shape.slice(from).reduce((count, size) => count * Math.abs(size), 1),
  )
  const sizes = outputs.map(({ datatype }) => elementBytes(datatype))
  const binaryBytes = sizes.map((size, i) => elements[i]! * (size === 0 ? LENGTH_BYTES : size))
  const binaryValues = sizes.map((size, i) =>
    size === 0 ? values[i]! : Math.max(1, binaryBytes[i]! / BINARY_VALUE_BYTES),
  )
  const costs = { values, binaryValues, elements }
  const asClasses = all.outputs.map((index) => ({ index, isBinary: false, classes: Infinity }))
  const written = [all, read, rows, oipWritten({ all }, asClasses)]
  const most = Math.max(...written.map((each) => rowValues(costs, each)))
  return {
    runRowsMax,
    rowsMax: Math.floor(ANSWER_VALUES_MAX / most),
    values,
    binaryValues,
    binaryBytes,
    elements,
    all,
    read,
    rows,
  }
}

const tooLarge = (found: string, rows: number, outputs: number): Refusal => {
  const ways = rows === 1 ? [] : ['send fewer rows in one request']
  if (outputs > 1) {
    ways.push('name in the `outputs` of an Open Inference Protocol request only those needed')
  }
  if (ways.length === 0) ways.push('send a smaller row, if the size of this output depends on it')
  return refuse('ANSWER_TOO_LARGE', `${found}. To have it answered, ${ways.join(', or ')}`)
}

/** ANSWER_TOO_LARGE for an answer that would write so many values; null where it may. */
export const refuseAnswer = (
  values: number,
  rows: number,
  { outputs, binary, classified }: Written,
): Refusal | null => {
  const valuesMax = rows === 1 ? ROW_VALUES_MAX : ANSWER_VALUES_MAX
  if (values <= valuesMax) return null
  const limit = `the limit for ${rows === 1 ? 'one row' : 'several rows'} is ${valuesMax}`
  const found = `The answer would have ${Math.ceil(values)} values; ${limit}`
  return tooLarge(found, rows, new Set([...outputs, ...binary]).size + classified.length)
}

/** The same for so many bytes of binary tensors, those of so many outputs. */
export const refuseBinary = (bytes: number, rows: number, outputs: number): Refusal | null => {
  if (bytes <= BINARY_BYTES_MAX) return null
  const limit = `the limit is ${BINARY_BYTES_MAX}`
  return tooLarge(`The answer would have ${bytes} bytes of binary tensors; ${limit}`, rows, outputs)
}

/**
 * Refuses, before anything is run, what has too large an answer by the signature.
 *
 * @param rows more than `rowsMax`: the others need no look
 */
export const admitAnswer = (size: AnswerSize, rows: number, written: Written): Refusal | null => {
  const { elements, binaryBytes, runRowsMax } = size
  const { binary } = written
  const bytes = rows * sumOf(binary.map((output) => binaryBytes[output]!))
  const refusal =
    refuseAnswer(rows * rowValues(size, written), rows, written) ??
    refuseBinary(bytes, rows, binary.length)
  if (refusal !== null || rows === 1 || rows <= runRowsMax) return refusal
  const kept = rows * sumOf(elements)
  return kept <= KEPT_VALUES_MAX ? null : tooMuchKept(kept, KEPT_VALUES_MAX)
}

/** Whether a run gave so little that none of its answers needs a closer look: the usual case. */
export const isQuick = (
  { read, rows: byRows, runRowsMax }: AnswerSize,
  results: readonly Tensor[],
): boolean => {
  let count = 0
  for (let i = 0; i < results.length; i++) {
    const { datatype, shape } = results[i]!
    if (datatype === 'BYTES') return false
    count += valuesOf(shape, 0)
  }
  const rows = runRowsMax > 0 ? (results[0]?.shape[0] ?? 0) : 1
  const rowExtra = Math.max(read.rowExtra, byRows.rowExtra)
  return count + rows * rowExtra <= QUICK_VALUES_MAX
}

/** Values of the rows `rowStart .. rowStart + rows - 1` of a result; of all of it without rows. */
const resultValues = (
  { data, shape }: Tensor,
  hasRows: boolean,
  rowStart: number,
  rows: number,
): number => {
  let count = hasRows ? rows * valuesOf(shape, 1) : valuesOf(shape, 0)
  if (!Array.isArray(data)) return count
  const length = hasRows ? data.length / shape[0]! : 0
  const texts = hasRows ? data.slice(rowStart * length, (rowStart + rows) * length) : data
  for (const text of texts) count += textValues(text)
  return count
}

/**
 * Values that an answer writes: of the rows `rowStart .. rowStart + rows - 1`. Counted in what the
 * run gave: the signature of a model need not be true.
 */
export const answerValues = (
  { runRowsMax }: AnswerSize,
  results: readonly Tensor[],
  { rowStart, rows }: { readonly rowStart: number; readonly rows: number },
  { outputs, binary, classified, rowExtra }: Written,
): number => {
  const hasRows = runRowsMax > 0
  let count = rows * rowExtra
  for (const output of outputs) count += resultValues(results[output]!, hasRows, rowStart, rows)
  for (const output of binary) {
    const { data, shape } = results[output]!
    const part = hasRows ? rows / Math.max(1, shape[0]!) : 1
    count += Array.isArray(data)
      ? resultValues(results[output]!, hasRows, rowStart, rows)
      : Math.max(rows, (data.byteLength * part) / BINARY_VALUE_BYTES)
  }
  for (const { index, classes } of classified) {
    const { data, shape } = results[index]!
    const length = hasRows ? data.length / Math.max(1, shape[0]!) : data.length
    count += rows * classValues(length, classes)
  }
  return count
}
