/** Sends batches of feedback, one after the other, until each is recorded or rejected. */

import { pause, systemClock } from '../shared/clock.ts'
import { ERRORS, type ErrorCode, GatewayError } from '../shared/errors.ts'
import { request } from './client.ts'
import { againLater, type Outcome, outcomeOf, type Rejected } from './feedback-batch.ts'
import type { FeedbackRow } from './feedback-rows.ts'
import type { DataPlane } from './plane-access.ts'

/** A row that is none, or that the server does not take. */
export interface RejectedRow {
  readonly row: FeedbackRow
  readonly reason: string
}

/** What became of a batch, or of its beginning. */
export interface Sent {
  readonly taken: number
  readonly rejected: readonly RejectedRow[]
  /** Of the first row that was not dealt with; null: all were. */
  readonly nextLine: number | null
  /** Why that was the last; null: a signal, or it was not. */
  readonly error: GatewayError | null
}

export interface SenderTerms {
  readonly plane: DataPlane
  /** Longest wait for an answer. */
  readonly timeoutMs: number
  /** Longest time without any row taken. */
  readonly patienceMs: number
  readonly isInterrupted: () => boolean
  /** What has to pass before the batch is sent again; once for each time without an answer. */
  readonly onWait: (why: string) => void
}

const WAIT_MS_MIN = 200
const WAIT_MS_MAX = 5000
/** A longer wait looks now and then whether it is still wanted. */
const WAIT_STEP_MS = 200

const faultOf = (code: string | undefined, detail: string): GatewayError => {
  const isOurs = code !== undefined && Object.hasOwn(ERRORS, code)
  return new GatewayError(isOurs ? (code as ErrorCode) : 'INTERNAL', detail)
}

const byLine = (a: RejectedRow, b: RejectedRow): number => a.row.line - b.row.line

/** A batch, of which less and less is left. */
class Batch {
  readonly #rejected: RejectedRow[]
  #taken = 0
  left: readonly FeedbackRow[]

  constructor(rows: readonly FeedbackRow[]) {
    this.left = rows.filter(({ item }) => item !== null)
    this.#rejected = rows
      .filter(({ item }) => item === null)
      .map((row) => ({ row, reason: row.fault }))
  }

  /** Takes out what was dealt with; false: nothing was. */
  settle(taken: number, rejected: readonly Rejected[]): boolean {
    const before = this.left.length
    const refused = new Set(rejected.map(({ index }) => index))
    this.#taken += taken
    this.#rejected.push(
      ...rejected.map(({ index, reason }) => ({ row: this.left[index]!, reason })),
    )
    this.left = this.left.filter((_, index) => index >= taken && !refused.has(index))
    return this.left.length < before
  }

  /** What comes behind the first row that is left will be dealt with another time. */
  end(error: GatewayError | null): Sent {
    const nextLine = this.left[0]?.line ?? null
    const isDone = ({ row }: RejectedRow) => nextLine === null || row.line < nextLine
    const rejected = this.#rejected.filter(isDone).sort(byLine)
    return { taken: this.#taken, rejected, nextLine, error }
  }
}

export class FeedbackSender {
  readonly #terms: SenderTerms
  /** Whether there is a server at all. */
  #isAnswered = false

  constructor(terms: SenderTerms) {
    this.#terms = terms
  }

  /** Rows that are none count as rejected. What may pass is waited for. */
  async send(rows: readonly FeedbackRow[]): Promise<Sent> {
    const batch = new Batch(rows)
    const { patienceMs, isInterrupted } = this.#terms
    let progressMs = systemClock.monotonic()
    let waits = 0
    while (batch.left.length > 0 && !isInterrupted()) {
      const outcome = await this.#post(batch.left)
      if (outcome.kind === 'stop') return batch.end(faultOf(outcome.code, outcome.detail))
      if (outcome.kind === 'done') {
        batch.settle(batch.left.length, [])
        break
      }
      if (batch.settle(outcome.taken, outcome.rejected)) {
        progressMs = systemClock.monotonic()
        waits = 0
      } else if (systemClock.monotonic() - progressMs > patienceMs) {
        return batch.end(faultOf(outcome.code, outcome.detail))
      }
      if (outcome.isAtOnce) continue
      if (waits === 0) this.#terms.onWait(outcome.detail)
      await this.#wait(outcome.waitMs, waits++)
    }
    return batch.end(null)
  }

  async #post(rows: readonly FeedbackRow[]): Promise<Outcome> {
    const { plane, timeoutMs } = this.#terms
    const text = `[${rows.map(({ item }) => item).join(',')}]`
    try {
      const {
        status,
        headers,
        text: said,
      } = await request(`${plane.url}/feedback`, {
        ...{ timeoutMs, unreachable: 'REPLICAS_UNREACHABLE', method: 'POST' },
        ...{ headers: plane.headers, body: new TextEncoder().encode(text) },
      })
      this.#isAnswered = true
      const retryAfter = headers.get('retry-after')
      return outcomeOf(rows.length, { status, text: said, retryAfter })
    } catch (thrown) {
      const { code, message: detail } = GatewayError.from(thrown)
      if (!this.#isAnswered) return { kind: 'stop', code, detail }
      // Whether it was recorded nobody can tell: a label twice does less harm than none.
      return { ...againLater(null), code, detail }
    }
  }

  /** As long as the server says, else longer each time. */
  async #wait(waitMs: number | null, waits: number): Promise<void> {
    const ms = waitMs ?? Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** waits)
    const untilMs = systemClock.monotonic() + ms
    for (let leftMs = ms; leftMs > 0 && !this.#terms.isInterrupted(); ) {
      await pause(Math.min(WAIT_STEP_MS, leftMs))
      leftMs = untilMs - systemClock.monotonic()
    }
  }
}
