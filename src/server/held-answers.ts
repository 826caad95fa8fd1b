/**
 * Stage 7 of the request path where `records.durability` is `process` or `power`: answers wait, in
 * the order of their records, until these are on disk as far as was asked.
 *
 * ```
 * hold -> bell, when a run is over or once a turn -> the spool thread writes, raises DURABLE
 *      -> look, at the end of each turn -> release
 *         nothing else to do for some turns: WANTS_WAKE -> message of the spool thread -> look
 * ```
 *
 * Who finds nothing raises WANTS_WAKE and looks once more; the spool thread raises DURABLE before
 * it looks at WANTS_WAKE: one of the two sees the other. The beat of the thread looks as well, for
 * what no message tells: a spool thread that has died, an answer that is late.
 *
 * Under `records.when_full: drop` an answer is worth more than its record: where the spool says
 * that it cannot write, or nothing comes of it for long, answers go out all the same and are
 * counted; so do the oldest where all together are too large. Under `wait` nothing is admitted
 * then, and where the spool says that it cannot write, what waits already is refused, at its
 * deadline or when it has waited for long. Its record stays as it is: it tells what the model
 * answered, as that of a client that has gone.
 */

import { isDurable, type RecordRing, RING_WORD, SPOOL_STATE } from '../records/ring/record-ring.ts'
import { HeldAnswer } from './held-answer.ts'

/**
 * Looks in vain after which a thread asks to be woken. The first may come before the batch of its
 * turn, which holds more; each further one keeps a core from the spool thread (of 8, 15 % of the
 * CPU of a request with 128 connections, where both share one).
 */
const IDLE_TURNS_MAX = 2

/** An answer that has waited so long goes out; under `wait` as a refusal, if nothing is written. */
export const HOLD_MS_MAX = 5000

const CAPACITY_FIRST = 64

export interface HeldSurroundings {
  readonly ring: RecordRing
  /** Answers may go out without their records. */
  readonly mayDrop: boolean
  /** Of all bodies that are held; one alone may have more. */
  readonly bytesMax: number
  monotonic(): number
  /** Calls back at the end of this turn of the event loop. */
  soon(task: () => void): void
  /** Wakes the spool thread if it sleeps. */
  wakeSpool(): void
  /** Lets an answer go out. Must not throw. */
  release(held: HeldAnswer): void
  /** Answers with a refusal instead. Must not throw. */
  refuse(held: HeldAnswer): void
  /** One more has gone out whose record is not safe. */
  onUndurable(): void
}

/** Whether it is past its deadline, or has waited for long. */
const isOver = ({ pending, heldMs }: HeldAnswer, nowMs: number): boolean =>
  nowMs - heldMs >= HOLD_MS_MAX || (pending !== null && nowMs >= pending.deadlineMs)

export class HeldAnswers {
  readonly #around: HeldSurroundings
  /** A ring of objects: `#count` from `#first` on are held, the others wait to be used again. */
  #slots: HeldAnswer[] = Array.from({ length: CAPACITY_FIRST }, () => new HeldAnswer())
  #first = 0
  #count = 0
  /** Of the bodies of all that are held. */
  #bytes = 0
  /** Most that were held at a time since none was. */
  #countMost = 0
  #isBellDue = false
  #isLookDue = false
  #isReleasing = false
  /** WANTS_WAKE may be up. */
  #isWakeWanted = false
  /** Looks in a row that let nothing go out. */
  #idleTurns = 0

  constructor(around: HeldSurroundings) {
    this.#around = around
  }

  get count(): number {
    return this.#count
  }

  /** Objects that there are: some multiple of those that were held of late. */
  get capacity(): number {
    return this.#slots.length
  }

