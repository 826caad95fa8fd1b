/**
 * Filling a column from a batch of entries, straight from their bytes: no record is made, and of a
 * number no object. Each fill is a loop over one column, which is what the compiler does best.
 */

import type { Datatype } from '../../shared/tensor.ts'
import { mayMiss } from '../entry-instances.ts'
import type { RecordValue } from '../record.ts'
import type { FrameViews } from '../shipping/frame-views.ts'
import type { Column } from './column.ts'
import { setLong } from './column.ts'
import { READ_NUMBER, type ReadNumber, valueAt } from './elements.ts'
import { putEntryText } from './entry-text.ts'
import { jsonOf, textOf } from './value.ts'

/** Rows of entries of one layout and one producer. */
export interface EntryBatch {
  readonly producer: string
  readonly frame: FrameViews
  /**
   * Of each row from index `start` to before `end`: where an entry of one row would begin, in bytes
   * of the frame; for a text, where its word lies (row-places.ts).
   */
  readonly froms: Int32Array
  /** Of a text: where its characters lie. */
  readonly characters: Int32Array
  /** Where the header of its entry lies. */
  readonly headers: Int32Array
  readonly start: number
  readonly end: number
}

/** Writes the values of a batch into rows of a column from `row` on. */
export type Fill = (batch: EntryBatch, column: Column, row: number) => void

type Numeric = Exclude<Datatype, 'BYTES'>

/** The same value in every row. */
export const fillWith =
  (value: (batch: EntryBatch) => string | number | null): Fill =>
  (batch, column, row) => {
    const { start, end } = batch
    const each = value(batch)
    const count = end - start
    if (each === null) for (let i = 0; i < count; i++) column.setNull(row + i)
    else if (typeof each === 'number')
      for (let i = 0; i < count; i++) column.setNumber(row + i, each)
    else column.words.fill(column.texts!.putText(each), row, row + count)
  }

/** A double of the header; NaN is null where `isNanNull`. */
export const fillDouble =
  (at: number, isNanNull: boolean): Fill =>
  ({ frame: { doubles }, froms, start, end }, column, row) => {
    const to = column.doubles
    for (let i = start, next = row; i < end; i++, next++) {
      const value = doubles[(froms[i]! >> 3) + at]!
      to[next] = value
      if (isNanNull && Number.isNaN(value)) column.setNull(next)
    }
  }

/** A double of the header that is a safe integer, times `factor`. */
export const fillInteger =
  (at: number, convert: (value: number) => number = (value) => value): Fill =>
  ({ frame: { doubles }, froms, start, end }, column, row) => {
    for (let i = start, next = row; i < end; i++, next++) {
      setLong(column.words, next, convert(doubles[(froms[i]! >> 3) + at]!))
    }
  }

/** A word of the header; negative ones are null where `isNegativeNull`. */
export const fillWord =
  (at: number, isNegativeNull: boolean): Fill =>
  ({ frame: { words }, froms, start, end }, column, row) => {
    for (let i = start, next = row; i < end; i++, next++) {
      const value = words[(froms[i]! >> 2) + at]!
      column.words[next] = value
      if (isNegativeNull && value < 0) column.setNull(next)
    }
  }

/** The text that a word of the header stands for. */
export const fillNamed =
  (at: number, nameOf: (word: number) => string): Fill =>
  ({ frame: { words }, froms, start, end }, column, row) => {
    let last = 0
    let text = -1
    for (let i = start, next = row; i < end; i++, next++) {
      const word = words[(froms[i]! >> 2) + at]!
      if (word !== last || text < 0) {
        text = column.texts!.putText(nameOf(word))
        last = word
      }
      column.words[next] = text
    }
  }

/** What an element of a tensor becomes. */
export interface ElementTerms {
  readonly datatype: Numeric
  /** Bytes from the start of the entry. */
  readonly at: number
  /** NaN stands for a value that was missing, if `mayMiss`. */
  readonly isNanNull: boolean
}

const doubles32 =
  ({ at, isNanNull }: ElementTerms): Fill =>
  ({ frame: { floats, words }, froms, headers, start, end }, column, row) => {
    const to = column.doubles
    for (let i = start, next = row; i < end; i++, next++) {
      const value = floats[(froms[i]! + at) >> 2]!
      to[next] = value
      if (isNanNull && Number.isNaN(value) && mayMiss(words, headers[i]!)) column.setNull(next)
    }
  }

const INT64_LIMIT = 2 ** 63

