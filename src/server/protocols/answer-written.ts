/** What answers show, format by format: for answer-size.ts, which counts it. */

import type { AskedOutput } from './protocol.ts'
import type { Reading } from './reading.ts'
import { isInBase64 } from './tfs/tfs-encode.ts'
import type { VariantParts } from './variant-parts.ts'

/** What an answer in some format shows. */
export interface Written {
  /** Indices of outputs. One that costs twice as much stands here twice. */
  readonly outputs: readonly number[]
  /** Indices of outputs that are answered as bytes. */
  readonly binary: readonly number[]
  /** Outputs of which the largest elements of each row are shown, as texts. */
  readonly classified: readonly AskedOutput[]
  /** Values that every row has beside those of the outputs. */
  readonly rowExtra: number
}

/** What an answer of the Open Inference Protocol shows; `asked`: `Decoded.outputs`. */
export const oipWritten = (
  { all }: { readonly all: Written },
  asked: readonly AskedOutput[] | null,
): Written => {
  if (asked === null) return all
  const outputs: number[] = []
  const binary: number[] = []
  const classified: AskedOutput[] = []
  for (const output of asked) {
    if (output.classes > 0) classified.push(output)
    else (output.isBinary ? binary : outputs).push(output.index)
  }
  return { outputs, binary, classified, rowExtra: 0 }
}

/** 16 characters of a text take as much as a number. */
const TEXT_SHIFT = 4

/** Values of a text of JSON, beside the one that it or the element behind it is counted as. */
export const textValues = (text: string): number => text.length >> TEXT_SHIFT

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0)

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
export const rowsOf = (parts: VariantParts): Written => {
  const { outputs } = parts.signature
  const shown = outputs.map((output, index) =>
    new Array<number>(isInBase64(output) ? BASE64_TIMES : 1).fill(index),
  )
  const rowExtra = outputs.length === 1 ? 0 : 1 + namesOf(parts)
  return { outputs: shown.flat(), binary: [], classified: [], rowExtra }
}

/** What features-encode.ts writes. */
export const readOf = (parts: VariantParts, reading: Reading | null): Written => {
  const { signature, manifest } = parts
  if (reading === null) {
    return {
      outputs: [...signature.outputs.keys()],
      binary: [],
      classified: [],
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
    classified: [],
    rowExtra: constant + prediction,
  }
}
