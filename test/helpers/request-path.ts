/** The request path of one data thread, with exchanges, sessions and a loop that tests hold. */

import { Batcher } from '../../src/runtime/batcher.ts'
import { CostModel } from '../../src/runtime/cost-model.ts'
import type { Session } from '../../src/runtime/session-types.ts'
import { ThreadWork } from '../../src/runtime/thread-work.ts'
import { Account } from '../../src/server/account.ts'
import { apiDescription } from '../../src/server/api-description.ts'
import type { BodyLimits } from '../../src/server/body-buffer.ts'
import { Epochs } from '../../src/server/epochs.ts'
import type { Exchange, Waiting } from '../../src/server/exchange.ts'
import type { FeedbackSink } from '../../src/server/feedback/feedback-sink.ts'
import { HttpAnswers } from '../../src/server/http-answers.ts'
import { Infer } from '../../src/server/infer.ts'
import { LiveVersions } from '../../src/server/live-version.ts'
import type { Pending } from '../../src/server/pending.ts'
import { KEPT_VALUES_MAX } from '../../src/server/protocols/answer-size.ts'
import { type TimeoutLimits, termPolicies } from '../../src/server/queue-terms.ts'
import { Replies } from '../../src/server/replies.ts'
import { ThreadCalls } from '../../src/server/thread-calls.ts'
import type { FromDataThread } from '../../src/server/thread-messages.ts'
import { type Traces, tracesOf } from '../../src/server/traces.ts'
import {
  PROTOCOLS,
  REASONS,
  reasonName,
  requestsIndex,
  SLOT_DOUBLES,
  type SlotKey,
  slotKeyText,
} from '../../src/shared/counters.ts'
import type { EpochPlan } from '../../src/shared/epoch-plan.ts'
import type { Refusal } from '../../src/shared/errors.ts'
import {
  COMMITTED_WORD,
  mapReplicaMemory,
  replicaMemoryBytes,
  THREAD_GAUGES,
  THREAD_WORDS,
} from '../../src/shared/shared-memory.ts'
import { slotKeysOf } from '../../src/shared/slot-keys.ts'
import type { TraceSampling } from '../../src/shared/trace-context.ts'
import { BodyBudget } from './body-budget.ts'
import { CountingSession } from './counting-session.ts'
import { PuppetTurns } from './puppet-turns.ts'

export interface GivenAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** The same as it was sent. */
  readonly bytes: Uint8Array
}

type Called = Extract<FromDataThread, { type: 'call' }>

export type Head = Partial<
  Pick<
    Exchange,
    | 'method'
    | 'path'
    | 'requestId'
    | 'isExplained'
    | 'contentEncoding'
    | 'acceptEncoding'
    | 'inferenceHeaderLength'
    | 'isLocal'
    | 'grant'
    | 'isPreflight'
    | 'timeout'
    | 'headMs'
    | 'startedMs'
    | 'trace'
  >
>

/** A request whose answer is kept; `abort` is what a client does that goes. */
export class HeldExchange extends HttpAnswers implements Exchange {
  readonly format = null
  readonly sentBytes = -1
  readonly method: string
  readonly path: string
  readonly requestId: string
  readonly isExplained: boolean
  readonly contentEncoding: string
  readonly acceptEncoding: string
  readonly inferenceHeaderLength: string
  readonly isLocal: boolean
  readonly grant: Exchange['grant']
  readonly isPreflight: boolean
  readonly timeout: string
  readonly headMs: number
  readonly startedMs: number
  readonly trace: Exchange['trace']
  isAborted = false
  waiting: Waiting | null = null
  answer: GivenAnswer | null = null

