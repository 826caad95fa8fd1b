/**
 * Which sequences of one producer have been shipped: every one once, however often the spool holds
 * it. Exact, in bounded memory: two bits for each sequence of a window that moves up behind the
 * floor, and the few runs below it that never came.
 */

import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** Both ends included. */
export type Run = readonly [from: number, to: number]

/** What is kept of a set in the state file. */
export interface SeenSnapshot {
  readonly base: number
  /** Bits from `base` on, 32-bit words in base64 of zstd; where nearly all are alike, short. */
  readonly recorded: string
  readonly explained: string
  readonly holes: readonly Run[]
}

/** Sequences below the floor that stay in the window: what is written twice comes soon after. */
const KEPT = 65_536
/** A window of more is no window: 16 MiB each. */
const WINDOW_MAX = 2 ** 27
const FIRST_WORDS = 1024

const pack = (words: Uint32Array): string => {
  let length = words.length
  while (length > 0 && words[length - 1] === 0) length--
  const bytes = new Uint8Array(words.buffer, 0, length * 4)
  return zstdCompressSync(bytes).toString('base64')
}

const unpack = (text: string): Uint32Array => {
  const bytes = zstdDecompressSync(Buffer.from(text, 'base64'), { maxOutputLength: WINDOW_MAX / 8 })
  const words = new Uint32Array(Math.max(FIRST_WORDS, bytes.length >> 2))
  new Uint8Array(words.buffer).set(bytes.subarray(0, bytes.length & ~3))
  return words
}

const enlarged = (words: Uint32Array, length: number): Uint32Array<ArrayBuffer> => {
  const larger = new Uint32Array(length)
  larger.set(words)
  return larger
}

export class SeenSet {
  /** A multiple of 32. Lower sequences are settled, but for those in `holes`. */
  #base = 0
  #recorded = new Uint32Array(FIRST_WORDS)
  #explained = new Uint32Array(FIRST_WORDS)
  #holes: Run[] = []

  constructor(snapshot?: SeenSnapshot) {
    // There is no sequence 0.
    if (snapshot === undefined) this.#explained[0] = 1
    else {
      this.#base = snapshot.base
      const [recorded, explained] = [unpack(snapshot.recorded), unpack(snapshot.explained)]
      const words = Math.max(recorded.length, explained.length)
      this.#recorded = enlarged(recorded, words)
      this.#explained = enlarged(explained, words)
      this.#holes = [...snapshot.holes]
    }
  }

