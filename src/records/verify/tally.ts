/**
 * What has been found of one producer, sequence by sequence: a bit for those that are there, a byte
 * for those that have a reason, in blocks that exist only where there is something to note.
 */

const BLOCK = 65_536
const WORDS = BLOCK / 32

interface Block {
  readonly present: Uint32Array
  /** Number of a reason, 0: none; null: for none of the block. */
  reasons: Uint8Array | null
}

/** A run of sequences that are not there; '': nobody knows why. */
export interface Hole {
  readonly from: number
  readonly to: number
  readonly reason: string
}

export class Tally {
  readonly #blocks = new Map<number, Block>()
  readonly #names: string[] = ['']
  present = 0
  duplicates = 0
  /** Highest sequence of which anything is known; 0: none. */
  highest = 0

  /** Notes a record. */
  record(sequence: number): void {
    if (this.#mark(sequence)) this.present++
    else this.duplicates++
  }

  /** The same, of a record that may be on its way into a file that was read already. */
  recordOnce(sequence: number): void {
    if (this.#mark(sequence)) this.present++
  }

  /** Notes why a run has no records; what is there stays there, and the first reason counts. */
  explain(from: number, to: number, reason: string): void {
    const number = this.#numberOf(reason)
    this.highest = Math.max(this.highest, to)
    for (let start = from; start <= to; ) {
      const block = this.#block(Math.floor(start / BLOCK))
      const blockEnd = (Math.floor(start / BLOCK) + 1) * BLOCK
      const end = Math.min(to + 1, blockEnd)
      block.reasons ??= new Uint8Array(BLOCK)
      for (let sequence = start; sequence < end; sequence++) {
        const at = sequence % BLOCK
        if (block.reasons[at] === 0) block.reasons[at] = number
      }
      start = end
    }
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
      const skipped = this.#uniform(sequence, to, found)
      sequence += skipped
    }
    if (start >= 0) yield { from: start, to, reason: this.#names[reason]! }
  }

  /** -1: it is there. */
  #reasonAt(sequence: number): number {
    const block = this.#blocks.get(Math.floor(sequence / BLOCK))
    if (block === undefined) return 0
    const at = sequence % BLOCK
    if (((block.present[at >> 5]! >>> (at & 31)) & 1) === 1) return -1
    return block.reasons?.[at] ?? 0
  }

  /** How many behind `sequence` are like it, as far as that is quickly told. */
  #uniform(sequence: number, to: number, found: number): number {
    const block = this.#blocks.get(Math.floor(sequence / BLOCK))
    const at = sequence % BLOCK
    if (block === undefined) return Math.max(0, Math.min(to - sequence, BLOCK - 1 - at))
    if ((at & 31) !== 0 || sequence + 31 > to) return 0
    const word = block.present[at >> 5]!
    if (found < 0) return word === 0xffffffff ? 31 : 0
    return word === 0 && block.reasons === null ? 31 : 0
  }

  /** False: it was noted before. */
  #mark(sequence: number): boolean {
    const { present } = this.#block(Math.floor(sequence / BLOCK))
    const at = sequence % BLOCK
    const bit = 1 << (at & 31)
    if ((present[at >> 5]! & bit) !== 0) return false
    present[at >> 5]! |= bit
    if (sequence > this.highest) this.highest = sequence
    return true
  }

  #block(index: number): Block {
    let block = this.#blocks.get(index)
    if (block === undefined) {
      block = { present: new Uint32Array(WORDS), reasons: null }
      this.#blocks.set(index, block)
    }
    return block
  }

  #numberOf(reason: string): number {
    const known = this.#names.indexOf(reason, 1)
    // Names come from files: more of them than a byte counts are one.
    if (known > 0 || this.#names.length > 250) return known > 0 ? known : 250
    return this.#names.push(reason) - 1
  }
}
