/**
 * Where the rows of entries lie in their tensors: one tensor behind the other, each with all rows,
 * and texts as long as they are. A fill knows where a value would lie in an entry of one row
 * without texts; for each row it is told the beginning from which the same sum leads there. Of a
 * text it is told where its word lies, and where its characters.
 */

import type { Datatype } from '../../shared/tensor.ts'
import { ENTRY_HEADER_BYTES, ENTRY_WORD, LENGTH_AT, padded } from '../entry.ts'
import type { LayoutTensor } from '../record-layout.ts'
import type { FrameViews } from '../shipping/frame-views.ts'
import { ELEMENT_BYTES } from './elements.ts'

const FIRST_ROWS = 64
const NONE = new Int32Array(0)

/** What a fill is told of each row of a batch, in bytes of the frame. */
export class RowPlace {
  /** Where an entry of one row would begin; of a text: where its word lies. */
  froms = NONE
  /** Of a text: where its characters lie; else empty. */
  characters = NONE
  readonly #isText: boolean

  constructor(isText: boolean) {
    this.#isText = isText
  }

  reserve(rows: number): void {
    if (this.froms.length >= rows) return
    const capacity = Math.max(FIRST_ROWS, 2 * rows)
    this.froms = new Int32Array(capacity)
    if (this.#isText) this.characters = new Int32Array(capacity)
  }
}

interface PlacedTensor {
  /** Bytes of one row, without the characters of texts. */
  readonly rowBytes: number
  /** In an entry of one row without texts. */
  readonly start: number
  /** One for the whole of it; of a tensor of texts one for each element of a row. */
  readonly places: readonly RowPlace[]
  readonly isText: boolean
}

/** Bytes of one element; of a text those of its word. */
const elementBytes = (datatype: Datatype): number =>
  datatype === 'BYTES' ? 4 : ELEMENT_BYTES[datatype]

/** Where a tensor ends that begins at byte `at` of a frame; -1: it does not end before `limit`. */
const endOf = (
  { rowBytes, isText }: PlacedTensor,
  words: Int32Array,
  { at, rows, limit }: { readonly at: number; readonly rows: number; readonly limit: number },
): number => {
  let end = at + rows * rowBytes
  if (end > limit) return -1
  if (isText) {
    for (let word = at >> 2, last = end >> 2; word < last; word++) {
      const bytes = words[word]! >> 1
      end += bytes
      if (bytes < 0 || end > limit) return -1
    }
  }
  return padded(end)
}

export class RowPlaces {
  /** Headers, which all rows of an entry share. */
  readonly header = new RowPlace(false)
  /** Index of each row in its entry, as of the last `locate`. */
  indices = NONE
  /** Inputs, then outputs. */
  readonly #tensors: readonly PlacedTensor[]
  readonly #inputs: number
  readonly #hasTexts: boolean
  /** Where outputs begin in an entry of one row without texts, and where they end. */
  readonly #outputsAt: number
  readonly #end: number

  /** Tensors whose rows have so many elements each. */
  constructor(inputs: readonly LayoutTensor[], outputs: readonly LayoutTensor[]) {
    let start = ENTRY_HEADER_BYTES
    this.#tensors = [...inputs, ...outputs].map(({ datatype, rowElements }): PlacedTensor => {
      const isText = datatype === 'BYTES'
      const rowBytes = rowElements * elementBytes(datatype)
      const places = Array.from({ length: isText ? rowElements : 1 }, () => new RowPlace(isText))
      const placed = { rowBytes, start, places, isText }
      start += padded(rowBytes)
      return placed
    })
    this.#inputs = inputs.length
    this.#hasTexts = this.#tensors.some(({ isText }) => isText)
    this.#outputsAt = this.#tensors[inputs.length]?.start ?? start
    this.#end = start
  }

  /** Where the tensor begins in an entry of one row without texts. */
  startOf(tensor: number): number {
    return this.#tensors[tensor]!.start
  }

  /** Of a tensor of numbers one; of texts one for each element of a row. */
  placesOf(tensor: number): readonly RowPlace[] {
    return this.#tensors[tensor]!.places
  }

  /** Whether the entry that begins at byte `from` has these tensors, where they ought to be. */
  fits({ words }: FrameViews, from: number): boolean {
    const header = from >> 2
    const rows = words[header + ENTRY_WORD.ROWS]!
    const length = words[header + LENGTH_AT]!
    const limit = from + length
    if (rows <= 0 || rows > length) return false
    if (words[header + ENTRY_WORD.INPUTS] !== ENTRY_HEADER_BYTES) return false
    if (rows === 1 && !this.#hasTexts) {
      return words[header + ENTRY_WORD.OUTPUTS] === this.#outputsAt && length >= this.#end
    }
    let at = from + ENTRY_HEADER_BYTES
    for (let i = 0; i < this.#tensors.length; i++) {
      if (i === this.#inputs && words[header + ENTRY_WORD.OUTPUTS] !== at - from) return false
      at = endOf(this.#tensors[i]!, words, { at, rows, limit })
      if (at < 0) return false
    }
    return at <= limit
  }

  /**
   * Whether so many entries of so many rows in all lie as a fill expects them anyway: then there is
   * nothing to locate.
   */
  isStraight(entries: number, rows: number): boolean {
    return rows === entries && !this.#hasTexts
  }

  /** Tells all places of the rows of entries, which fit: `rows` in all. */
  locate(
    { words }: FrameViews,
    entries: { readonly froms: Int32Array; readonly start: number; readonly end: number },
    rows: number,
  ): void {
    this.#reserve(rows)
    let row = 0
    for (let i = entries.start; i < entries.end; i++) {
      const from = entries.froms[i]!
      const count = words[(from >> 2) + ENTRY_WORD.ROWS]!
      for (let index = 0; index < count; index++) {
        this.header.froms[row + index] = from
        this.indices[row + index] = index
      }
      let at = from + ENTRY_HEADER_BYTES
      for (const tensor of this.#tensors) {
        at = tensor.isText
          ? putTexts(tensor, words, { at, row, count })
          : putNumbers(tensor, { at, row, count })
      }
      row += count
    }
  }

  #reserve(rows: number): void {
    this.header.reserve(rows)
    if (this.indices.length < rows) this.indices = new Int32Array(2 * rows)
    for (const { places } of this.#tensors) for (const place of places) place.reserve(rows)
  }
}

/** Rows `row .. row + count - 1` of a batch, whose tensor begins at byte `at` of the frame. */
interface Run {
  readonly at: number
  readonly row: number
  readonly count: number
}

/** Where the tensor ends. */
const putNumbers = ({ rowBytes, start, places }: PlacedTensor, { at, row, count }: Run): number => {
  const { froms } = places[0]!
  for (let i = 0; i < count; i++) froms[row + i] = at - start + i * rowBytes
  return padded(at + count * rowBytes)
}

/** Where the tensor ends. */
const putTexts = (
  { rowBytes, places }: PlacedTensor,
  words: Int32Array,
  { at, row, count }: Run,
): number => {
  let word = at
  let next = at + count * rowBytes
  for (let i = row; i < row + count; i++) {
    for (const { froms, characters } of places) {
      froms[i] = word
      characters[i] = next
      next += words[word >> 2]! >> 1
      word += 4
    }
  }
  return padded(next)
}