  /**
   * All sequences below `floor` are settled, and above it those in `runs`: what an account tells
   * without a set.
   */
  static upTo(floor: number, runs: readonly Run[] = []): SeenSet {
    const set = new SeenSet()
    set.#base = Math.floor(floor / 32) * 32
    set.#explained.fill(0)
    for (let sequence = set.#base; sequence < floor; sequence++) set.record(sequence)
    for (const [from, to] of runs) {
      for (let sequence = from; sequence <= to; sequence++) set.record(sequence)
    }
    return set
  }

  snapshot(): SeenSnapshot {
    const [recorded, explained] = [pack(this.#recorded), pack(this.#explained)]
    return { base: this.#base, recorded, explained, holes: this.#holes }
  }

  /** Notes a record. False: it was noted before. */
  record(sequence: number): boolean {
    if (sequence < this.#base) return this.#fillHole(sequence)
    if (sequence - this.#base >= this.#recorded.length * 32) this.#grow(sequence - this.#base)
    const word = (sequence - this.#base) >>> 5
    const bit = 1 << (sequence & 31)
    if ((this.#recorded[word]! & bit) !== 0) return false
    this.#recorded[word]! |= bit
    return true
  }

  /** Whether it is known to have no record; below the window that is forgotten. */
  isExplained(sequence: number): boolean {
    const at = sequence - this.#base
    if (at < 0 || at >= this.#explained.length * 32) return false
    return (this.#explained[at >>> 5]! & (1 << (sequence & 31))) !== 0
  }

  /** Notes that these have no record. Returns those that were not settled before. */
  explain(from: number, to: number): Run[] {
    if (to < from) return []
    if (to - this.#base >= this.#recorded.length * 32) this.#grow(to - this.#base)
    const fresh = this.#explainHoles(from, to)
    for (const run of this.#unsettledInWindow(from, to)) {
      this.#mark(run[0], run[1])
      fresh.push(run)
    }
    return fresh
  }

  /** Runs between `from` and `to` that have neither record nor explanation, in order. */
  unsettled(from: number, to: number): Run[] {
    const below = this.#holes
      .filter(([start, end]) => end >= from && start <= to)
      .map(([start, end]): Run => [Math.max(start, from), Math.min(end, to)])
    return [...below, ...this.#unsettledInWindow(from, to)]
  }

  /** Every sequence below `floor` is settled, or never will be: the window moves up. */
  advance(floor: number): void {
    this.#moveTo(Math.floor((floor - KEPT) / 32) * 32)
  }

  /** Nobody will ask for sequences below `to` but to hear that they are settled. */
  forget(to: number): void {
    this.#moveTo(Math.floor(to / 32) * 32)
    this.#holes = []
  }

  #unsettledInWindow(from: number, to: number): Run[] {
    const runs: Run[] = []
    const end = Math.min(to + 1, this.#base + this.#recorded.length * 32)
    let start = -1
    let sequence = Math.max(from, this.#base)
    while (sequence < end) {
      const settled = this.#wordAt((sequence - this.#base) >>> 5)
      // All 32 of a word alike, as nearly everywhere.
      const isWhole = (sequence & 31) === 0 && sequence + 32 <= end
      const step = isWhole && (settled === 0 || settled === -1) ? 32 : 1
      const isSettled = ((settled >>> (sequence & 31)) & 1) === 1
      if (!isSettled && start < 0) start = sequence
      if (isSettled && start >= 0) {
        runs.push([start, sequence - 1])
        start = -1
      }
      sequence += step
    }
    if (start < 0 && sequence <= to) start = sequence
    if (start >= 0) runs.push([start, to])
    return runs
  }

  #wordAt(word: number): number {
    return this.#recorded[word]! | this.#explained[word]!
  }

  #mark(from: number, to: number): void {
    let sequence = from
    while (sequence <= to) {
      const word = (sequence - this.#base) >>> 5
      const isWhole = (sequence & 31) === 0 && sequence + 31 <= to
      this.#explained[word]! |= isWhole ? -1 : 1 << (sequence & 31)
      sequence += isWhole ? 32 : 1
    }
  }

  #moveTo(base: number): void {
    if (base <= this.#base) return
    this.#holes.push(...this.#unsettledInWindow(this.#base, base - 1))
    const words = (base - this.#base) / 32
    for (const bits of [this.#recorded, this.#explained]) {
      bits.copyWithin(0, Math.min(words, bits.length))
      bits.fill(0, Math.max(0, bits.length - words))
    }
    this.#base = base
  }

  /** Makes room for the bit at `at` from the base, which itself may move up. */
  #grow(at: number): void {
    let wanted = at
    if (at >= WINDOW_MAX) {
      const base = Math.floor((this.#base + at - WINDOW_MAX / 2) / 32) * 32
      wanted -= base - this.#base
      this.#moveTo(base)
    }
    const words = 2 ** Math.ceil(Math.log2((wanted >>> 5) + 1))
    if (words <= this.#recorded.length) return
    this.#recorded = enlarged(this.#recorded, words)
    this.#explained = enlarged(this.#explained, words)
  }

  #fillHole(sequence: number): boolean {
    const index = this.#holes.findIndex(([from, to]) => sequence >= from && sequence <= to)
    if (index < 0) return false
    this.#cutHole(index, sequence, sequence)
    return true
  }

  #explainHoles(from: number, to: number): Run[] {
    const fresh: Run[] = []
    for (let index = this.#holes.length - 1; index >= 0; index--) {
      const [start, end] = this.#holes[index]!
      if (end < from || start > to) continue
      const cut: Run = [Math.max(start, from), Math.min(end, to)]
      fresh.unshift(cut)
      this.#cutHole(index, cut[0], cut[1])
    }
    return fresh
  }

  #cutHole(index: number, from: number, to: number): void {
    const [start, end] = this.#holes[index]!
    const rest: Run[] = []
    if (start < from) rest.push([start, from - 1])
    if (end > to) rest.push([to + 1, end])
    this.#holes.splice(index, 1, ...rest)
  }
}
