/** One admitted request on its way through the batcher. */

import type { Exchange } from './exchange.ts'
import type { LiveEpoch, LiveVariant } from './live-epoch.ts'
import type { WireFormat } from './wire-formats.ts'

/** All fields are set in the constructor, so that every object has the same shape. */
export class Pending {
  readonly exchange: Exchange
  readonly epoch: LiveEpoch
  readonly variant: LiveVariant
  readonly format: WireFormat
  /** The client's id, or '' if it gave none. */
  readonly requestId: string
  readonly isBatch: boolean
  readonly outputs: readonly number[] | null
  /** Monotonic milliseconds at which the request joined the queue. */
  readonly admittedMs: number

  constructor(
    request: { exchange: Exchange; epoch: LiveEpoch; variant: LiveVariant; format: WireFormat },
    decoded: { isBatch: boolean; outputs: number[] | null },
    requestId: string,
    admittedMs: number,
  ) {
    this.exchange = request.exchange
    this.epoch = request.epoch
    this.variant = request.variant
    this.format = request.format
    this.requestId = requestId
    this.isBatch = decoded.isBatch
    this.outputs = decoded.outputs
    this.admittedMs = admittedMs
  }
}
