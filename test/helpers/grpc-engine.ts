/** The gRPC engine by itself, in front of a request path that tests hold, and its clients. */

import { Client, credentials, Metadata, type ServiceError, type StatusObject } from '@grpc/grpc-js'
import type { KeyGate } from '../../src/server/access.ts'
import type { Exchange } from '../../src/server/exchange.ts'
import { GrpcEngine } from '../../src/server/grpc/grpc-engine.ts'
import type { GrpcEngineOptions, GrpcLimits } from '../../src/server/grpc/grpc-options.ts'
import type { Refusal } from '../../src/shared/errors.ts'
import { BodyBudget } from './body-budget.ts'
import { atEnd } from './clean-up.ts'

export interface SeenCall {
  readonly exchange: Exchange
  readonly body: Buffer
  readonly refusal: Refusal | null
}

export const GRPC_LIMITS: GrpcLimits = {
  streamsMax: 100,
  connectionIdleSeconds: 300,
  connectionAgeSeconds: 1800,
  connectionGraceSeconds: 30,
  keepaliveSeconds: 30,
  keepaliveTimeoutSeconds: 10,
  isMutualTls: false,
}

/** Nobody is asked for a key. */
export const OPEN_KEY_GATE: KeyGate = {
  isClosed: false,
  admit: () => null,
  identify: () => null,
}

export const GRPC_BODY_BYTES_MAX = 100_000

export interface GrpcRig {
  readonly engine: GrpcEngine
  readonly port: number
  readonly seen: SeenCall[]
  readonly budget: BodyBudget
  readonly connections: { open: number }
  readonly aborted: { count: number }
  readonly readiness: { isReady: boolean }
  client(): Client
}

/** Every request is left to the test. */
export const startGrpcEngine = async (
  overrides: Partial<GrpcEngineOptions> = {},
): Promise<GrpcRig> => {
  const seen: SeenCall[] = []
  const budget = new BodyBudget(GRPC_BODY_BYTES_MAX, 1_000_000)
  const connections = { open: 0 }
  const aborted = { count: 0 }
  const readiness = { isReady: true }
  const engine = new GrpcEngine({
    bodyBytesMax: GRPC_BODY_BYTES_MAX,
    headerBytesMax: 16_384,
    callsMax: 1000,
    unsentBytesMax: 1_000_000,
    limits: GRPC_LIMITS,
    gate: OPEN_KEY_GATE,
    isTls: false,
    traces: null,
    takeBodyBytes: budget.takeBodyBytes,
    onConnections: (delta) => {
      connections.open += delta
    },
    onAborted: () => {
      aborted.count++
    },
    onRequest: (exchange, body, refusal) => {
      seen.push({ exchange, body: Buffer.from(body), refusal })
    },
    onFault: (thrown) => {
      throw thrown
    },
    isReady: () => readiness.isReady,
    isEndpointReady: (name) => (name === 'm' ? true : null),
    ...overrides,
  })
  atEnd(() => engine.close())
  const port = overrides.isTls === true ? 0 : await engine.listen('127.0.0.1', 0)
  const client = () => {
    const opened = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
    atEnd(() => opened.close())
    return opened
  }
  return { engine, port, seen, budget, connections, aborted, readiness, client }
}

const asItIs = (bytes: Buffer): Buffer => bytes

export interface UnaryOutcome {
  readonly error: ServiceError | null
  readonly answer: Buffer | undefined
  /** Of the answer, and of its end. */
  readonly metadata: Metadata
  readonly status: StatusObject
}

/** One call, which `cancel` gives up. */
export const call = (
  client: Client,
  method: string,
  message: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  deadlineMs = 0,
): { readonly outcome: Promise<UnaryOutcome>; readonly cancel: () => void } => {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const path = method.startsWith('/') ? method : `/inference.GRPCInferenceService/${method}`
  const options = deadlineMs === 0 ? {} : { deadline: Date.now() + deadlineMs }
  const { promise, resolve } = Promise.withResolvers<UnaryOutcome>()
  let received = new Metadata()
  let error: ServiceError | null = null
  let answer: Buffer | undefined
  const request = client.makeUnaryRequest(
    path,
    asItIs,
    asItIs,
    Buffer.from(message),
    metadata,
    options,
    (failure, value) => {
      error = failure
      answer = value
    },
  )
  request.on('metadata', (value) => {
    received = value
  })
  request.on('status', (status) => resolve({ error, answer, metadata: received, status }))
  return { outcome: promise, cancel: () => request.cancel() }
}