  constructor(head: Head, nowMs: number) {
    super()
    this.method = head.method ?? 'POST'
    this.path = head.path ?? '/predict'
    this.requestId = head.requestId ?? ''
    this.isExplained = head.isExplained ?? false
    this.contentEncoding = head.contentEncoding ?? ''
    this.acceptEncoding = head.acceptEncoding ?? ''
    this.inferenceHeaderLength = head.inferenceHeaderLength ?? ''
    this.grant = head.grant ?? null
    this.isLocal = head.isLocal ?? false
    this.timeout = head.timeout ?? ''
    this.isPreflight = head.isPreflight ?? false
    this.headMs = head.headMs ?? 0
    this.startedMs = head.startedMs ?? nowMs
    this.trace = head.trace ?? null
  }

  abort(): void {
    this.isAborted = true
    if (this.answer === null) this.waiting?.onGone()
  }

  reply(head: string | Uint8Array, body: string | Uint8Array | null): void {
    if (this.answer !== null || this.isAborted) return
    const text = typeof head === 'string' ? head : Buffer.from(head).toString('latin1')
    const [statusLine = '', ...lines] = text.split('\r\n')
    const headers = lines.map((line): [string, string] => {
      const colonAt = line.indexOf(': ')
      return [line.slice(0, colonAt), line.slice(colonAt + 2)]
    })
    this.answer = {
      status: Number(statusLine.slice(0, 3)),
      headers: new Map(headers),
      body: Buffer.from(body ?? '').toString(),
      bytes: Uint8Array.from(Buffer.from(body ?? '')),
    }
  }

  header(name: string): string {
    return this.answer?.headers.get(name) ?? ''
  }

  json(): Record<string, unknown> {
    return JSON.parse(this.answer?.body ?? 'null') as Record<string, unknown>
  }
}

export interface RequestPathOptions {
  readonly queueRowsMax?: number
  readonly queueWorkMsMax?: number
  readonly timeouts?: Partial<TimeoutLimits>
  readonly isReady?: () => boolean
  readonly hasDocsPage?: boolean
  readonly bodies?: BodyLimits
  /** Nothing is recorded unless told otherwise. */
  readonly feedback?: FeedbackSink
  /** Which requests are traced; none unless told otherwise. */
  readonly tracing?: TraceSampling
  /** Sessions by number of the version; `CountingSession` unless told otherwise. */
  readonly session?: (version: number) => Session
}

export const PREFIX = 'gw1234.0.0-7-'

export class RequestPath {
  readonly turns = new PuppetTurns()
  readonly faults: [requestId: string, thrown: unknown][] = []
  readonly memory = mapReplicaMemory(new SharedArrayBuffer(replicaMemoryBytes(1)), 1)
  /** It is always `wallMs` more than monotonic. */
  readonly wallMs = 1_700_000_000_000
  readonly account = new Account(this.memory.threads[0]!, {
    now: () => this.wallMs + this.turns.nowMs,
    monotonic: () => this.turns.monotonic(),
  })
  readonly traces: Traces | null
  readonly replies: Replies
  readonly epochs: Epochs
  readonly infer: Infer
  /** What was put to control; `answer` says what control says. */
  readonly called: Called[] = []
  readonly calls = new ThreadCalls((call) => this.called.push(call))
  #lastNumber = 0
  #slots: Record<string, number> = {}

