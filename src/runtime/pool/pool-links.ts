/** What a data thread has of the compute threads: a bell and a port to each. */

import type { MessagePort } from 'node:worker_threads'
import { THREAD_WORDS } from '../../shared/shared-memory.ts'
import {
  type SentRequest,
  type SentResult,
  transferable,
  WAKE,
  type Withdrawn,
} from './pool-messages.ts'

/** The queue of one pooled version, as its links know it. */
export interface LinkedQueue {
  /** Some of its slots may be done. */
  look(): void
  onResult(result: SentResult): void
  /** What was sent to this thread and not taken by it is gone. */
  onReplaced(thread: number): void
  readonly hosts: readonly number[]
  /** Milliseconds until what waits is worked off, if nothing else is; of all data threads. */
  waitingMs(): number
  /** Milliseconds of a full batch. */
  turnMs(): number
}

/**
 * Whether the thread of these words must be woken by a message: its bell is raised by the first who
 * finds it down, and lowered by itself before it looks and sleeps.
 */
export const raiseBell = (words: Int32Array): boolean =>
  Atomics.load(words, THREAD_WORDS.BELL) === 0 &&
  Atomics.compareExchange(words, THREAD_WORDS.BELL, 0, 1) === 0

export class PoolLinks {
  readonly #own: Int32Array
  readonly #computeWords: readonly Int32Array[]
  readonly #ports: (MessagePort | undefined)[] = []
  readonly #queues = new Map<number, LinkedQueue>()
  /** Where the search for one to send to begins. */
  #turn = 0

  /** `own`: words of the data thread. `computeWords`: of each compute thread. */
  constructor(own: Int32Array, computeWords: readonly Int32Array[]) {
    this.#own = own
    this.#computeWords = computeWords
  }

  /** Pools that this thread uses. */
  get pools(): number[] {
    return [...this.#queues.keys()]
  }

  add(pool: number, queue: LinkedQueue): void {
    this.#queues.set(pool, queue)
  }

  remove(pool: number): void {
    this.#queues.delete(pool)
  }

  /** A compute thread has started, or another one in its place. */
  connect(thread: number, port: MessagePort): void {
    this.#ports[thread] = port
    port.on('message', this.#onMessage)
    for (const queue of this.#queues.values()) queue.onReplaced(thread)
  }

  /** Looks at all slots: also what was said in vain to a thread that has died is noticed so. */
  readonly look = (): void => {
    Atomics.store(this.#own, THREAD_WORDS.BELL, 0)
    for (const queue of this.#queues.values()) queue.look()
  }

  /** Something is ready: a thread that sleeps is woken. Those awake look by themselves. */
  ring(hosts: readonly number[]): void {
    for (let i = 0; i < hosts.length; i++) {
      const thread = hosts[i]!
      if (!raiseBell(this.#computeWords[thread]!)) continue
      this.#ports[thread]?.postMessage(WAKE)
      return
    }
  }

  /** Whether all of these threads are awake. */
  areBusy(hosts: readonly number[]): boolean {
    for (const thread of hosts) {
      if (Atomics.load(this.#computeWords[thread]!, THREAD_WORDS.BELL) === 0) return false
    }
    return true
  }

  /**
   * Milliseconds of runs of other versions that come before `ownMs` of one are through: versions on
   * one thread take turns by time, so another one has at most as much, and a batch.
   */
  othersMs(own: LinkedQueue, ownMs: number): number {
    if (this.#queues.size === 1) return 0
    let sum = 0
    for (const other of this.#queues.values()) {
      if (other === own || !other.hosts.some((host) => own.hosts.includes(host))) continue
      const waitingMs = other.waitingMs()
      if (waitingMs > 0) sum += Math.min(waitingMs, ownMs + other.turnMs())
    }
    return sum
  }

  /** The thread that gets the tensors of a request: one that sleeps, else the next in turn. */
  choose(hosts: readonly number[]): number {
    this.#turn++
    for (let i = 0; i < hosts.length; i++) {
      const thread = hosts[(this.#turn + i) % hosts.length]!
      if (Atomics.load(this.#computeWords[thread]!, THREAD_WORDS.BELL) === 0) return thread
    }
    return hosts[this.#turn % hosts.length]!
  }

  /** Hands tensors over; they must not be used any more. */
  send(thread: number, request: SentRequest): void {
    const { tensors, transfer } = transferable(request.tensors)
    const sent: SentRequest = { ...request, tensors }
    this.#ports[thread]?.postMessage(sent, transfer)
  }

  /** What was handed over is not to be run. */
  withdraw(thread: number, request: Pick<Withdrawn, 'pool' | 'slot' | 'generation'>): void {
    const withdrawn: Withdrawn = { ...request, tensors: null }
    this.#ports[thread]?.postMessage(withdrawn)
  }

  readonly #onMessage = (message: SentResult | typeof WAKE): void => {
    if (message === WAKE) this.look()
    else this.#queues.get(message.pool)?.onResult(message)
  }
}
