/** Answers that wait for their records, over a ring whose other end a test holds. */

import {
  claim,
  mapRecordRing,
  publish,
  RING_WORD,
  recordRingBytes,
  writtenEnd,
} from '../../src/records/ring/record-ring.ts'
import { HeldAnswers } from '../../src/server/held-answers.ts'
import type { Pending } from '../../src/server/pending.ts'
import { PuppetTurns } from './puppet-turns.ts'

const RING_BYTES = 64 * 1024

/** Held answers over a ring whose other end a test holds. */
export class HeldWorld {
  readonly turns = new PuppetTurns()
  readonly ring = mapRecordRing(new SharedArrayBuffer(recordRingBytes(RING_BYTES)), 0, RING_BYTES)
  readonly released: number[] = []
  undurable = 0
  bells = 0
  readonly refused: number[] = []
  onRelease = () => {}
  readonly held: HeldAnswers

  constructor(mayDrop: boolean, bytesMax = 1e9) {
    this.held = new HeldAnswers({
      ...{ ring: this.ring, mayDrop, bytesMax, monotonic: () => this.turns.monotonic() },
      soon: (task) => this.turns.soon(task),
      wakeSpool: () => {
        this.bells++
      },
      release: ({ sequence }) => {
        this.released.push(sequence)
        this.onRelease()
      },
      refuse: ({ sequence }) => {
        this.refused.push(sequence)
        this.onRelease()
      },
      onUndurable: () => {
        this.undurable++
      },
    })
  }

  /** One more record in the ring: where it ends. */
  write(): number {
    claim(this.ring, 2)
    publish(this.ring, 2)
    return writtenEnd(this.ring)
  }

  /** An answer that waits, if it must. */
  answer(sequence: number, bytes = 0, timeoutMs = Number.POSITIVE_INFINITY): boolean {
    const end = this.write()
    if (!this.held.mustWait(end)) return false
    const held = this.held.hold(end, this.turns.nowMs, bytes)
    held.sequence = sequence
    held.pending = { deadlineMs: this.turns.nowMs + timeoutMs } as Pending
    return true
  }

  set(word: keyof typeof RING_WORD, value: number): void {
    Atomics.store(this.ring.head, RING_WORD[word], value)
  }

  get wantsWake(): boolean {
    return this.ring.head[RING_WORD.WANTS_WAKE] === 1
  }
}
