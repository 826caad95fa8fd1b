/** Stage 7 of the request path where answers wait for their records: what happens when they go. */

import type { Account } from './account.ts'
import type { HeldAnswer } from './held-answer.ts'
import { HeldAnswers, type HeldSurroundings } from './held-answers.ts'
import type { Pending } from './pending.ts'
import { milliseconds, withTotal } from './server-timing.ts'
import type { Traces } from './traces.ts'

export interface ReleaseParts extends Omit<HeldSurroundings, 'release' | 'refuse'> {
  readonly account: Account
  readonly traces: Traces | null
  /** Answers a request whose answer may not go out. */
  refuse(pending: Pending): void
  /** Reports a fault of ours. */
  onFault(thrown: unknown): void
}

export class Release extends HeldAnswers {
  constructor(parts: ReleaseParts) {
    super({
      ...parts,
      release: (held) => sendWith(parts, held),
      refuse: (held) => refuseWith(parts, held),
    })
  }
}

/** A fault of one answer must not hold up the others. */
const guarded = ({ onFault }: ReleaseParts, task: () => void): void => {
  try {
    task()
  } catch (thrown) {
    onFault(thrown)
  }
}

const sendWith = (parts: ReleaseParts, held: HeldAnswer): void =>
  guarded(parts, () => {
    if (held.pending === null) held.onReleased?.(true)
    else send(parts, held)
  })

const refuseWith = (parts: ReleaseParts, { pending, onReleased }: HeldAnswer): void =>
  guarded(parts, () => {
    if (pending === null) onReleased?.(false)
    else parts.refuse(pending)
  })

const send = ({ account, traces, monotonic }: ReleaseParts, held: HeldAnswer): void => {
  const { body, timing, place, times, writingMs } = held
  const pending = held.pending!
  const { exchange, counterBase, format } = pending
  const { startedMs } = exchange
  const timings = timing === '' ? '' : wholeTiming(held, startedMs, monotonic())
  // To a client that has gone in the meantime nothing is sent, but it had its answer.
  exchange.release(pending.variant!, body, held, timings)
  const nowMs = monotonic()
  account.sent(counterBase, format.protocol, nowMs - startedMs)
  if (place !== null && times !== null) traces?.answered(pending, place, times, writingMs, nowMs)
}

const wholeTiming = ({ timing, heldMs }: HeldAnswer, startedMs: number, nowMs: number): string =>
  withTotal(`${timing}, record;dur=${milliseconds(nowMs - heldMs)}`, nowMs - startedMs)
