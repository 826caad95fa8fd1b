/** The tensors of an entry, read by its layout. */

import { type Datatype, elementCount, NUMERIC_ARRAYS, type NumericArray } from '../shared/tensor.ts'
import { padded, RANK_MAX } from './entry.ts'
import { type EntryCursor, EntryInvalid } from './entry-cursor.ts'
import type { RecordValue } from './record.ts'
import type { LayoutTensor } from './record-layout.ts'
import { copyBytes, copyOf } from './write-plan.ts'

/** Elements of one tensor of an entry, of all its rows. */
export interface EntryTensor {
  readonly datatype: Datatype
  /** Dimensions of one row. */
  readonly shape: readonly number[]
  readonly rowElements: number
  /** As many as rows times `rowElements`, in the memory of the cursor. */
  readonly data: EntryData
  /** Of text: where each begins, in bytes, and its text word. */
  readonly places: readonly TextPlace[]
}

export type EntryData = NumericArray | string[]

export interface TextPlace {
  readonly at: number
  readonly word: number
}

/** How the rows of an entry lie in its tensors. */
export interface SectionTerms {
  readonly at: number
  readonly isFree: boolean
  readonly hasRows: boolean
  readonly rows: number
}

const readShape = (cursor: EntryCursor, at: number): { shape: number[]; end: number } => {
  const rank = cursor.word(at)
  if (rank < 0 || rank > RANK_MAX) throw new EntryInvalid(`rank ${rank}`)
  cursor.within(at + 4, rank, 4)
  const shape = Array.from({ length: rank }, (_, i) => cursor.words[(at >> 2) + 1 + i]!)
  return { shape, end: padded(at + 4 + 4 * rank) }
}

const readTexts = (cursor: EntryCursor, at: number, count: number) => {
  const texts: string[] = []
  const places: TextPlace[] = []
  let next = at + 4 * count
  for (let i = 0; i < count; i++) {
    const word = cursor.words[(at >> 2) + i]!
    texts.push(cursor.characters(next, word))
    places.push({ at: next, word })
    next += word >> 1
  }
  return { data: texts, places, end: padded(next) }
}

const readData = (cursor: EntryCursor, at: number, datatype: Datatype, count: number) => {
  const size = copyBytes(copyOf(datatype))
  cursor.within(at, count, size)
  if (datatype === 'BYTES') return readTexts(cursor, at, count)
  const data = new NUMERIC_ARRAYS[datatype](cursor.words.buffer, at, count)
  return { data, places: [], end: padded(at + count * size) }
}

/** Reads a section; throws EntryInvalid where it is none of these tensors. */
export const readTensors = (
  cursor: EntryCursor,
  tensors: readonly LayoutTensor[],
  { at, isFree, hasRows, rows }: SectionTerms,
): EntryTensor[] => {
  let next = at
  return tensors.map(({ datatype, shape: wanted }) => {
    let shape = wanted
    if (isFree) ({ shape, end: next } = readShape(cursor, next))
    const rowElements = elementCount(shape)
    if (rowElements < 0) throw new EntryInvalid(`a row of shape ${shape}`)
    const { data, places, end } = readData(
      cursor,
      next,
      datatype,
      hasRows ? rows * rowElements : rowElements,
    )
    next = end
    return { datatype, shape, rowElements, data, places }
  })
}

/** One element as a value: 64-bit integers that a double holds are numbers. */
export const elementValue = ({ datatype, data }: EntryTensor, index: number): RecordValue => {
  const element = data[index]
  if (element === undefined) return null
  if (datatype === 'BOOL') return element !== 0
  if (typeof element !== 'bigint') return element
  const number = Number(element)
  return Number.isSafeInteger(number) ? number : element
}

const nested = (tensor: EntryTensor, from: number, shape: readonly number[]): RecordValue => {
  const [size, ...inner] = shape
  if (size === undefined) return elementValue(tensor, from)
  const stride = elementCount(inner)
  return Array.from({ length: size }, (_, i) => nested(tensor, from + i * stride, inner))
}

/**
 * One row as a value: the element itself where it is one, else lists nested like its shape. Without
 * elements it is an empty list: a shape of 2 ** 31 by 0 is not worth as many.
 */
export const rowValue = (tensor: EntryTensor, row: number): RecordValue => {
  const { shape, rowElements } = tensor
  if (rowElements === 1) return elementValue(tensor, row)
  if (rowElements === 0) return []
  return nested(tensor, row * rowElements, shape)
}
