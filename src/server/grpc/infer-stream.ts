/**
 * Triton's `ModelStreamInfer`: every message is a request like one of `ModelInfer`, and has one
 * answer, as soon as it is there: they need not come in the order of the requests. What is refused
 * is said in `error_message`, and the stream goes on; a client that sends `triton_grpc_error: true`
 * wants the status in its place, which ends the stream (grpc/infer_handler.cc).
 */

import { create, toBinary } from '@bufbuild/protobuf'
import {
  InferParameterSchema,
  ModelInferResponseSchema,
  ModelStreamInferResponseSchema,
} from '../../../proto/gen/inference_pb.ts'
import { systemClock } from '../../shared/clock.ts'
import type { Refusal } from '../../shared/errors.ts'
import type { Grant } from '../access.ts'
import type { AnswerBody, AnswerHeads, Exchange, Waiting, WrittenRefusal } from '../exchange.ts'
import { peekId } from '../protocols/grpc/peek-model.ts'
import { BODY_ID_LENGTH_MAX } from '../protocols/protocol.ts'
import type { RequestTrace } from '../traces.ts'
import { GRPC } from '../wire-formats.ts'
import { deliver, EMPTY } from './delivery.ts'
import { INFER } from './methods.ts'
import { StreamCall } from './stream-call.ts'
import { timeoutOf } from './unary-call.ts'
import { statusOf } from './wire-status.ts'

/** `infer_response`, field 2 of ModelStreamInferResponse, in front of the bytes of the message. */
const INFER_RESPONSE_TAG = (2 << 3) | 2

/** Says that the answer is the only one to its request: clients of streams wait for it. */
const FINAL = toBinary(
  ModelInferResponseSchema,
  create(ModelInferResponseSchema, {
    parameters: {
      triton_final_response: create(InferParameterSchema, {
        parameterChoice: { case: 'boolParam', value: true },
      }),
    },
  }),
)

/** Fields of a message may stand in any order, and so behind the others. */
const streamed = (response: Uint8Array): Buffer => {
  const head: number[] = [INFER_RESPONSE_TAG]
  let length = response.length + FINAL.length
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) | 128)
  head.push(length)
  return Buffer.concat([Uint8Array.from(head), response, FINAL])
}

/** The code stands in a parameter of the name that a header has over HTTP. `id`: as it was sent. */
const failed = ({ refusal, error, requestId }: WrittenRefusal, id: string): Uint8Array =>
  toBinary(
    ModelStreamInferResponseSchema,
    create(ModelStreamInferResponseSchema, {
      errorMessage: error.body.toWellFormed(),
      inferResponse: create(ModelInferResponseSchema, {
        id: id.length <= BODY_ID_LENGTH_MAX ? id : requestId,
        parameters: {
          'x-sluice-error': create(InferParameterSchema, {
            parameterChoice: { case: 'stringParam', value: refusal.code },
          }),
        },
      }),
    }),
  )

/** One message of a stream. */
class StreamedRequest implements Exchange {
  readonly format = GRPC
  method = 'POST'
  path = ''
  /** That of the message: a stream has no other. */
  requestId = ''
  readonly isExplained = false
  readonly contentEncoding = ''
  readonly acceptEncoding = ''
  readonly inferenceHeaderLength = ''
  sentBytes = -1
  readonly isLocal = false
  grant: Grant | null = null
  readonly timeout: string
  readonly isPreflight = false
  readonly headMs = 0
  readonly startedMs: number
  readonly trace: RequestTrace | null
  isAborted = false
  waiting: Waiting | null = null
  readonly #stream: InferStream
  readonly #endsStream: boolean

  constructor(stream: InferStream, startedMs: number, timeout: string, endsStream: boolean) {
    this.#stream = stream
    this.startedMs = startedMs
    this.timeout = timeout
    this.#endsStream = endsStream
    // Of the messages of a stream each is a span of its own under that of the caller.
    this.trace = stream.engine.options.traces?.begin(stream.header('traceparent')) ?? null
  }

  release(_heads: AnswerHeads, body: AnswerBody): void {
    this.#stream.onAnswer(this, streamed(body as Uint8Array))
  }

  refuse(refused: WrittenRefusal): void {
    if (this.#endsStream) this.#stream.onRefused(this, refused)
    else this.#stream.onAnswer(this, failed(refused, this.requestId))
  }

  /** A path of inference has neither. */
  show(): void {}
  allow(): void {}

  onGone(): void {
    this.isAborted = true
    this.waiting?.onGone()
  }
}

export class InferStream extends StreamCall {
  readonly isOpen = false
  readonly #open = new Set<StreamedRequest>()
  #wantsStatus = false

  override onBegin(): void {
    super.onBegin()
    this.#wantsStatus = this.header('triton_grpc_error') === 'true'
  }

  onRequestMessage(content: Uint8Array, contentEncoding: string, startedMs: number): void {
    const request = this.#request(startedMs, this.#wantsStatus)
    const read = (message: Uint8Array) => {
      request.requestId = peekId(message)
      return INFER.read(message)
    }
    deliver(this, request, read, content, contentEncoding)
  }

  #request(startedMs: number, endsStream: boolean): StreamedRequest {
    const { leftMs } = this
    const sent = this.header('x-sluice-timeout-ms')
    const timeout = timeoutOf(sent, leftMs)
    const request = new StreamedRequest(this, startedMs, timeout, endsStream)
    this.#open.add(request)
    return request
  }

  onAnswer(request: StreamedRequest, message: Uint8Array): void {
    if (!this.#open.delete(request)) return
    this.write(message)
    this.answered()
  }

  /** Ends the stream with the status of a refusal. */
  onRefused(request: StreamedRequest, refused: WrittenRefusal): void {
    if (!this.#open.delete(request) || this.isEnded || this.isReceived) return
    this.end(statusOf(refused, this.isLate))
  }

  refuseWhole(refusal: Refusal): void {
    const request = this.#request(systemClock.monotonic(), true)
    this.engine.options.onRequest(request, EMPTY, refusal)
  }

  override onEnd(): void {
    super.onEnd()
    for (const request of this.#open) request.onGone()
    this.#open.clear()
  }
}
