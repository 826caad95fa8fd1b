/** The wire formats, each with its place in the request counters. */

import { PROTOCOLS, type Protocol } from '../shared/counters.ts'
import { oipWritten, type Written } from './protocols/answer-written.ts'
import * as featuresJson from './protocols/features/features-json.ts'
import * as grpcInfer from './protocols/grpc/grpc-infer.ts'
import * as oipJson from './protocols/oip/oip-json.ts'
import type {
  AskedOutput,
  DecodeRequest,
  EncodeError,
  EncodeResponse,
} from './protocols/protocol.ts'
import * as tfsJson from './protocols/tfs/tfs-json.ts'
import type { VariantPlan } from './protocols/variant-plan.ts'

export interface WireFormat {
  /** Index into PROTOCOLS. */
  readonly protocol: number
  readonly decodeRequest: DecodeRequest
  readonly encodeResponse: EncodeResponse
  readonly encodeError: EncodeError
  /** What an answer shows. `asked`: `Decoded.outputs` of its request. */
  written(plan: VariantPlan, asked: readonly AskedOutput[] | null): Written
}

const wireFormat = (
  protocol: Protocol,
  module: Omit<WireFormat, 'protocol' | 'written'>,
  written: WireFormat['written'],
): WireFormat => ({
  protocol: PROTOCOLS.indexOf(protocol),
  decodeRequest: module.decodeRequest,
  encodeResponse: module.encodeResponse,
  encodeError: module.encodeError,
  written,
})

/** `/predict` and `/feedback`; its error form also answers paths of no protocol. */
export const FEATURES = wireFormat('features', featuresJson, ({ answerSize }) => answerSize.read)
/** Open Inference Protocol v2. */
export const OIP = wireFormat('oip', oipJson, ({ answerSize }, asked) =>
  oipWritten(answerSize, asked),
)
/** The messages of `inference.GRPCInferenceService`. */
export const GRPC = wireFormat('grpc', grpcInfer, ({ answerSize }, asked) =>
  oipWritten(answerSize, asked),
)
/** TensorFlow Serving's REST format. */
export const TFS = wireFormat('tfs', tfsJson, ({ answerSize }) => answerSize.rows)
/** Requests outside every protocol: health, unknown paths. */
export const OTHER: WireFormat = { ...FEATURES, protocol: PROTOCOLS.indexOf('other') }
