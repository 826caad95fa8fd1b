/** What the gRPC engine is told. */

import type { Refusal } from '../../shared/errors.ts'
import type { KeyGate } from '../access.ts'
import type { Exchange } from '../exchange.ts'
import type { Traces } from '../traces.ts'

/** Section `grpc` of sluice.yaml. */
export interface GrpcLimits {
  /** Streams under way on one connection. */
  readonly streamsMax: number
  /** A connection without streams is closed after this. */
  readonly connectionIdleSeconds: number
  /** A connection is told to go after this, give or take a tenth. */
  readonly connectionAgeSeconds: number
  /** And closed after so much more, whatever is under way. */
  readonly connectionGraceSeconds: number
  /** How often a connection is asked whether anybody is there, and for how long. */
  readonly keepaliveSeconds: number
  readonly keepaliveTimeoutSeconds: number
  /** Clients must show a certificate. */
  readonly isMutualTls: boolean
}

export interface GrpcEngineOptions {
  /** Of one message, compressed or not. */
  readonly bodyBytesMax: number
  readonly headerBytesMax: number
  /** Most calls of this thread that have not ended, those whose request still arrives included. */
  readonly callsMax: number
  /** Most bytes of answers that may wait for their readers on this thread. */
  readonly unsentBytesMax: number
  readonly limits: GrpcLimits
  readonly gate: KeyGate
  readonly isTls: boolean
  /** As `HttpEngineOptions.traces`. */
  readonly traces: Pick<Traces, 'begin'> | null
  takeBodyBytes(bytes: number): boolean
  onConnections(delta: 1 | -1): void
  /** As `RequestHandler`. */
  onRequest(exchange: Exchange, body: Uint8Array, refusal: Refusal | null): void
  /** Called when a client goes before its request was complete, and so in place of `onRequest`. */
  onAborted(): void
  /** Reports a fault of ours that belongs to no request. */
  onFault(thrown: unknown): void
  /** As `GET /v2/health/ready`. */
  isReady(): boolean
  /** Whether an endpoint answers; null: there is none of that name. */
  isEndpointReady(name: string): boolean | null
}
