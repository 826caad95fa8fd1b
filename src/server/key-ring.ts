/**
 * Finds the key that a client sent among those that are known by their SHA-256.
 *
 * One round of SHA-256 suffices, without salt and without work to slow it down: a key of `sluice
 * key new` has 256 random bits, so that nobody who reads a hash can find it by trying, which is all
 * that slow hashes are against. Nothing is cached: who knows a key and who does not pay the same.
 *
 * All keys are compared, every time, by arithmetic without a branch: how long it takes tells
 * neither which key it was nor how much of a wrong one is right. 7 ns a key; SHA-256 takes 2 us.
 */

import { hash } from 'node:crypto'

const DIGEST_WORDS = 8

/** Longer texts are no keys. */
const KEY_LENGTH_MAX = 512

export class KeyRing {
  /** The digests, one after the other. */
  readonly #words: Int32Array
  readonly #digest = new Int32Array(DIGEST_WORDS)

  /** `digests`: SHA-256 in hexadecimal digits, distinct. */
  constructor(digests: readonly string[]) {
    this.#words = new Int32Array(digests.length * DIGEST_WORDS)
    for (const [i, digest] of digests.entries()) {
      this.#words.set(wordsOf(Buffer.from(digest, 'hex')), i * DIGEST_WORDS)
    }
  }

  /** Index of a key; -1: unknown. */
  find(key: string): number {
    if (key.length === 0 || key.length > KEY_LENGTH_MAX) return -1
    // Header values are latin1.
    this.#digest.set(wordsOf(hash('sha256', Buffer.from(key, 'latin1'), 'buffer')))
    return this.#indexOf(this.#digest)
  }

  /** Unrolled: 7 in place of 12 ns a key. */
  #indexOf(digest: Int32Array): number {
    const words = this.#words
    const [d0, d1, d2, d3] = [digest[0]!, digest[1]!, digest[2]!, digest[3]!]
    const [d4, d5, d6, d7] = [digest[4]!, digest[5]!, digest[6]!, digest[7]!]
    let found = 0
    for (let at = 0, number = 1; at < words.length; at += DIGEST_WORDS, number++) {
      const differs =
        (words[at]! ^ d0) |
        (words[at + 1]! ^ d1) |
        (words[at + 2]! ^ d2) |
        (words[at + 3]! ^ d3) |
        (words[at + 4]! ^ d4) |
        (words[at + 5]! ^ d5) |
        (words[at + 6]! ^ d6) |
        (words[at + 7]! ^ d7)
      // All ones where nothing differs, else 0.
      found |= number & (((differs | -differs) >> 31) ^ -1)
    }
    return found - 1
  }
}

const wordsOf = (digest: Buffer): number[] =>
  Array.from({ length: DIGEST_WORDS }, (_, i) => digest.readInt32LE(i * 4))
