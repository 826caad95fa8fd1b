/**
 * The calls of one data thread that control is to answer, and who waits for each. No clock: the
 * agent answers every call once, in time (agent-calls.ts), and what it says of a call that is
 * not known here is dropped.
 */

import type { ForwardedAnswer, ForwardedCall } from '../shared/forwarded-call.ts'
import type { FromDataThread, ToDataThread } from './thread-messages.ts'

type Called = Extract<FromDataThread, { type: 'call' }>
type Answered = Extract<ToDataThread, { type: 'answered' }>

export class ThreadCalls {
  readonly #tell: (message: Called) => void
  readonly #waiting = new Map<number, (answer: ForwardedAnswer) => void>()
  #lastNumber = 0

  constructor(tell: (message: Called) => void) {
    this.#tell = tell
  }

  /** Calls without an answer. */
  get size(): number {
    return this.#waiting.size
  }

  /** `onAnswer` is called once, never before this returns. */
  readonly forward = (call: ForwardedCall, onAnswer: (answer: ForwardedAnswer) => void): void => {
    const number = ++this.#lastNumber
    this.#waiting.set(number, onAnswer)
    this.#tell({ type: 'call', number, call })
  }

  readonly onAnswered = ({ number, answer }: Answered): void => {
    const onAnswer = this.#waiting.get(number)
    this.#waiting.delete(number)
    onAnswer?.(answer)
  }
}
