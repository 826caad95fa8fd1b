/**
 * The life of a spool thread: takes messages, lets the spool work, sleeps. It never comes back to
 * an event loop, which would wake it later than the bell does.
 */

import type { Durability } from '../../shared/record-settings.ts'
import { THREAD_STATE, THREAD_WORDS } from '../../shared/shared-memory.ts'
import { enterState } from '../../shared/thread-state.ts'
import type { FromSpool, ToSpool } from './spool-messages.ts'
import type { SpoolWriter, StepOutcome } from './spool-writer.ts'

const BEAT_MS = 250
/** Between two attempts at the last word. */
const DRAIN_MS = 20

/**
 * Longest sleeps in milliseconds. Nobody waits for `memory`: the spool gathers what comes within
 * 10 ms, of which a ring of 4 MiB holds eleven times what 100,000 records a second bring. Else the
 * bell ends the sleep, unless the disk is the reason for it.
 */
const SLEEPS_MS: Readonly<Record<'memory' | 'others', Readonly<Record<StepOutcome, number>>>> = {
  memory: { more: 0, worked: 10, idle: 50, blocked: 100 },
  others: { more: 0, worked: BEAT_MS, idle: BEAT_MS, blocked: 100 },
}

export interface SpoolLoopTerms {
  readonly spool: Pick<SpoolWriter, 'begin' | 'step' | 'finish' | 'giveUp' | 'isEmpty'>
  readonly durability: Durability
  /** Of the spool's memory. */
  readonly words: Int32Array
  readonly monotonic: () => number
  /** The next message, if there is one. */
  receive(): ToSpool | null
  /** Takes layouts; they may be named when this returns. */
  onLayouts(message: ToSpool & { readonly type: 'layouts' }): void
  tell(message: FromSpool): void
  /** Waits until the word at `index` is not `value`, at most so long. */
  wait(words: Int32Array, index: number, value: number, ms: number): void
  beat(): void
}

class SpoolLoop {
  readonly #terms: SpoolLoopTerms
  readonly #sleeps: Readonly<Record<StepOutcome, number>>
  #deadlineMs: number | null = null
  #ended: readonly number[] = []
  #beatMs = -Infinity

  constructor(terms: SpoolLoopTerms) {
    this.#terms = terms
    this.#sleeps = SLEEPS_MS[terms.durability === 'memory' ? 'memory' : 'others']
  }

  /** Returns when the thread has drained. */
  run(): void {
    const { spool } = this.#terms
    const step = () => spool.step()
    let outcome = this.#atDisk(() => spool.begin())
    for (;;) {
      this.#beat()
      this.#takeMessages()
      if (this.#deadlineMs !== null) {
        if (this.#drain(this.#deadlineMs)) return
        continue
      }
      if (outcome !== 'more') this.#sleep(outcome)
      outcome = this.#atDisk(step)
    }
  }

  /** All of this may wait for the disk: nobody must take that for a fault of this thread. */
  #atDisk<Value>(work: () => Value): Value {
    const { words } = this.#terms
    enterState(words, THREAD_STATE.WRITE)
    try {
      return work()
    } finally {
      enterState(words, THREAD_STATE.IDLE)
    }
  }

  #drain(deadlineMs: number): boolean {
    const { spool, words, monotonic, tell, wait } = this.#terms
    if (this.#atDisk(() => spool.finish(this.#ended))) {
      tell({ type: 'drained', lost: 0 })
      return true
    }
    if (monotonic() >= deadlineMs) {
      tell({ type: 'drained', lost: this.#atDisk(() => spool.giveUp()) })
      return true
    }
    wait(words, THREAD_WORDS.BELL, 1, DRAIN_MS)
    return false
  }

  #sleep(outcome: StepOutcome): void {
    const { spool, words, durability, wait } = this.#terms
    if (outcome === 'blocked') {
      // The bell stays up: whoever rings it would only be kept from his work.
      wait(words, THREAD_WORDS.BELL, 1, this.#sleeps.blocked)
      return
    }
    Atomics.store(words, THREAD_WORDS.BELL, 0)
    // What came before the bell was down has rung nothing.
    const isWanted = this.#takeMessages() || (durability !== 'memory' && !spool.isEmpty)
    if (!isWanted) wait(words, THREAD_WORDS.BELL, 0, this.#sleeps[outcome])
    Atomics.store(words, THREAD_WORDS.BELL, 1)
  }

  /** Whether there were any. */
  #takeMessages(): boolean {
    const { receive, onLayouts, tell, monotonic } = this.#terms
    let count = 0
    for (let message = receive(); message !== null; message = receive()) {
      count++
      if (message.type === 'layouts') {
        onLayouts(message)
        tell({ type: 'layoutsTaken', number: message.number })
      } else {
        this.#deadlineMs ??= monotonic() + message.limitMs
        this.#ended = message.ended
      }
    }
    return count > 0
  }

  #beat(): void {
    const nowMs = this.#terms.monotonic()
    if (nowMs - this.#beatMs < BEAT_MS) return
    this.#beatMs = nowMs
    this.#terms.beat()
  }
}

/** Runs a spool until it has drained. */
export const runSpool = (terms: SpoolLoopTerms): void => new SpoolLoop(terms).run()
