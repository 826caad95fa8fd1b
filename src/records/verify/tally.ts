/**
 * What has been found of one producer, sequence by sequence: a bit for those that are in a file,
 * another for those that lie in the spool, a byte for those that have a reason; in blocks that are
 * there only where there is something to note.
 */

const BLOCK = 65_536
const WORDS = BLOCK / 32

interface Block {
  readonly present: Uint32Array
  /** null: none of the block lies in the spool. */
  spooled: Uint32Array | null
  /** Number of a reason, 0: none; null: for none of the block. */
  reasons: Uint8Array | null
}

/** A run of sequences that are not there; '': nobody knows why. */
export interface Hole {
  readonly from: number
  readonly to: number
  readonly reason: string
}

/** Longer runs are none: years of the highest rate. */
const RUN_MAX = 2 ** 40
const NAMES_MAX = 250

const hasBit = (words: Uint32Array, at: number): boolean =>
  ((words[at >> 5]! >>> (at & 31)) & 1) === 1

/** Ones in a word (Hacker's Delight, 5-1). */
const onesIn = (word: number): number => {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

export class Tally {
  readonly #blocks = new Map<number, Block>()
  #lastBlock = -1
  readonly #names: string[] = ['']
  /** Records that are in a file more than once. */
  duplicates = 0
  /** Highest sequence of which anything is known; 0: none. */
  highest = 0

  /** Sequences that are in a file, or in the spool. */
  get present(): number {
    let count = 0
    for (const { present, spooled } of this.#blocks.values()) {
      for (let i = 0; i < WORDS; i++) count += onesIn(present[i]! | (spooled?.[i] ?? 0))
    }
    return count
  }

  /** Notes a record in a file. */
  record(sequence: number): void {
    const { present } = this.#block(sequence)
    const at = sequence % BLOCK
    if (hasBit(present, at)) this.duplicates++
    present[at >> 5]! |= 1 << (at & 31)
  }

  /** Notes a record in the spool, which may be on its way into a file. */
  recordSpooled(sequence: number): void {
    const block = this.#block(sequence)
    const at = sequence % BLOCK
    block.spooled ??= new Uint32Array(WORDS)
    block.spooled[at >> 5]! |= 1 << (at & 31)
  }

  /**
   * Notes why a run has no records; what is there stays there, and the first reason counts.
   *
   * @throws RangeError where it is no run
   */
  explain(from: number, to: number, reason: string): void {
    if (!(from >= 0 && to >= from && to - from < RUN_MAX)) throw new RangeError('No run')
    const number = this.#numberOf(reason)
    for (let start = from; start <= to; ) {
      const block = this.#block(start)
      const end = Math.min(to + 1, (Math.floor(start / BLOCK) + 1) * BLOCK)
      block.reasons ??= new Uint8Array(BLOCK)
      for (let sequence = start; sequence < end; sequence++) {
        const at = sequence % BLOCK
        if (block.reasons[at] === 0) block.reasons[at] = number
      }
      start = end
    }
    this.highest = Math.max(this.highest, to)
  }

  /** Runs between `from` and `to` that are not there, in order. */
  *holes(from: number, to: number): Generator<Hole> {
    let start = -1
    let reason = 0
    for (let sequence = from; sequence <= to; sequence++) {
      const found = this.#reasonAt(sequence)
      if (start >= 0 && found !== reason) {
        yield { from: start, to: sequence - 1, reason: this.#names[reason]! }
        start = -1
      }
      if (start < 0 && found >= 0) start = sequence
      reason = found
      sequence += this.#alike(sequence, to, found)
    }
    if (start >= 0) yield { from: start, to, reason: this.#names[reason]! }
  }

  /** -1: it is there. */
  #reasonAt(sequence: number): number {
    const block = this.#blocks.get(Math.floor(sequence / BLOCK))
    if (block === undefined) return 0
    const at = sequence % BLOCK
    const { present, spooled, reasons } = block
    if (hasBit(present, at) || (spooled !== null && hasBit(spooled, at))) return -1
    return reasons?.[at] ?? 0
  }

  /** How many behind `sequence` are like it, as far as that is quickly told. */
  #alike(sequence: number, to: number, found: number): number {
    const index = Math.floor(sequence / BLOCK)
    if (index > this.#lastBlock) return to - sequence
    const block = this.#blocks.get(index)
    const at = sequence % BLOCK
    if (block === undefined) return Math.min(to - sequence, BLOCK - 1 - at)
    if ((at & 31) !== 0 || sequence + 31 > to) return 0
    const word = block.present[at >> 5]! | (block.spooled?.[at >> 5] ?? 0)
    if (found < 0) return word === -1 ? 31 : 0
    return word === 0 && block.reasons === null ? 31 : 0
  }

  #block(sequence: number): Block {
    if (sequence > this.highest) this.highest = sequence
    const index = Math.floor(sequence / BLOCK)
    let block = this.#blocks.get(index)
    if (block === undefined) {
      block = { present: new Uint32Array(WORDS), spooled: null, reasons: null }
      this.#blocks.set(index, block)
      this.#lastBlock = Math.max(this.#lastBlock, index)
    }
    return block
  }

  #numberOf(reason: string): number {
    const known = this.#names.indexOf(reason, 1)
    if (known > 0) return known
    // Names come from files: more of them than a byte counts are one.
    if (this.#names.length > NAMES_MAX) return NAMES_MAX
    return this.#names.push(reason) - 1
  }
}
