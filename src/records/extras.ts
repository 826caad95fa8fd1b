/**
 * The extras of an entry: what stands for a value in place of what its tensor holds. Written by a
 * data thread for unseen categories and missing values, and by redaction for what became text.
 */

import { ENTRY_WORD, padded } from './entry.ts'
import { type EntryCursor, EntryInvalid } from './entry-cursor.ts'
import { pad, putCharacters, type TextTarget, textsBytes } from './text-writing.ts'
import type { WrittenExtras } from './write-facts.ts'

export interface Extra {
  readonly row: number
  /** Index of a feature of the layout; behind them come its outputs. */
  readonly place: number
  /** null: the value was missing. */
  readonly text: string | null
}

/** Words of each before the characters of all: row, place, text word. */
const EXTRA_WORDS = 3
/** Instead of a text word. */
const MISSING = -1

/** In the order in which they stand. Throws EntryInvalid. */
export const readExtras = (cursor: EntryCursor): Extra[] => {
  const at = cursor.section(ENTRY_WORD.EXTRAS)
  if (at === 0) return []
  const count = cursor.word(at)
  if (count < 0) throw new EntryInvalid(`${count} extras`)
  cursor.within(at + 4, count, 4 * EXTRA_WORDS)
  let next = at + 4 + 4 * EXTRA_WORDS * count
  const extras: Extra[] = []
  for (let i = 0; i < count; i++) {
    const word = (at >> 2) + 1 + i * EXTRA_WORDS
    const textWord = cursor.words[word + 2]!
    const text = textWord === MISSING ? null : cursor.characters(next, textWord)
    if (textWord !== MISSING) next += textWord >> 1
    extras.push({ row: cursor.words[word]!, place: cursor.words[word + 1]!, text })
  }
  return extras
}

/** Bytes of the section, a multiple of 8; `size`: SIZE. */
export const extrasBytes = ({ texts }: WrittenExtras, size: number): number =>
  padded(4 + 4 * EXTRA_WORDS * texts.length + textsBytes(texts, 0, texts.length, size))

/** Writes the section from byte `at` on; where it ends. Both are multiples of 8. */
export const putExtras = (
  target: TextTarget,
  at: number,
  { rows, features, texts }: WrittenExtras,
): number => {
  const { words } = target
  const count = texts.length
  let word = at >> 2
  let end = at + 4 + 4 * EXTRA_WORDS * count
  words[word++] = count
  for (let i = 0; i < count; i++) {
    const text = texts[i]!
    const textWord = text === null ? MISSING : putCharacters(target, end, text)
    words[word++] = rows[i]!
    words[word++] = features[i]!
    words[word++] = textWord
    if (text !== null) end += textWord >> 1
  }
  return pad(target, end)
}
