/** The request path of one data thread, with exchanges, sessions and a loop that tests hold. */

import { Batcher } from '../../src/runtime/batcher.ts'
import { CostModel } from '../../src/runtime/cost-model.ts'
import type { Session } from '../../src/runtime/session-types.ts'
import { ThreadWork } from '../../src/runtime/thread-work.ts'
import { Account } from '../../src/server/account.ts'
import { apiDescription } from '../../src/server/api-description.ts'
import type { BodyLimits } from '../../src/server/body-buffer.ts'
import { Epochs } from '../../src/server/epochs.ts'
import { FeedbackRecords } from '../../src/server/feedback/feedback-records.ts'
import type { FeedbackSink } from '../../src/server/feedback/feedback-sink.ts'
import { Infer } from '../../src/server/infer.ts'
import { LiveVersions } from '../../src/server/live-version.ts'
import type { Pending } from '../../src/server/pending.ts'
import { KEPT_VALUES_MAX } from '../../src/server/protocols/answer-size.ts'
import { type TimeoutLimits, termPolicies } from '../../src/server/queue-terms.ts'
import { NO_LAYOUTS } from '../../src/server/record-layouts.ts'
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
import { type Head, HeldExchange } from './held-exchange.ts'
import { PuppetTurns } from './puppet-turns.ts'
import type { RecordKeeping } from './record-keeping.ts'

type Called = Extract<FromDataThread, { type: 'call' }>

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
  /** Where records go; none are written unless told otherwise. */
  readonly records?: RecordKeeping
}

const PRODUCER = 'gw1234.0.0-7'
export const PREFIX = `${PRODUCER}-`

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
  readonly #records: RecordKeeping | undefined
  readonly #isGathering: boolean

  constructor(plan: EpochPlan, options: RequestPathOptions = {}) {
    const { queueRowsMax = 1000, queueWorkMsMax = 1000, hasDocsPage = true } = options
    const work = new ThreadWork()
    const monotonic = () => this.turns.monotonic()
    const versions = new LiveVersions(({ version, runUsByRows }, number) => {
      const session = options.session?.(version) ?? new CountingSession()
      const cost = new CostModel(runUsByRows)
      const surroundings = { session, cost, work, turns: kept?.turns ?? this.turns }
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
    const { account, traces } = this
    this.#records = options.records
    const { turns } = this
    const refuse = (pending: Pending) => this.replies.unrecorded(pending)
    const kept = options.records?.begin({
      ...{ account, traces, clock, turns, producer: PRODUCER, refuse },
    })
    this.#isGathering = kept !== undefined && kept.turns !== turns
    const { epochs } = this
    const sink = kept === undefined ? null : new FeedbackRecords({ ...kept, epochs, monotonic })
    this.replies = new Replies({
      ...{ account, traces, predictionIdPrefix: PREFIX, monotonic },
      ...{ recording: kept?.recording ?? null, release: kept?.release ?? null },
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
      feedback: options.feedback ?? sink,
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
      layouts: this.#records?.assign(plan) ?? NO_LAYOUTS,
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

  /** What has come is run. Where answers wait for records, a turn brings nobody else before. */
  run(): void {
    if (this.#isGathering) this.turns.turn()
    this.turns.turn()
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
