/**
 * How large one answer may be. Bodies and rows are bounded, but not what a model makes of a row: a
 * body of 100 KB can ask an embedding model for 15 million numbers.
 *
 * Counted are values, all of which cost about as much: elements, the lists that they stand in (an
 * answer may nest every element in lists of one), and, where `/predict` writes them for each row,
 * objects and keys. A text counts one more for every 16 characters. Of numbers that are answered as
 * they lie in memory, 64 bytes count as one value: they take as much memory, and less time.
 */

import { tooMuchKept } from '../../runtime/run-result.ts'
import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Tensor } from '../../shared/tensor.ts'
import type { AskedOutput } from './protocol.ts'
import type { Reading } from './reading.ts'
import { elementBytes } from './tensor-bytes.ts'
import { isInBase64 } from './tfs-encode.ts'
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

/** 16 characters of a text take as much as a number. */
const TEXT_SHIFT = 4

/** Bytes of binary numbers that count as one value: so 64 MiB is what several rows may have. */
const BINARY_VALUE_BYTES = 64

/** What an answer in some format shows. */
export interface Written {
  /** Indices of outputs. One that costs twice as much stands here twice. */
  readonly outputs: readonly number[]
  /** Indices of outputs that are answered as bytes. */
  readonly binary: readonly number[]
  /** Values that every row has beside those of the outputs. */
  readonly rowExtra: number
}

