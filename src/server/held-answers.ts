/**
 * Stage 7 of the request path where `records.durability` is `process` or `power`: answers wait, in
 * the order of their records, until these are on disk as far as was asked.
 *
 * ```
 * hold -> bell, once a callback -> the spool thread writes, raises DURABLE
 *      -> look, at the end of each turn of the event loop -> release
 *         nothing else to do for some turns: WANTS_WAKE -> message of the spool thread -> look
 * ```
 *
 * Who finds nothing raises WANTS_WAKE and looks once more; the spool thread raises DURABLE before
 * it looks at WANTS_WAKE: one of the two sees the other. The beat of the thread looks as well, for
 * what no message tells: a spool thread that has died, an answer that is late.
 *
 * Under `records.when_full: drop` an answer is worth more than its record: where the spool says
 * that it cannot write, or nothing comes of it for long, answers go out all the same and are
 * counted.
 */

import { isDurable, type RecordRing, RING_WORD, SPOOL_STATE } from '../records/ring/record-ring.ts'
import { HeldAnswer } from './held-answer.ts'

/**
 * Looks in vain after which a thread asks to be woken. The first may come before the batch of its
 * turn, which holds more; each further one keeps a core from the spool thread (of 8, 15 % of the
 * CPU of a request with 128 connections, where both share one).
 */
const IDLE_TURNS_MAX = 2

/** Under `drop`: an answer that has waited so long goes out. */
export const HOLD_MS_MAX = 5000

const CAPACITY_FIRST = 64

export interface HeldSurroundings {
  readonly ring: RecordRing
  /** Answers may go out without their records. */
  readonly mayDrop: boolean
  monotonic(): number
  /** Calls back at the end of this turn of the event loop. */
  soon(task: () => void): void
  /** Wakes the spool thread if it sleeps. */
  wakeSpool(): void
  /** Lets an answer go out. Must not throw. */
  release(held: HeldAnswer): void
  /** One more has gone out whose record is not safe. */
  onUndurable(): void
}

export class HeldAnswers {
  readonly #around: HeldSurroundings
  /** A ring of objects: `#count` from `#first` on are held, the others wait to be used again. */
  #slots: HeldAnswer[] = Array.from({ length: CAPACITY_FIRST }, () => new HeldAnswer())
  #first = 0
  #count = 0
  #isBellDue = false
  #isLookDue = false
  #isReleasing = false
  /** Looks in a row that let nothing go out. */
  #idleTurns = 0

  constructor(around: HeldSurroundings) {
    this.#around = around
  }

  get count(): number {
    return this.#count
  }

  /** Whether an answer whose record ends at `end` has to wait. */
  mustWait(end: number): boolean {
    const { ring, mayDrop } = this.#around
    // Behind what is held already, in its order.
    if (this.#count === 0 && isDurable(ring, end)) return false
    if (!mayDrop || this.#isSpoolWell) return true
    this.#around.onUndurable()
    return false
  }

  /** An object to be filled, which is held from now on. `end`: of `RecordWriter.write`. */
  hold(end: number, nowMs: number): HeldAnswer {
    if (this.#count === this.#slots.length) this.#grow()
    const held = this.#slots[(this.#first + this.#count) & (this.#slots.length - 1)]!
    this.#count++
    held.end = end
    held.heldMs = nowMs
    if (!this.#isBellDue) {
      this.#isBellDue = true
      queueMicrotask(this.#ringBell)
    }
    this.#idleTurns = 0
    this.#lookSoon()
    return held
  }

  /** The spool thread has posted its message, or the thread beats. */
  readonly look = (): void => {
    this.#releaseDue()
    if (this.#count > 0) this.#lookSoon()
  }

  /** The thread ends: what may go out without its record does. */
  close(): void {
    this.#releaseDue()
    while (this.#around.mayDrop && this.#count > 0) this.#releaseFirst(false)
  }

  get #isSpoolWell(): boolean {
    return Atomics.load(this.#around.ring.head, RING_WORD.SPOOL_STATE) === SPOOL_STATE.WELL
  }

  readonly #ringBell = (): void => {
    this.#isBellDue = false
    this.#around.wakeSpool()
  }

  #lookSoon(): void {
    if (this.#isLookDue) return
    this.#isLookDue = true
    this.#around.soon(this.#lookNow)
  }

  readonly #lookNow = (): void => {
    this.#isLookDue = false
    if (this.#releaseDue() > 0) this.#idleTurns = 0
    if (this.#count === 0) return
    if (++this.#idleTurns < IDLE_TURNS_MAX) {
      this.#lookSoon()
      return
    }
    Atomics.store(this.#around.ring.head, RING_WORD.WANTS_WAKE, 1)
    this.#releaseDue()
  }

  /** Lets everything go out that need not wait any more; how many that were. */
  #releaseDue(): number {
    if (this.#isReleasing) return 0
    this.#isReleasing = true
    const { ring, mayDrop } = this.#around
    let released = 0
    while (this.#count > 0 && isDurable(ring, this.#slots[this.#first]!.end)) {
      this.#releaseFirst(true)
      released++
    }
    while (mayDrop && this.#count > 0 && (!this.#isSpoolWell || this.#isLate())) {
      this.#releaseFirst(false)
      released++
    }
    this.#isReleasing = false
    return released
  }

  #isLate(): boolean {
    return this.#around.monotonic() - this.#slots[this.#first]!.heldMs > HOLD_MS_MAX
  }

  #releaseFirst(isSafe: boolean): void {
    const held = this.#slots[this.#first]!
    if (!isSafe) this.#around.onUndurable()
    this.#around.release(held)
    held.clear()
    this.#first = (this.#first + 1) & (this.#slots.length - 1)
    this.#count--
  }

  #grow(): void {
    const held = [...this.#slots.slice(this.#first), ...this.#slots.slice(0, this.#first)]
    this.#slots = [...held, ...held.map(() => new HeldAnswer())]
    this.#first = 0
  }
}
