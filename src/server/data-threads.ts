/**
 * The data threads of a replica as one: tells all, waits for an answer of each, notes who has
 * ended. A thread has ended when its event loop has: it holds no socket and runs no native code
 * then, and only then may the process exit in good order.
 */

import type { Transferable } from 'node:worker_threads'
import type { AccessPlan } from '../shared/access-plan.ts'
import type { ForwardedAnswer, ForwardedCall } from '../shared/forwarded-call.ts'
import { KeySlots } from './key-slots.ts'
import type {
  Answer,
  DataThreadStart,
  FromDataThread,
  Question,
  ToDataThread,
} from './thread-messages.ts'

export interface ThreadHandlers {
  onMessage(message: FromDataThread): void
  /** It threw what nobody caught. `onEnded` follows. */
  onError(error: unknown): void
  onEnded(): void
}

/** Starts a data thread and gives the way to tell it something. */
export type StartThread = (start: DataThreadStart, handlers: ThreadHandlers) => TellThread

type TellThread = (message: ToDataThread, transfer?: readonly Transferable[]) => void

export interface DataThreadsHandlers {
  /** A request met a fault of ours; the thread does not log. */
  onFault(requestId: string, detail: string): void
  /** A thread asks control something. Must not reject; a thread that has ended gets no answer. */
  onCall(call: ForwardedCall): Promise<ForwardedAnswer>
  onError(thread: number, error: unknown): void
  /** The pools that a thread holds, whenever that has changed. */
  onPools(thread: number, pools: readonly number[]): void
  /** Numbers of the versions that a thread holds now. */
  onHeld(thread: number, versions: readonly number[]): void
  /** Also when it was told to end. */
  onEnded(thread: number): void
}

interface Asked {
  readonly waiting: Set<number>
  readonly answers: Answer[]
  resolve(answers: readonly Answer[]): void
}

export class DataThreads {
  readonly #tells: TellThread[] = []
  readonly #living = new Set<number>()
  readonly #asked = new Map<number, Asked>()
  readonly #handlers: DataThreadsHandlers
  readonly #keySlots = new KeySlots()
  #lastNumber = 0

  constructor(
    startThread: StartThread,
    start: Omit<DataThreadStart, 'thread'>,
    handlers: DataThreadsHandlers,
  ) {
    this.#handlers = handlers
    for (let thread = 0; thread < start.settings.threads; thread++) {
      this.#living.add(thread)
      this.#tells.push(
        startThread(
          { ...start, thread },
          {
            onMessage: (message) => this.#onMessage(thread, message),
            onError: (error) => handlers.onError(thread, error),
            onEnded: () => {
              this.#living.delete(thread)
              handlers.onEnded(thread)
            },
          },
        ),
      )
    }
  }

  /** Threads that have not ended. */
  get living(): ReadonlySet<number> {
    return this.#living
  }

  /** Has all ask for these keys from now on. Resolves with what could not be taken, else ''. */
  async access(plan: AccessPlan): Promise<string> {
    const { words } = this.#keySlots
    const indices = this.#keySlots.assign(plan.keys)
    const answers = await this.ask({ type: 'access', plan, words, indices }).answers
    const failures = answers.map((answer) => answer.type === 'accessTaken' && answer.failure)
    return failures.find((failure) => typeof failure === 'string') ?? ''
  }

  tell(message: ToDataThread): void {
    for (const tell of this.#tells) tell(message)
  }

  /** Nobody hears it where the thread has ended. */
  tellOne(thread: number, message: ToDataThread, transfer: readonly Transferable[]): void {
    this.#tells[thread]!(message, transfer)
  }

  /**
   * Asks all threads under a number that was never used before, and resolves with it and one answer
   * of each. Threads answer in order, and one that hangs never does: that is for the watchdog.
   */
  ask(question: Question): { number: number; answers: Promise<readonly Answer[]> } {
    const number = ++this.#lastNumber
    const answers = new Promise<readonly Answer[]>((resolve) => {
      const waiting = new Set(this.#tells.keys())
      this.#asked.set(number, { waiting, answers: [], resolve })
    })
    this.tell({ ...question, number })
    return { number, answers }
  }

  #onMessage(thread: number, message: FromDataThread): void {
    if (message.type === 'fault') {
      this.#handlers.onFault(message.requestId, message.detail)
      return
    }
    if (message.type === 'pools') {
      this.#handlers.onPools(thread, message.pools)
      return
    }
    if (message.type === 'held') {
      this.#handlers.onHeld(thread, message.versions)
      return
    }
    if (message.type === 'call') {
      void this.#answer(thread, message.number, message.call)
      return
    }
    const asked = this.#asked.get(message.number)
    if (asked === undefined || !asked.waiting.delete(thread)) return
    asked.answers.push(message)
    if (asked.waiting.size > 0) return
    this.#asked.delete(message.number)
    asked.resolve(asked.answers)
  }

  async #answer(thread: number, number: number, call: ForwardedCall): Promise<void> {
    const answer = await this.#handlers.onCall(call)
    if (this.#living.has(thread)) this.#tells[thread]!({ type: 'answered', number, answer })
  }
}