  constructor(plan: EpochPlan, options: RequestPathOptions = {}) {
    const { queueRowsMax = 1000, queueWorkMsMax = 1000, hasDocsPage = true } = options
    const work = new ThreadWork()
    const monotonic = () => this.turns.monotonic()
    const versions = new LiveVersions(({ version, runUsByRows }, number) => {
      const session = options.session?.(version) ?? new CountingSession()
      const cost = new CostModel(runUsByRows)
      const surroundings = { session, cost, work, turns: this.turns }
      return {
        open: ({ batching, queue }) => {
          const handlers = this.infer.handlersFor(number)
          const limits = { queueRowsMax, queueWorkMsMax, keptValuesMax: KEPT_VALUES_MAX }
          const policy = { ...batching, ...limits, queue }
          const batcher = new Batcher<Pending>(surroundings, policy, handlers)
          return { queue: batcher, policies: termPolicies(queue), dispose: () => batcher.dispose() }
        },
        dispose: () => session.dispose(),
      }
    })
    this.epochs = new Epochs(this.memory.words, versions)
    const clock = { now: () => this.wallMs + this.turns.nowMs, monotonic }
    this.traces = tracesOf(options.tracing ?? null, this.memory.threads[0]!.traces, clock)
    this.replies = new Replies({
      account: this.account,
      traces: this.traces,
      predictionIdPrefix: PREFIX,
      monotonic,
      onFault: (requestId, thrown) => this.faults.push([requestId, thrown]),
    })
    this.infer = new Infer({
      epochs: this.epochs,
      replies: this.replies,
      account: this.account,
      timeouts: { timeoutMsDefault: 0, timeoutMsMax: 86_400_000, ...options.timeouts },
      bodies: options.bodies ?? new BodyBudget(64 * 1024 * 1024),
      jsonDepthMax: 20,
      describe: apiDescription({ hasDocsPage, hasFeedback: options.feedback !== undefined }),
      forward: this.calls.forward,
      feedback: options.feedback ?? null,
      now: clock.now,
      monotonic,
      isReady: options.isReady ?? (() => true),
    })
    this.commit(plan)
  }

  /** The next epoch: prepared, committed, and known to the thread. */
  commit(plan: EpochPlan): void {
    const number = ++this.#lastNumber
    this.#slots = Object.fromEntries(slotKeysOf(plan).map((key, i) => [slotKeyText(key), i]))
    const failures = this.epochs.prepare(number, plan, {
      slots: this.#slots,
      versionNumbers: plan.versions.map((_, i) => i + 1),
      jsonDepthMax: 20,
    })
    if (failures.length > 0) throw new Error(failures[0]!.detail)
    this.memory.words[COMMITTED_WORD] = number
  }

  /**
   * Hands a request over as an engine does; it waits for `turn`, unless answered at once. Bytes and
   * text are sent as they are, the rest as JSON.
   */
  send(head: Head, body: unknown = '', refusal: Refusal | null = null): HeldExchange {
    const exchange = new HeldExchange(head, this.turns.nowMs)
    const sent =
      body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body)
    this.infer.onRequest(exchange, new Uint8Array(Buffer.from(sent)), refusal)
    return exchange
  }

  /** The same, with what the next turn makes of it. */
  ask(head: Head, body: unknown = '', refusal: Refusal | null = null): HeldExchange {
    const exchange = this.send(head, body, refusal)
    this.turns.turn()
    return exchange
  }

  get queueRows(): number {
    return this.memory.threads[0]!.gauges[THREAD_GAUGES.QUEUE_ROWS]!
  }

  get inFlight(): number {
    return this.memory.threads[0]!.words[THREAD_WORDS.IN_FLIGHT]!
  }

  /** Requests by `<protocol> <reason>` in the slot of the key, or in all slots. */
  counts(key?: SlotKey): Record<string, number> {
    const { counters } = this.memory.threads[0]!
    const slots = key === undefined ? Object.values(this.#slots) : [this.#slots[slotKeyText(key)]!]
    const found: Record<string, number> = {}
    for (const slot of slots) {
      for (const [protocol, name] of PROTOCOLS.entries()) {
        for (let reason = 0; reason < REASONS; reason++) {
          const count = counters[slot * SLOT_DOUBLES + requestsIndex(protocol, reason)]!
          if (count === 0) continue
          const label = `${name} ${reasonName(reason)}`
          found[label] = (found[label] ?? 0) + count
        }
      }
    }
    return found
  }

  /** The counters of a slot. */
  slot(key: SlotKey): Float64Array {
    const base = this.#slots[slotKeyText(key)]! * SLOT_DOUBLES
    return this.memory.threads[0]!.counters.subarray(base, base + SLOT_DOUBLES)
  }

  /** A figure of a slot by its place in counters.ts. */
  figure(key: SlotKey, at: number): number {
    return this.slot(key)[at]!
  }
}
