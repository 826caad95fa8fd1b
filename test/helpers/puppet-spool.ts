/** A spool thread that does what a test says. It runs in the thread of the test. */

import type { FromSpool, SpoolStart, ToSpool } from '../../src/records/spool/spool-messages.ts'
import type { SpoolThreadHandlers, StartSpoolThread } from '../../src/server/spool-keeper.ts'
import { atEnd } from './clean-up.ts'

type Told<T extends ToSpool['type']> = Extract<ToSpool, { type: T }>

export class PuppetSpoolThread {
  readonly start: SpoolStart
  /** Everything it was told, in order. */
  readonly told: ToSpool[] = []
  isTerminated = false
  readonly #handlers: SpoolThreadHandlers

  constructor(start: SpoolStart, handlers: SpoolThreadHandlers) {
    this.start = start
    this.#handlers = handlers
  }

  tolds<T extends ToSpool['type']>(type: T): Told<T>[] {
    return this.told.filter((message): message is Told<T> => message.type === type)
  }

  say(message: FromSpool): void {
    this.#handlers.onMessage(message)
  }

  /** Says that it knows all layouts that it was told. */
  taken(): void {
    for (const { number } of this.tolds('layouts')) this.say({ type: 'layoutsTaken', number })
  }

  fail(error: unknown): void {
    this.#handlers.onError(error)
  }

  end(): void {
    this.#handlers.onEnded()
  }
}

/** `startSpoolThread`, and the puppets that it made, in the order of their start. */
export const puppetSpoolThreads = (): {
  spoolThreads: PuppetSpoolThread[]
  startSpoolThread: StartSpoolThread
} => {
  const spoolThreads: PuppetSpoolThread[] = []
  return {
    spoolThreads,
    startSpoolThread: (start, handlers) => {
      atEnd(() => {
        for (const port of start.ports) port.close()
      })
      const thread = new PuppetSpoolThread(start, handlers)
      spoolThreads.push(thread)
      return {
        tell: (message) => void thread.told.push(message),
        terminate: () => {
          thread.isTerminated = true
        },
      }
    },
  }
}
