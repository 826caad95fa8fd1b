/** Data threads that do what a test says, when it says so. They run in the thread of the test. */

import type { StartThread, ThreadHandlers } from '../../src/server/data-threads.ts'
import type { DataThreadStart, ToDataThread } from '../../src/server/thread-messages.ts'
import type { PrepareFailure } from '../../src/shared/epoch-plan.ts'
import type { ForwardedCall } from '../../src/shared/forwarded-call.ts'
import { mapReplicaMemory, type ReplicaMemory } from '../../src/shared/shared-memory.ts'

export type Told<T extends ToDataThread['type']> = Extract<ToDataThread, { type: T }>

export class PuppetThread {
  readonly start: DataThreadStart
  readonly memory: ReplicaMemory
  /** Everything it was told, in order. */
  readonly told: ToDataThread[] = []
  readonly #handlers: ThreadHandlers

  constructor(start: DataThreadStart, handlers: ThreadHandlers) {
    this.start = start
    this.memory = mapReplicaMemory(
      start.memory,
      start.settings.threads,
      start.settings.computeThreads,
    )
    this.#handlers = handlers
  }

  get words(): Int32Array {
    return this.memory.threads[this.start.thread]!.words
  }

  get counters(): Float64Array {
    return this.memory.threads[this.start.thread]!.counters
  }

  tolds<T extends ToDataThread['type']>(type: T): Told<T>[] {
    return this.told.filter((message): message is Told<T> => message.type === type)
  }

  last<T extends ToDataThread['type']>(type: T): Told<T> {
    const message = this.tolds(type).at(-1)
    if (message === undefined) throw new Error(`Thread was not told to ${type}`)
    return message
  }

  /** Answers a prepare: the last one, unless told which. */
  prepared(failures: readonly PrepareFailure[] = [], number = this.last('prepare').number): void {
    this.#handlers.onMessage({ type: 'prepared', number, failures })
  }

  listening(failure: string | null = null): void {
    const { number } = this.last('listen')
    this.#handlers.onMessage({ type: 'listening', number, engine: 'uws', failure })
  }

  fault(requestId: string, detail: string): void {
    this.#handlers.onMessage({ type: 'fault', requestId, detail })
  }

  /** Asks control something. */
  call(number: number, call: ForwardedCall): void {
    this.#handlers.onMessage({ type: 'call', number, call })
  }

  /** Tells which versions it holds. */
  held(...versions: number[]): void {
    this.#handlers.onMessage({ type: 'held', versions })
  }

  fail(error: unknown): void {
    this.#handlers.onError(error)
  }

  end(): void {
    this.#handlers.onEnded()
  }
}

/** `startThread` for a `DataThreads` or an `Agent`, and the puppets that it made. */
export const puppetThreads = (): { threads: PuppetThread[]; startThread: StartThread } => {
  const threads: PuppetThread[] = []
  return {
    threads,
    startThread: (start, handlers) => {
      const thread = new PuppetThread(start, handlers)
      threads.push(thread)
      return (message) => thread.told.push(message)
    },
  }
}
