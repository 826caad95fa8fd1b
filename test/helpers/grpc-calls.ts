/** Messages and answers that tests of the gRPC engine pass about. */

import { create, toBinary } from '@bufbuild/protobuf'
import { ModelInferRequestSchema, ModelInferResponseSchema } from '../../proto/gen/inference_pb.ts'
import { AnswerHead } from '../../src/server/answer-head.ts'
import type { AnswerHeads, AnswerIds, WrittenRefusal } from '../../src/server/exchange.ts'
import { type ErrorCode, refuse } from '../../src/shared/errors.ts'
import type { GrpcRig, SeenCall } from './grpc-engine.ts'
import { until } from './until.ts'

/** `bytes`: of its one raw tensor. */
export const inferRequest = (modelName = 'm', id = '', bytes = 0): Uint8Array =>
  toBinary(
    ModelInferRequestSchema,
    create(ModelInferRequestSchema, { modelName, id, rawInputContents: [new Uint8Array(bytes)] }),
  )

export const inferResponse = (id = ''): Uint8Array =>
  toBinary(ModelInferResponseSchema, create(ModelInferResponseSchema, { modelName: 'm', id }))

export const ANSWER_HEADS: AnswerHeads = {
  head: new AnswerHead(''),
  binaryHead: new AnswerHead(''),
  metadata: [
    ...['x-sluice-model', 'm', 'x-sluice-version', '2'],
    ...['x-sluice-variant', 'v2', 'x-sluice-epoch', '5'],
  ],
}
export const ANSWER_IDS: AnswerIds = { idPrefix: 'g.0.0-1-', sequence: 7, echoedId: null }

export const written = (code: ErrorCode, text: string, requestId = 'r'): WrittenRefusal => ({
  refusal: refuse(code, text),
  error: { contentType: '', body: text },
  requestId,
  predictionId: '',
  allow: '',
})

/** The request that came as the `count`-th. */
export const seenCall = async ({ seen }: GrpcRig, count: number): Promise<SeenCall> => {
  await until(() => seen.length >= count, { what: `${count} requests` })
  return seen[count - 1]!
}
