/**
 * Tracing in control: takes traced requests of all replicas, has spans made of them and sends them
 * on. A collector that is away, or slow, costs a bounded queue and a line in the log; what it does
 * not get is counted.
 */

import { randomFillSync } from 'node:crypto'
import type { Traces } from '../../../proto/gen/control_pb.ts'
import type { TracingConfig } from '../../config/config.ts'
import { type Clock, delay } from '../../shared/clock.ts'
import { parseSlotKey } from '../../shared/counters.ts'
import type { Logger } from '../../shared/logger.ts'
import { REQUEST_SPANS_MAX } from '../../shared/trace-ring.ts'
import { spansOf } from './request-spans.ts'
import type { SinkHandlers, SpanSink } from './span-sink.ts'

/** What became of traced requests: one has left, or was lost at a place. */
export type TraceOutcome = 'exported' | 'ring_full' | 'queue_full' | 'export_failed'
export type TraceCounts = Readonly<Record<TraceOutcome, number>>

/** Which replica they come from. */
interface Sender {
  readonly index: number
  readonly incarnation: number
}

export interface TracingSurroundings {
  readonly gateway: string
  readonly clock: Clock
  readonly logger: Logger
}

const LOG_EVERY_MS = 60_000

/**
 * Spans are made of no more: any client can ask for them, and 50 us each are a quarter of a core,
 * which control also needs for what it is there for.
 */
const REQUESTS_PER_SECOND_MAX = 5000

const SPAN_ID_BYTES = 8

/** Span ids, drawn 1024 at once, as trace ids are on the data threads. */
const spanIds = (): (() => string) => {
  const random = Buffer.alloc(1024 * SPAN_ID_BYTES)
  let at = random.length
  const next = (): string => {
    if (at === random.length) {
      randomFillSync(random)
      at = 0
    }
    const id = random.toString('hex', at, at + SPAN_ID_BYTES)
    at += SPAN_ID_BYTES
    // All zeros mean that there is none.
    return id === '0000000000000000' ? next() : id
  }
  return next
}

export class Tracing {
  readonly #surroundings: TracingSurroundings
  readonly #sink: SpanSink
  readonly #newSpanId = spanIds()
  /** When the second began of which requests are counted, and how many have had spans made. */
  #secondMs = Number.NEGATIVE_INFINITY
  #made = 0
  readonly #counts: Record<TraceOutcome, number> = {
    ...{ exported: 0, ring_full: 0, queue_full: 0, export_failed: 0 },
  }
  /** Why the last export failed; null: it did not. */
  #failure: string | null = null
  /** By event: when it was last logged. */
  readonly #loggedMs = new Map<string, number>()

  constructor(surroundings: TracingSurroundings, open: (handlers: SinkHandlers) => SpanSink) {
    this.#surroundings = surroundings
    this.#sink = open({
      onExported: (requests, failure) => this.#onExported(requests, failure),
      onWarning: (message) =>
        this.#warn('tracing_warning', { message }, 'the OpenTelemetry SDK complains'),
    })
  }

  /** Since this control process started. */
  get counts(): TraceCounts {
    return this.#counts
  }

  take({ index, incarnation }: Sender, { requests, keys, lost }: Traces): void {
    const producer = { gateway: this.#surroundings.gateway, replica: index, incarnation }
    const slots = keys.map(parseSlotKey)
    this.#lose('ring_full', Number(lost))
    this.#beginSecond()
    let left = 0
    for (const request of requests) {
      const key = slots[request.key]
      // Asked before spans are made: what is dropped must cost next to nothing.
      if (key === undefined || !this.#hasRoom()) {
        left++
        continue
      }
      this.#made++
      this.#sink.take(spansOf(request, key, producer, this.#newSpanId))
    }
    this.#lose('queue_full', left)
  }

  #beginSecond(): void {
    const nowMs = this.#surroundings.clock.monotonic()
    if (nowMs - this.#secondMs < 1000) return
    this.#secondMs = nowMs
    this.#made = 0
  }

  #hasRoom(): boolean {
    return this.#made < REQUESTS_PER_SECOND_MAX && this.#sink.hasRoom(REQUEST_SPANS_MAX)
  }

  #onExported(requests: number, failure: string | null): void {
    this.#failure = failure
    if (failure === null) this.#counts.exported += requests
    else this.#lose('export_failed', requests)
  }

  #lose(where: TraceOutcome, requests: number): void {
    if (requests === 0) return
    this.#counts[where] += requests
    const lost = { where, failure: this.#failure, counts: { ...this.#counts } }
    this.#warn('traces_lost', lost, 'spans of traced requests are lost')
  }

  /** At most once a minute for each event. */
  #warn(event: string, fields: object, message: string): void {
    const nowMs = this.#surroundings.clock.monotonic()
    if (nowMs - (this.#loggedMs.get(event) ?? Number.NEGATIVE_INFINITY) < LOG_EVERY_MS) return
    this.#loggedMs.set(event, nowMs)
    this.#surroundings.logger.warn({ event, ...fields }, message)
  }

  /** What an operator should know, in sentences. */
  warnings(): string[] {
    if (this.#failure === null) return []
    return [`the trace collector does not take spans: ${this.#failure}`]
  }

  /** Sends what waits, for at most `limitMs`. */
  async close(limitMs: number): Promise<void> {
    await Promise.race([this.#sink.close(), delay(this.#surroundings.clock, limitMs)])
  }
}

/** null: tracing is off, and nothing of OpenTelemetry is loaded. */
export const openTracing = async (
  config: TracingConfig | null,
  surroundings: TracingSurroundings,
): Promise<Tracing | null> => {
  if (config === null) return null
  const { openSpanSink } = await import('./span-sink.ts')
  return new Tracing(surroundings, (handlers) =>
    openSpanSink(surroundings.gateway, config.batch, handlers),
  )
}
