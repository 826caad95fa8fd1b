/** The connections of one data thread over gRPC, and the calls on them, on HTTP/2 of Node. */

import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { Socket } from 'node:net'
import { every, systemClock } from '../../shared/clock.ts'
import { UnsentAnswers } from '../unsent-answers.ts'
import { Connection } from './connection.ts'
import { lookMs } from './connection-life.ts'
import type { CallEngine, GrpcCall, Opening } from './grpc-call.ts'
import type { GrpcEngineOptions } from './grpc-options.ts'
import { InferStream } from './infer-stream.ts'
import { UNARY_METHODS, UNKNOWN } from './methods.ts'
import { ReceivingCalls } from './receiving-calls.ts'
import { ReflectionStream } from './reflection-stream.ts'
import { StreamCall } from './stream-call.ts'
import { UnaryCall } from './unary-call.ts'
import { WatchCall } from './watch-call.ts'
import { GOING } from './wire-status.ts'

/** Of a header block, its pairs; as over HTTP, and `:method`, `:path` and so on. */
const HEADERS_MAX = 108
/** Frames that no client in order sends: node allows 1000, which is a lot of work. */
const INVALID_FRAMES_MAX = 100
/** MB: unsent answers are bounded by `UnsentAnswers`, and node counts here without a remedy. */
const SESSION_MEMORY_MAX = Number.MAX_SAFE_INTEGER

/** Not of gRPC-Web, nor of JSON. */
const GRPC_TYPE = /^application\/grpc(\+proto)?(;|$)/
/** Of the calls that may be open, how many may watch. */
const WATCHES_SHARE = 0.1
const WATCHES_MIN = 16

type CallFactory = (engine: CallEngine, opening: Opening) => GrpcCall

const infer: CallFactory = (engine, opening) => new InferStream(engine, opening)
const watch: CallFactory = (engine, opening) => new WatchCall(engine, opening)
const reflection: CallFactory = (engine, opening) => new ReflectionStream(engine, opening)

const CALLS: ReadonlyMap<string, CallFactory> = new Map<string, CallFactory>([
  ...[...UNARY_METHODS].map(([path, method]): [string, CallFactory] => [
    path,
    (engine, opening) => new UnaryCall(engine, opening, method),
  ]),
  ['/inference.GRPCInferenceService/ModelStreamInfer', infer],
  ['/grpc.health.v1.Health/Watch', watch],
  ['/grpc.reflection.v1.ServerReflection/ServerReflectionInfo', reflection],
  ['/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo', reflection],
])

const unknown: CallFactory = (engine, opening) => new UnaryCall(engine, opening, UNKNOWN)

export class GrpcServer implements CallEngine {
  readonly options: GrpcEngineOptions
  readonly unsent: UnsentAnswers
  underWay = 0
  calls = 0
  readonly #http2: ServerOptions
  readonly #connections = new Set<Connection>()
  readonly #receiving = new ReceivingCalls()
  readonly #streams = new Set<StreamCall>()
  readonly #cancelLook: () => void
  #isDraining = false

  constructor(options: GrpcEngineOptions) {
    this.options = options
    this.unsent = new UnsentAnswers(options.unsentBytesMax)
    // Windows are those of the protocol, 64 KiB: with 1 MiB for a connection and 256 KiB for a
    // stream, a client that sends 60 bodies of 8 MiB at once took 70 MiB more.
    this.#http2 = {
      maxHeaderListPairs: HEADERS_MAX,
      maxSessionInvalidFrames: INVALID_FRAMES_MAX,
      maxSessionMemory: SESSION_MEMORY_MAX,
      settings: {
        maxConcurrentStreams: options.limits.streamsMax,
        maxHeaderListSize: options.headerBytesMax,
        enablePush: false,
      },
    }
    const { limits, onFault } = options
    this.#cancelLook = every(systemClock, lookMs(limits), () => this.#look(), onFault)
  }

  #look(): void {
    const nowMs = systemClock.monotonic()
    this.#receiving.endLate(nowMs)
    for (const connection of this.#connections) connection.look(this.options.limits, nowMs)
  }

  /** Takes a connection, behind its handshake of TLS. */
  take(socket: Socket): void {
    if (socket.destroyed) return
    const session = performServerHandshake(socket, this.#http2)
    const connection: Connection = new Connection(
      {
        ...{ session, socket },
        onStream: (stream, headers) => this.#onStream(connection, stream, headers),
        onExpired: () => this.#endStreams(connection),
      },
      this.options.limits,
      systemClock.monotonic(),
    )
    this.#connections.add(connection)
    session.on('close', () => this.#connections.delete(connection))
    if (this.#isDraining) connection.go()
  }

  #onStream(connection: Connection, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const { ':method': method, ':path': path = '', 'content-type': type = '' } = headers
    stream.on('error', () => {})
    // Broken off by what came with it.
    if (stream.destroyed || stream.closed) return
    if (method !== 'POST' || !GRPC_TYPE.test(type)) {
      stream.respond({ ':status': method === 'POST' ? 415 : 405 }, { endStream: true })
      return
    }
    const create = CALLS.get(String(path)) ?? unknown
    create(this, { connection, stream, headers }).start()
  }

  #endStreams(connection: Connection): void {
    for (const stream of this.#streams) {
      if (stream.connection === connection) stream.end(GOING)
    }
  }

  get mayWatch(): boolean {
    const watches = [...this.#streams].filter((stream) => stream instanceof WatchCall).length
    return watches <= Math.max(WATCHES_MIN, this.options.callsMax * WATCHES_SHARE)
  }

  awaits(call: GrpcCall): void {
    this.#receiving.add(call, systemClock.monotonic())
  }

  received(call: GrpcCall): void {
    this.#receiving.remove(call)
  }

  onBegan(call: GrpcCall): void {
    this.calls++
    if (!(call instanceof StreamCall)) return
    this.#streams.add(call)
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
    for (const connection of this.#connections) connection.go()
  }

  close(): void {
    this.#cancelLook()
  }
}
