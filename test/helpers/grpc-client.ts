/** A client of the gRPC port, by `@grpc/grpc-js`: bytes in, and how the call ended. */

import { create, toBinary } from '@bufbuild/protobuf'
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  status,
} from '@grpc/grpc-js'
import { ModelInferRequestSchema } from '../../proto/gen/inference_pb.ts'
import { atEnd } from './clean-up.ts'

export const SERVICE = '/inference.GRPCInferenceService/'

export interface GrpcEnd {
  /** As in `status` of grpc-js: `OK`, `NOT_FOUND`. */
  readonly code: string
  readonly details: string
  /** The answer; empty where there is none. */
  readonly bytes: Uint8Array
  /** Sent before the answer. */
  readonly metadata: ReadonlyMap<string, string>
  /** Sent at the end. */
  readonly trailers: ReadonlyMap<string, string>
}

export interface GrpcCall {
  readonly end: Promise<GrpcEnd>
  cancel(): void
}

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
  /** `gzip` or `deflate`, as grpc-js writes them. */
  readonly compression?: 'gzip' | 'deflate'
}

/** grpc-js tells a channel how to compress by a number. */
const COMPRESSIONS = { deflate: 1, gzip: 2 } as const

const asIs = (bytes: Uint8Array): Buffer => Buffer.from(bytes)

const fieldsOf = (metadata: Metadata): ReadonlyMap<string, string> =>
  new Map(Object.entries(metadata.getMap()).map(([name, value]) => [name, String(value)]))

const metadataOf = (fields: Readonly<Record<string, string>> = {}): Metadata => {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value)
  return metadata
}

export interface ClientOptions {
  readonly credentials?: ChannelCredentials
  readonly compression?: keyof typeof COMPRESSIONS
}

export class GrpcClient {
  readonly #client: Client

  constructor(port: number, options: ClientOptions = {}) {
    const { compression } = options
    this.#client = new Client(
      `127.0.0.1:${port}`,
      options.credentials ?? credentials.createInsecure(),
      {
        // Connections of its own: else clients of one process share them.
        'grpc.use_local_subchannel_pool': 1,
        'grpc.max_receive_message_length': -1,
        'grpc.max_send_message_length': -1,
        ...(compression === undefined
          ? {}
          : { 'grpc.default_compression_algorithm': COMPRESSIONS[compression] }),
      },
    )
    atEnd(() => this.close())
  }

  close(): void {
    this.#client.close()
  }

  /** Starts a unary call of the inference service, or of a whole path. */
  start(method: string, bytes: Uint8Array, options: CallOptions = {}): GrpcCall {
    const path = method.startsWith('/') ? method : SERVICE + method
    const { timeoutMs } = options
    const callOptions = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
    let metadata: ReadonlyMap<string, string> = new Map()
    let cancel = () => {}
    const end = new Promise<GrpcEnd>((resolve) => {
      let answer: Uint8Array = Buffer.alloc(0)
      const call = this.#client.makeUnaryRequest(
        path,
        asIs,
        (received: Buffer) => received,
        bytes,
        metadataOf(options.metadata),
        callOptions,
        (_error, received) => {
          if (received !== undefined) answer = received
        },
      )
      cancel = () => call.cancel()
      call.on('metadata', (received: Metadata) => {
        metadata = fieldsOf(received)
      })
      call.on('status', ({ code, details, metadata: trailers }) => {
        // The answer is handed over right behind the status.
        setImmediate(() =>
          resolve({
            code: status[code]!,
            details,
            bytes: answer,
            metadata,
            trailers: fieldsOf(trailers),
          }),
        )
      })
    })
    return { end, cancel }
  }

  call(method: string, bytes: Uint8Array, options: CallOptions = {}): Promise<GrpcEnd> {
    return this.start(method, bytes, options).end
  }

  stream(options: CallOptions = {}): ClientDuplexStream<Uint8Array, Buffer> {
    return this.#client.makeBidiStreamRequest(
      `${SERVICE}ModelStreamInfer`,
      asIs,
      (received: Buffer) => received,
      metadataOf(options.metadata),
      options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs },
    )
  }
}

/** A request for one tensor `x` of FP32, raw. */
export const rawFloats = (model: string, shape: readonly number[], id = ''): Uint8Array => {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i % 7)
  return toBinary(
    ModelInferRequestSchema,
    create(ModelInferRequestSchema, {
      modelName: model,
      id,
      inputs: [{ name: 'x', datatype: 'FP32', shape: shape.map(BigInt) }],
      rawInputContents: [new Uint8Array(values.buffer)],
    }),
  )
}
