/** An entry put together anew behind its tensors: with another id, other extras, another text. */

import { CHECK_AT, ENTRY_WORD, entryCheck, LENGTH_AT, padded } from '../entry.ts'
import type { EntryCursor } from '../entry-cursor.ts'
import { type Extra, extrasBytes, putExtras } from '../extras.ts'
import { putText, SIZE, type TextTarget, textBytes } from '../text-writing.ts'

export interface EntryTail {
  readonly requestId: string | null
  readonly extras: readonly Extra[]
  readonly text: string | null
}

/** Where the tensors end: at the first section behind them. */
const tensorsEnd = (cursor: EntryCursor): number => {
  const { REQUEST_ID, EXTRAS, TEXT } = ENTRY_WORD
  const tails = [REQUEST_ID, EXTRAS, TEXT].map((word) => cursor.section(word))
  return Math.min(cursor.length, ...tails.filter((at) => at > 0))
}

const textSectionBytes = (text: string | null): number =>
  text === null ? 0 : padded(4 + textBytes(text, SIZE.MOST))

export class EntryBuilder {
  #bytes = new Uint8Array(0)
  #words = new Int32Array(0)

  /** Header and tensors of the entry that is open, and `tail`. Good until the next call. */
  build(cursor: EntryCursor, { requestId, extras, text }: EntryTail): Uint8Array {
    const written = {
      rows: extras.map(({ row }) => row),
      features: extras.map(({ place }) => place),
      texts: extras.map((each) => each.text),
      isCut: false,
    }
    const tensors = tensorsEnd(cursor)
    const most =
      textSectionBytes(requestId) + extrasBytes(written, SIZE.MOST) + textSectionBytes(text)
    this.#reserve(tensors + most)
    const target: TextTarget = { bytes: this.#bytes, words: this.#words }
    target.bytes.set(cursor.bytes.subarray(0, tensors))
    let end = tensors
    const section = (word: number, isThere: boolean, put: (at: number) => number): void => {
      target.words[word] = isThere ? end : 0
      if (isThere) end = put(end)
    }
    section(ENTRY_WORD.REQUEST_ID, requestId !== null, (at) => putText(target, at, requestId!))
    section(ENTRY_WORD.EXTRAS, extras.length > 0, (at) => putExtras(target, at, written))
    section(ENTRY_WORD.TEXT, text !== null, (at) => putText(target, at, text!))
    target.words[LENGTH_AT] = end
    target.words[CHECK_AT] = entryCheck(target.words, 0, end)
    return target.bytes.subarray(0, end)
  }

  #reserve(length: number): void {
    if (this.#bytes.length >= length) return
    const buffer = new ArrayBuffer(padded(length * 2))
    this.#bytes = new Uint8Array(buffer)
    this.#words = new Int32Array(buffer)
  }
}