export interface AnswerSize {
  /** Most rows in one run; 0: answers have no rows. */
  readonly runRowsMax: number
  /** Up to so many rows no answer is too large, as far as the signature tells. */
  readonly rowsMax: number
  /** By output: values of a row, or of all of it without rows. A free size counts as one. */
  readonly values: readonly number[]
  /** The same for outputs that are answered as bytes. */
  readonly binaryValues: readonly number[]
  /** Elements that a row has in all outputs together. A free size counts as one. */
  readonly rowElements: number
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

/** By the signature. */
const rowValues = (
  { values, binaryValues }: Pick<AnswerSize, 'values' | 'binaryValues'>,
  { outputs, binary, rowExtra }: Written,
): number =>
  rowExtra +
  sumOf(outputs.map((output) => values[output]!)) +
  sumOf(binary.map((output) => binaryValues[output]!))

/** What an answer of the Open Inference Protocol shows; `asked`: `Decoded.outputs`. */
export const oipWritten = ({ all }: AnswerSize, asked: readonly AskedOutput[] | null): Written => {
  if (asked === null) return all
  const outputs: number[] = []
  const binary: number[] = []
  for (const { index, isBinary, classes } of asked) {
    // All elements are looked at for the largest, and as many may be written.
    if (classes > 0) outputs.push(index, index)
    else if (isBinary) binary.push(index)
    else outputs.push(index)
  }
  return { outputs, binary, rowExtra: 0 }
}

/** Values of a text of JSON, beside the one that it or the element behind it is counted as. */
const textValues = (text: string): number => text.length >> TEXT_SHIFT

/** `{"outputs":{...}}` or `{"score":...,"prediction":...}`: objects, and keys of ours. */
const ROW_EXTRA = 3
/** `{"score":...,"prediction":...,"scores":{...}}`: the same, and the score once more. */
const MULTICLASS_EXTRA = 6

/** Values of the names of all outputs, as keys of an object. */
const namesOf = ({ signature }: VariantParts): number =>
  sumOf(signature.outputs.map(({ name }) => 1 + textValues(JSON.stringify(name))))

/**
 * An object, its key and the text in it, of which Base64 makes four characters of one at worst: one
 * of 15 takes no more than a number as it is, and three more as 60.
 */
const BASE64_TIMES = 6

/** What tfs-encode.ts writes: by rows, which takes more than by columns. */
const rowsOf = (parts: VariantParts): Written => {
  const { outputs } = parts.signature
  const shown = outputs.map((output, index) =>
    new Array<number>(isInBase64(output) ? BASE64_TIMES : 1).fill(index),
  )
  const rowExtra = outputs.length === 1 ? 0 : 1 + namesOf(parts)
  return { outputs: shown.flat(), binary: [], rowExtra }
}

/** What features-encode.ts writes. */
const readOf = (parts: VariantParts, reading: Reading | null): Written => {
  const { signature, manifest } = parts
  if (reading === null) {
    return {
      outputs: [...signature.outputs.keys()],
      binary: [],
      rowExtra: ROW_EXTRA + namesOf(parts),
    }
  }
  const { score, label, classes, keys, positive, negative } = reading
  const labels = [...classes, positive, negative].map(textValues)
  const prediction = labels.reduce((most, each) => Math.max(most, each), 0) + 1
  const isMulticlass = manifest?.task === 'multiclass'
  const constant = isMulticlass ? MULTICLASS_EXTRA + sumOf(keys.map(textValues)) : ROW_EXTRA
  // A number of a regression is its own prediction, and one of several classes has a key.
  const scores = manifest?.task === 'binary' ? [score] : [score, score]
  return {
    outputs: [...scores, label].filter((output) => output >= 0),
    binary: [],
    rowExtra: constant + prediction,
  }
}

/** `reading`: of the same variant. */
export const compileAnswerSize = (parts: VariantParts, reading: Reading | null): AnswerSize => {
  const { rowsMax: runRowsMax } = parts
  const { outputs } = parts.signature
  const from = runRowsMax > 0 ? 1 : 0
  const values = outputs.map(({ shape }) => valuesOf(shape, from))
  const all = { outputs: [...outputs.keys()], binary: [], rowExtra: 0 }
  const read = readOf(parts, reading)
  const rows = rowsOf(parts)
  const elements = outputs.map(({ shape }) =>
    shape.slice(from).reduce((count, size) => count * Math.abs(size), 1),
  )
  const binaryValues = outputs.map(({ datatype }, i) =>
    datatype === 'BYTES'
      ? values[i]!
      : (elements[i]! * elementBytes(datatype)) / BINARY_VALUE_BYTES,
  )
  const costs = { values, binaryValues }
  const most = Math.max(...[all, read, rows].map((written) => rowValues(costs, written)))
  return {
    runRowsMax,
    rowsMax: Math.floor(ANSWER_VALUES_MAX / most),
    values,
    binaryValues,
    rowElements: sumOf(elements),
    all,
    read,
    rows,
  }
}

/** ANSWER_TOO_LARGE for an answer that would write so many values; null where it may. */
export const refuseAnswer = (
  values: number,
  rows: number,
  { outputs, binary }: Written,
): Refusal | null => {
  const valuesMax = rows === 1 ? ROW_VALUES_MAX : ANSWER_VALUES_MAX
  if (values <= valuesMax) return null
  const found = `The answer would have ${Math.ceil(values)} values; the limit for`
  const limit = rows === 1 ? `one row is ${valuesMax}` : `several rows is ${valuesMax}`
  const ways = rows === 1 ? [] : ['send fewer rows in one request']
  if (new Set([...outputs, ...binary]).size > 1) {
    ways.push('name in the `outputs` of an Open Inference Protocol request only those needed')
  }
  if (ways.length === 0) ways.push('send a smaller row, if the size of this output depends on it')
  return refuse('ANSWER_TOO_LARGE', `${found} ${limit}. To have it answered, ${ways.join(', or ')}`)
}

/**
 * Refuses, before anything is run, what has too large an answer by the signature.
 *
 * @param rows more than `rowsMax`: the others need no look
 */
export const admitAnswer = (size: AnswerSize, rows: number, written: Written): Refusal | null => {
  const { rowElements, runRowsMax } = size
  const refusal = refuseAnswer(rows * rowValues(size, written), rows, written)
  if (refusal !== null || rows === 1 || rows <= runRowsMax) return refusal
  const kept = rows * rowElements
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
  { outputs, binary, rowExtra }: Written,
): number => {
  const hasRows = runRowsMax > 0
  let count = rows * rowExtra
  for (const output of outputs) count += resultValues(results[output]!, hasRows, rowStart, rows)
  for (const output of binary) {
    const { data, shape } = results[output]!
    const part = hasRows ? rows / Math.max(1, shape[0]!) : 1
    count += Array.isArray(data)
      ? resultValues(results[output]!, hasRows, rowStart, rows)
      : (data.byteLength * part) / BINARY_VALUE_BYTES
  }
  return count
}
