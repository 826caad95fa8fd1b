/** What data threads are told of the spool, beside how far it has come. */

import { GAP_REASON } from '../reasons.ts'
import { type RecordRing, RING_WORD, SPOOL_STATE } from '../ring/record-ring.ts'

export interface StateHandlers {
  /** SPOOL_STATE is another one, and why. */
  onState(state: number, detail: string): void
  /** DURABLE or SPOOL_STATE of this thread's ring has changed, and it wants to know. */
  wake(thread: number): void
}

/** Why records find no room in the ring, and are lost when they are given up, by SPOOL_STATE. */
const REASONS: Readonly<Record<number, number>> = {
  [SPOOL_STATE.FULL]: GAP_REASON.SPOOL_FULL,
  [SPOOL_STATE.DISK_FULL]: GAP_REASON.DISK_FULL,
  [SPOOL_STATE.IO_ERROR]: GAP_REASON.IO_ERROR,
}

export class SpoolState {
  readonly #rings: readonly RecordRing[]
  readonly #handlers: StateHandlers
  #state: number = SPOOL_STATE.WELL

  constructor(rings: readonly RecordRing[], handlers: StateHandlers) {
    this.#rings = rings
    this.#handlers = handlers
    for (const { head } of rings) Atomics.store(head, RING_WORD.SPOOL_STATE, this.#state)
  }

  get isWell(): boolean {
    return this.#state === SPOOL_STATE.WELL
  }

  /** GAP_REASON of what is lost if it is given up now. */
  get reason(): number {
    return REASONS[this.#state] ?? GAP_REASON.KILLED
  }

  set(state: number, detail: string): void {
    if (state === this.#state) return
    this.#state = state
    for (const [thread, { head }] of this.#rings.entries()) {
      Atomics.store(head, RING_WORD.SPOOL_STATE, state)
      this.wake(thread)
    }
    this.#handlers.onState(state, detail)
  }

  /** Wakes a data thread that wants it. */
  wake(thread: number): void {
    const { head } = this.#rings[thread]!
    if (Atomics.load(head, RING_WORD.WANTS_WAKE) === 0) return
    if (Atomics.exchange(head, RING_WORD.WANTS_WAKE, 0) !== 0) this.#handlers.wake(thread)
  }
}
