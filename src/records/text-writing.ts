/** Texts into memory: Latin-1 where that can hold them, else UTF-16; so all come back alike. */

/** Memory that is written to: a ring, or an entry that is put together anew. */
export interface TextTarget {
  readonly bytes: Uint8Array
  /** The same memory. */
  readonly words: Int32Array
}

/** How exactly a text is measured: MOST and LEAST take no look at its characters. */
export const SIZE = { MOST: 0, LEAST: 1, EXACT: 2 } as const

const exactBytes = (text: string): number => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0xff) return text.length * 2
  return text.length
}

/** Bytes of a text without its word. `size`: SIZE. */
export const textBytes = (text: string, size: number): number => {
  if (size === SIZE.MOST) return text.length * 2
  return size === SIZE.LEAST ? text.length : exactBytes(text)
}

/** The same of `count` texts from `from` on. */
export const textsBytes = (
  texts: readonly (string | null)[],
  from: number,
  count: number,
  size: number,
): number => {
  let bytes = 0
  for (let i = from; i < from + count; i++) {
    const text = texts[i]
    if (text !== null) bytes += textBytes(text!, size)
  }
  return bytes
}

/** Writes the characters from byte `at` on; their text word: bytes << 1 | isTwoByte. */
export const putCharacters = ({ bytes }: TextTarget, at: number, text: string): number => {
  const { length } = text
  let i = 0
  for (; i < length; i++) {
    const c = text.charCodeAt(i)
    if (c > 0xff) break
    bytes[at + i] = c
  }
  if (i === length) return length << 1
  let next = at
  for (i = 0; i < length; i++) {
    const c = text.charCodeAt(i)
    bytes[next++] = c & 0xff
    bytes[next++] = c >> 8
  }
  return (length << 2) | 1
}

/** Zeros from `at` up to the next multiple of 8, which is returned. */
export const pad = ({ bytes }: TextTarget, at: number): number => {
  let next = at
  while ((next & 7) !== 0) bytes[next++] = 0
  return next
}

/** Writes a text behind its word, from `at` on, a multiple of 8; where the padding ends. */
export const putText = (target: TextTarget, at: number, text: string): number => {
  const word = putCharacters(target, at + 4, text)
  target.words[at >> 2] = word
  return pad(target, at + 4 + (word >> 1))
}

/** Writes `count` texts from `from` on behind their words; where the padding ends. */
export const putTexts = (
  target: TextTarget,
  at: number,
  texts: readonly string[],
  from: number,
  count: number,
): number => {
  let next = at + 4 * count
  for (let i = 0; i < count; i++) {
    const word = putCharacters(target, next, texts[from + i]!)
    target.words[(at >> 2) + i] = word
    next += word >> 1
  }
  return pad(target, next)
}
