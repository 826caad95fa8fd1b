/** Compute threads that do what a test says. They run in the thread of the test. */

import type { ComputeThreadStart, ToComputeThread } from '../../src/runtime/pool/pool-messages.ts'
import type { ComputeThreadHandlers, StartComputeThread } from '../../src/server/compute-threads.ts'
import type { Refusal } from '../../src/shared/errors.ts'
import { atEnd } from './clean-up.ts'

type Told<T extends ToComputeThread['type']> = Extract<ToComputeThread, { type: T }>

export class PuppetComputeThread {
  readonly start: ComputeThreadStart
  /** Everything it was told, in order. */
  readonly told: ToComputeThread[] = []
  readonly #handlers: ComputeThreadHandlers

  constructor(start: ComputeThreadStart, handlers: ComputeThreadHandlers) {
    this.start = start
    this.#handlers = handlers
  }

  tolds<T extends ToComputeThread['type']>(type: T): Told<T>[] {
    return this.told.filter((message): message is Told<T> => message.type === type)
  }

  /** `<model> v<version>` of each load that it was told. */
  get loads(): string[] {
    return this.tolds('load').map(({ planned }) => `${planned.model} v${planned.version}`)
  }

  /** Answers every load that it was told, well or with a failure. */
  loaded(failure: Pick<Refusal, 'code' | 'detail'> | null = null): void {
    for (const { grant } of this.tolds('load')) {
      this.#handlers.onMessage({ type: 'loaded', pool: grant.pool, failure })
    }
  }

  end(): void {
    this.#handlers.onEnded()
  }
}

/** `startComputeThread`, and the puppets that it made, in the order of their start. */
export const puppetComputeThreads = (): {
  computeThreads: PuppetComputeThread[]
  startComputeThread: StartComputeThread
} => {
  const computeThreads: PuppetComputeThread[] = []
  return {
    computeThreads,
    startComputeThread: (start, handlers) => {
      atEnd(() => {
        for (const port of start.ports) port.close()
      })
      const thread = new PuppetComputeThread(start, handlers)
      computeThreads.push(thread)
      return (message) => thread.told.push(message)
    },
  }
}
