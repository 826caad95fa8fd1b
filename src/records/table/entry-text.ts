/** A text as it lies in an entry: a text word, and its characters in Latin-1 or UTF-16. */

import type { FrameViews } from '../shipping/frame-views.ts'
import type { Column } from './column.ts'

const isAscii = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let i = from; i < to; i++) if (bytes[i]! >= 0x80) return false
  return true
}

/** The text of a text word whose characters begin at byte `at`. */
export const textAt = ({ bytes }: FrameViews, word: number, at: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + at, word >> 1).toString(
    (word & 1) === 0 ? 'latin1' : 'utf16le',
  )

/** Writes that text into a column, most often without making a string of it. */
export const putEntryText = (
  column: Column,
  row: number,
  frame: FrameViews,
  { word, at }: { readonly word: number; readonly at: number },
): void => {
  const to = at + (word >> 1)
  if ((word & 1) === 0 && isAscii(frame.bytes, at, to)) {
    column.words[row] = column.texts!.put(frame.bytes, at, to)
  } else column.setText(row, textAt(frame, word, at))
}
