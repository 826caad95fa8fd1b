/**
 * `inference.GRPCInferenceService/ModelInfer`, and what each message of ModelStreamInfer asks for.
 * Source: triton-inference-server/common, protobuf/grpc_service.proto; where that is silent, what a
 * request of the Open Inference Protocol that means the same gets over HTTP (serving.md §1.5).
 */

import type { DecodeRequest, EncodeError, EncodeResponse } from '../protocol.ts'
import { encodeGrpcAnswer } from './grpc-answer.ts'
import { decodeGrpc } from './grpc-request.ts'

export const decodeRequest: DecodeRequest = decodeGrpc

/** A ModelInferResponse; `id` is that of the message, and empty where it had none. */
export const encodeResponse: EncodeResponse = encodeGrpcAnswer

/** The message of the status: what HTTP has as `error`. */
export const encodeError: EncodeError = ({ detail }) => ({ contentType: '', body: detail })