  /** As many bytes are held as may be: nothing is to be admitted that could bring more. */
  get isFull(): boolean {
    return !this.#around.mayDrop && this.#bytes >= this.#around.bytesMax
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

  /**
   * An object to be filled, which is held from now on. `end`: of `RecordWriter.write`; `bytes`: of
   * its body.
   */
  hold(end: number, nowMs: number, bytes = 0): HeldAnswer {
    if (this.#around.mayDrop && this.#bytes + bytes > this.#around.bytesMax) this.#makeRoom(bytes)
    if (this.#count === this.#slots.length) this.#grow()
    const held = this.#slots[this.#placeOf(this.#count)]!
    this.#count++
    if (this.#count > this.#countMost) this.#countMost = this.#count
    this.#bytes += bytes
    held.end = end
    held.heldMs = nowMs
    held.bytes = bytes
    this.#isBellDue = true
    this.#idleTurns = 0
    // It is awake, and looks at the end of the turn: a message would cost both threads 5 us.
    if (this.#isWakeWanted) this.#wantWake(0)
    this.#lookSoon()
    return held
  }

  /**
   * No answer more comes just now: rings. Where both threads share a core, the spool thread has
   * written when this goes on.
   */
  readonly ring = (): void => {
    if (!this.#isBellDue) return
    this.#wakeSpool()
    this.#releaseDue()
  }

  /** The spool thread has posted its message, or the thread beats. */
  readonly look = (): void => {
    this.#releaseDue()
    if (!this.#around.mayDrop && !this.#isSpoolWell) this.#refuseLate()
    if (this.#count > 0) this.#lookSoon()
  }

  /** The thread ends: what may go out without its record does, all else is refused. */
  close(): void {
    this.#releaseDue()
    while (this.#count > 0) this.#leave(this.#around.mayDrop ? 'undurable' : 'refused')
  }

  get #isSpoolWell(): boolean {
    return Atomics.load(this.#around.ring.head, RING_WORD.SPOOL_STATE) === SPOOL_STATE.WELL
  }

  #lookSoon(): void {
    if (this.#isLookDue) return
    this.#isLookDue = true
    this.#around.soon(this.#lookNow)
  }

  readonly #lookNow = (): void => {
    this.#isLookDue = false
    // Not before: for the record of one request alone a futex would be paid (4.4 us).
    if (this.#isBellDue) this.#wakeSpool()
    if (this.#releaseDue() > 0) this.#idleTurns = 0
    if (this.#count === 0) return
    if (++this.#idleTurns < IDLE_TURNS_MAX) {
      this.#lookSoon()
      return
    }
    this.#wantWake(1)
    this.#releaseDue()
    if (this.#count === 0) this.#wantWake(0)
  }

  #wakeSpool(): void {
    this.#isBellDue = false
    this.#around.wakeSpool()
  }

  #wantWake(isWanted: 0 | 1): void {
    Atomics.store(this.#around.ring.head, RING_WORD.WANTS_WAKE, isWanted)
    this.#isWakeWanted = isWanted === 1
  }

  /** Lets everything go out that need not wait any more; how many that were. */
  #releaseDue(): number {
    if (this.#isReleasing) return 0
    this.#isReleasing = true
    const { ring, mayDrop } = this.#around
    let released = 0
    try {
      while (this.#count > 0 && isDurable(ring, this.#slots[this.#first]!.end)) {
        this.#leave('durable')
        released++
      }
      while (mayDrop && this.#count > 0 && (!this.#isSpoolWell || this.#isLate())) {
        this.#leave('undurable')
        released++
      }
    } finally {
      this.#isReleasing = false
    }
    if (this.#count === 0) this.#shrink()
    return released
  }

  /** Refuses what has waited too long, wherever it stands; the others move up. */
  #refuseLate(): void {
    const nowMs = this.#around.monotonic()
    const late: HeldAnswer[] = []
    let kept = 0
    for (let i = 0; i < this.#count; i++) {
      const at = this.#placeOf(i)
      const held = this.#slots[at]!
      if (isOver(held, nowMs)) {
        late.push(held)
        this.#bytes -= held.bytes
        this.#slots[at] = new HeldAnswer()
      } else {
        const to = this.#placeOf(kept++)
        this.#slots[at] = this.#slots[to]!
        this.#slots[to] = held
      }
    }
    this.#count = kept
    for (const held of late) this.#around.refuse(held)
  }

  /** Of the answer that is held `index` behind the first. */
  #placeOf(index: number): number {
    return (this.#first + index) & (this.#slots.length - 1)
  }

  /** Where answers go out already, the one that comes meanwhile is but one more. */
  #makeRoom(bytes: number): void {
    this.#releaseDue()
    if (this.#isReleasing) return
    this.#isReleasing = true
    try {
      while (this.#count > 0 && this.#bytes + bytes > this.#around.bytesMax) {
        this.#leave('undurable')
      }
    } finally {
      this.#isReleasing = false
    }
  }

  #isLate(): boolean {
    return this.#around.monotonic() - this.#slots[this.#first]!.heldMs > HOLD_MS_MAX
  }

  /** The first one is no longer held. Whatever happens here, it does not come again. */
  #leave(how: 'durable' | 'undurable' | 'refused'): void {
    const held = this.#slots[this.#first]!
    try {
      if (how === 'undurable') this.#around.onUndurable()
      if (how === 'refused') this.#around.refuse(held)
      else this.#around.release(held)
    } finally {
      this.#bytes -= held.bytes
      held.clear()
      this.#first = this.#placeOf(1)
      this.#count--
    }
  }

  /** After a stall, what it took is given back: half of it each time that half of half will do. */
  #shrink(): void {
    const { length } = this.#slots
    if (length > CAPACITY_FIRST && this.#countMost * 4 <= length) {
      this.#slots.length = length / 2
      this.#first = 0
    }
    this.#countMost = 0
  }

  #grow(): void {
    const held = [...this.#slots.slice(this.#first), ...this.#slots.slice(0, this.#first)]
    this.#slots = [...held, ...held.map(() => new HeldAnswer())]
    this.#first = 0
  }
}
