/** grpc-js for the connections of one data thread, and the calls on them. */

import type { Socket } from 'node:net'
import {
  type ConnectionInjector,
  Server,
  ServerCredentials,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js'
import { every, systemClock } from '../../shared/clock.ts'
import { UnsentAnswers } from '../unsent-answers.ts'
import { type BaseCall, takeMessagesAsTheyCome } from './base-call.ts'
import type { CallEngine, GrpcCall } from './grpc-call.ts'
import type { GrpcEngineOptions } from './grpc-options.ts'
import { InferStream } from './infer-stream.ts'
import { UNARY_METHODS } from './methods.ts'
import { ReceivingCalls } from './receiving-calls.ts'
import { ReflectionStream } from './reflection-stream.ts'
import { StreamCall } from './stream-call.ts'
import { UnaryCall } from './unary-call.ts'
import { WatchCall } from './watch-call.ts'

const LOOK_MS = 5000
/** Longer than any drain. */
const GRACE_MS = 3_600_000

/** grpc-js takes what we give for what its handlers would have sent. */
const asItIs = (message: Buffer): Buffer => message
const unreachable = (): void => {
  throw new Error('calls are answered by the interceptor')
}

type CallFactory = (engine: CallEngine, base: BaseCall) => GrpcCall

const infer: CallFactory = (engine, base) => new InferStream(engine, base)
const watch: CallFactory = (engine, base) => new WatchCall(engine, base)
const reflection: CallFactory = (engine, base) => new ReflectionStream(engine, base)

/** By path, in two lots, since grpc-js has a listener of its own for either. */
const STREAMS: ReadonlyMap<string, CallFactory> = new Map([
  ['/inference.GRPCInferenceService/ModelStreamInfer', infer],
  ['/grpc.health.v1.Health/Watch', watch],
  ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', reflection],
  ['/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', reflection],
])
const UNARY: ReadonlyMap<string, CallFactory> = new Map(
  [...UNARY_METHODS].map(([path, method]) => [
    path,
    (engine, base) => new UnaryCall(engine, base, method),
  ]),
)
const CALLS = new Map([...UNARY, ...STREAMS])

/** What grpc-js makes sessions of HTTP/2 with, and lets nobody set. */
interface Internals {
  readonly commonServerOptions: Record<string, unknown>
}

/** Of a header block, its pairs; as over HTTP. */
const HEADERS_MAX = 100
/** Frames that no client in order sends: node allows 1000, which is a lot of work. */
const INVALID_FRAMES_MAX = 100

const serverOf = (options: GrpcEngineOptions, interceptor: ServerInterceptor): Server => {
  const { limits } = options
  const server = new Server({
    interceptors: [interceptor],
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': -1, // message-intake.ts counts, and knows the budget
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': limits.streamsMax,
    'grpc.max_connection_idle_ms': limits.connectionIdleSeconds * 1000,
    'grpc.max_connection_age_ms': limits.connectionAgeSeconds * 1000,
    'grpc.max_connection_age_grace_ms': limits.connectionGraceSeconds * 1000,
    'grpc.keepalive_time_ms': limits.keepaliveSeconds * 1000,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutSeconds * 1000,
  })
  const { commonServerOptions } = server as unknown as Internals
  Object.assign(commonServerOptions, {
    maxHeaderListPairs: HEADERS_MAX + HTTP2_PAIRS,
    maxSessionInvalidFrames: INVALID_FRAMES_MAX,
    settings: {
      maxConcurrentStreams: limits.streamsMax,
      maxHeaderListSize: options.headerBytesMax,
      enablePush: false,
    },
  })
  for (const path of CALLS.keys()) {
    const type = STREAMS.has(path) ? 'bidi' : 'unary'
    server.register(path, unreachable, asItIs, asItIs, type)
  }
  return server
}

/** `:method`, `:path` and so on. */
const HTTP2_PAIRS = 8

export class GrpcServer implements CallEngine {
  readonly options: GrpcEngineOptions
  readonly unsent: UnsentAnswers
  underWay = 0
  calls = 0
  readonly #injector: ConnectionInjector
  readonly #receiving = new ReceivingCalls()
  readonly #streams = new Set<StreamCall>()
  readonly #cancelLook: () => void
  #isDraining = false

  constructor(options: GrpcEngineOptions) {
    this.options = options
    this.unsent = new UnsentAnswers(options.unsentBytesMax)
    const interceptor: ServerInterceptor = ({ path }, call) => this.#callOf(path, call)
    const server = serverOf(options, interceptor)
    this.#injector = server.createConnectionInjector(ServerCredentials.createInsecure())
    const { monotonic } = systemClock
    this.#cancelLook = every(systemClock, LOOK_MS, () => this.#receiving.endLate(monotonic()))
  }

  /** Takes a connection that speaks HTTP/2, behind its handshake. */
  take(socket: Socket): void {
    if (socket.destroyed) return
    this.#injector.injectConnection(socket)
    if (this.#isDraining) this.#injector.drain(GRACE_MS)
  }

  /** What grpc-js takes for the call; it calls `start` alone. */
  #callOf(path: string, call: ServerInterceptingCallInterface): ServerInterceptingCall {
    const base = takeMessagesAsTheyCome(call)
    return CALLS.get(path)!(this, base) as unknown as ServerInterceptingCall
  }

  awaits(call: GrpcCall): void {
    this.#receiving.add(call)
  }

  received(call: GrpcCall): void {
    this.#receiving.remove(call)
  }

  onBegan(call: GrpcCall): void {
    this.calls++
    if (!(call instanceof StreamCall)) return
    this.#streams.add(call)
    if (this.#isDraining) call.drain()
  }

  onEnded(call: GrpcCall): void {
    this.calls--
    this.#receiving.remove(call)
    if (call instanceof StreamCall) this.#streams.delete(call)
  }

  /** Whether it is ready may have changed: those who watch are told. */
  onReadiness(): void {
    for (const stream of this.#streams) {
      if (stream instanceof WatchCall) stream.onReadiness()
    }
  }

  /** Tells clients to go, which they do behind what is under way. */
  drain(): void {
    this.#isDraining = true
    this.onReadiness()
    for (const stream of this.#streams) stream.drain()
    this.#injector.drain(GRACE_MS)
  }

  close(): void {
    this.#cancelLook()
  }
}
