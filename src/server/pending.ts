/**
 * One request of an endpoint, from its head to its answer: what is known of it is filled in as it
 * becomes known, so that a refusal at any stage can be answered, counted and traced alike.
 */

import type { PoolQueued, Queued } from '../runtime/row-queue.ts'
import type { FeatureExtras } from '../shared/feature-extras.ts'
import type { Tensor } from '../shared/tensor.ts'
import type { Exchange, Waiting } from './exchange.ts'
import type { LiveEndpoint, LiveEpoch, LiveVariant } from './live-epoch.ts'
import type { AskedOutput, Decoded } from './protocols/protocol.ts'
import { NO_TERMS } from './queue-terms.ts'
import type { WireFormat } from './wire-formats.ts'

/** What an answer needs of its request. */
export interface Answerable {
  readonly exchange: Exchange
  readonly format: WireFormat
  /** Place in the records of its producer, from 1; 0 for a request of no endpoint. */
  readonly sequence: number
  /** First double of the counter slot that it counts in. */
  readonly counterBase: number
  /** The client's id from the body; null if there was none, or none was read. */
  readonly bodyId: string | null
  /** 0: not decoded. */
  readonly rows: number
  /** Monotonic milliseconds at which it joined the queue; 0: it did not. */
  readonly admittedMs: number
}

/** All fields are set in the constructor, so that every object has the same shape. */
export class Pending implements Answerable, Decoded, PoolQueued, Waiting {
  readonly exchange: Exchange
  readonly epoch: LiveEpoch
  readonly endpoint: LiveEndpoint
  readonly format: WireFormat
  sequence = 0
  /** That of refusals of the endpoint, until a variant is chosen. */
  counterBase: number
  /** Set before decoding. */
  variant: LiveVariant | null = null
  /** Of the table that its variant was chosen from; -1: there was no choice. */
  bucket = -1
  jsonBytes = -1
  sentBytes: number
  rows = 0
  /** Handed to the batcher on admission, and then null. */
  tensors: Tensor[] | null = null
  extras: FeatureExtras | null = null
  /** That were decoded. */
  bodyBytes = 0
  /** Room that was promised to its record, until that is written (RecordWriter). */
  promisedUnits = 0
  isBatch = false
  bodyId: string | null = null
  askedPriority = 0
  askedTimeoutUs = 0
  outputs: readonly AskedOutput[] | null = null
  admittedMs = 0
  terms: Queued = NO_TERMS

  constructor(exchange: Exchange, epoch: LiveEpoch, endpoint: LiveEndpoint, format: WireFormat) {
    this.exchange = exchange
    this.epoch = epoch
    this.endpoint = endpoint
    this.format = format
    this.counterBase = endpoint.refusedBase
    this.sentBytes = exchange.sentBytes
  }

  /** The client has gone while it waits: it leaves the queue, and is not run. */
  onGone(): void {
    this.variant?.version.queue.cancel(this)
  }

  get wantsInputs(): boolean {
    return this.variant!.records?.inputs != null
  }

  get priority(): number {
    return this.terms.priority
  }

  get deadlineMs(): number {
    return this.terms.deadlineMs
  }

  get timeoutMs(): number {
    return this.terms.timeoutMs
  }
}
