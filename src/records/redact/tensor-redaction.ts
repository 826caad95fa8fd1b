/** What redaction does to the tensors of an entry, where they stand. */

import type { EntryCursor } from '../entry-cursor.ts'
import type { EntryTensor } from '../entry-tensors.ts'
import type { Buckets } from './buckets.ts'

/** Elements `from .. to - 1` of a tensor. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Nothing is left of them: zeros, and texts of as many NULs. */
export const blank = ({ bytes }: EntryCursor, tensor: EntryTensor, { from, to }: Span): void => {
  const { data, places } = tensor
  for (let i = from; i < to; i++) {
    const place = places[i]
    if (place !== undefined) bytes.fill(0, place.at, place.at + (place.word >> 1))
    // Nor in what has been read: patterns are looked for there, and what has one is written again.
    if (isTexts(data)) data[i] = ''
    else if (isNumbers(data)) data[i] = 0
    else if (isBigints(data)) data[i] = 0n
  }
}

type Numbers = Extract<
  EntryTensor['data'],
  { [index: number]: number; fill(value: number): unknown }
>
type Bigints = BigInt64Array | BigUint64Array

const isTexts = (data: EntryTensor['data']): data is string[] => Array.isArray(data)
const isBigints = (data: EntryTensor['data']): data is Bigints =>
  data instanceof BigInt64Array || data instanceof BigUint64Array
const isNumbers = (data: EntryTensor['data']): data is Numbers => !isTexts(data) && !isBigints(data)

/** Each number becomes the lower bound of its bucket. */
export const bucketNumbers = (
  { data }: EntryTensor,
  { from, to }: Span,
  buckets: Buckets,
): void => {
  for (let i = from; i < to; i++) {
    if (isNumbers(data)) data[i] = buckets.lowerBound(data[i]!)
    else if (isBigints(data)) data[i] = buckets.lowerBoundWide(data[i]!)
  }
}

/** Writes another text of the same length over one. `isMade`: what is made of it; false if none. */
export const rewriteTexts = (
  { bytes }: EntryCursor,
  { data, places }: EntryTensor,
  { from, to }: Span,
  made: (text: string) => string,
): boolean => {
  let isChanged = false
  for (let i = from; i < to; i++) {
    const place = places[i]
    const text = data[i]
    if (place === undefined || typeof text !== 'string') continue
    const other = made(text)
    if (other === text) continue
    isChanged = true
    data[i] = other
    bytes.write(other, place.at, (place.word & 1) === 0 ? 'latin1' : 'utf16le')
  }
  return isChanged
}