/** Writes a number into a column of any type but text; what it cannot hold is null. */
const putNumber = (column: Column, row: number, value: number): void => {
  const { type } = column
  if (type === 'double') column.doubles[row] = value
  else if (type === 'boolean') column.words[row] = value === 0 ? 0 : 1
  else if (!Number.isInteger(value)) column.setNull(row)
  else if (type === 'uint64' ? value < 0 || value >= 2 * INT64_LIMIT : outOfInt64(value)) {
    column.setNull(row)
  } else setLong(column.words, row, value)
}

const outOfInt64 = (value: number): boolean => value < -INT64_LIMIT || value >= INT64_LIMIT

const numbers =
  (read: ReadNumber, { at, isNanNull }: ElementTerms): Fill =>
  ({ frame, froms, headers, start, end }, column, row) => {
    for (let i = start, next = row; i < end; i++, next++) {
      const value = read(frame, froms[i]! + at)
      const isMissing = isNanNull && Number.isNaN(value) && mayMiss(frame.words, headers[i]!)
      if (isMissing) column.setNull(next)
      else putNumber(column, next, value)
    }
  }

/** 64-bit integers into a column of 64 bits, as they are. */
const longs =
  ({ at }: ElementTerms): Fill =>
  ({ frame: { words }, froms, start, end }, column, row) => {
    for (let i = start, next = row; i < end; i++, next++) {
      const from = (froms[i]! + at) >> 2
      column.words[2 * next] = words[from]!
      column.words[2 * next + 1] = words[from + 1]!
    }
  }

/** An element as a value of its column, which is none of text. */
export const fillElement = (terms: ElementTerms, column: Pick<Column, 'type'>): Fill => {
  const { datatype } = terms
  const isSame =
    (datatype === 'INT64' && column.type === 'int64') ||
    (datatype === 'UINT64' && column.type === 'uint64')
  if (isSame) return longs(terms)
  if (datatype === 'FP32' && column.type === 'double') return doubles32(terms)
  return numbers(READ_NUMBER[datatype], terms)
}

/** An element as text: the category of its code, or the value itself. */
export const fillCategory =
  ({ datatype, at, isNanNull }: ElementTerms, vocabulary: readonly string[] | null): Fill =>
  ({ frame, froms, headers, start, end }, column, row) => {
    const known = new Map<number | bigint | boolean, number>()
    for (let i = start, next = row; i < end; i++, next++) {
      const value = valueAt(datatype, frame, froms[i]! + at)
      if (isNanNull && Number.isNaN(value) && mayMiss(frame.words, headers[i]!)) {
        column.setNull(next)
        continue
      }
      let text = known.get(value)
      if (text === undefined) {
        text = column.texts!.putText(vocabulary?.[Number(value)] ?? textOf(value))
        known.set(value, text)
      }
      column.words[next] = text
    }
  }

/** A text of the entry itself. */
export const fillCharacters: Fill = ({ frame, froms, characters, start, end }, column, row) => {
  for (let i = start, next = row; i < end; i++, next++) {
    const word = frame.words[froms[i]! >> 2]!
    putEntryText(column, next, frame, { word, at: characters[i]! })
  }
}

/** Any value of a row, made one by one; null where there is none. */
export const fillText =
  (textAt: (frame: FrameViews, from: number) => string | null): Fill =>
  ({ frame, froms, start, end }, column, row) => {
    for (let i = start, next = row; i < end; i++, next++) {
      const text = textAt(frame, froms[i]!)
      if (text === null) column.setNull(next)
      else column.setText(next, text)
    }
  }

/** A row of several elements, nested like its shape, as JSON. */
export const listText = (
  datatype: Numeric,
  at: number,
  bytesEach: number,
  shape: readonly number[],
): ((frame: FrameViews, from: number) => string) => {
  const nested = (frame: FrameViews, from: number, depth: number): RecordValue => {
    const size = shape[depth]
    if (size === undefined) return valueAt(datatype, frame, from)
    const stride = shape.slice(depth + 1).reduce((product, each) => product * each, bytesEach)
    return Array.from({ length: size }, (_, i) => nested(frame, from + i * stride, depth + 1))
  }
  const isPlain = !['BOOL', 'INT64', 'UINT64'].includes(datatype) && shape.length === 1
  if (!isPlain) return (frame, from) => jsonOf(nested(frame, from + at, 0))
  // The usual one, probabilities by class, without lists: a third of the time.
  const read = READ_NUMBER[datatype]
  const count = shape[0]!
  return (frame, from) => {
    let text = '['
    for (let i = 0; i < count; i++) {
      const value = read(frame, from + at + i * bytesEach)
      text += (i === 0 ? '' : ',') + (Number.isFinite(value) ? value : `"${value}"`)
    }
    return `${text}]`
  }
}
