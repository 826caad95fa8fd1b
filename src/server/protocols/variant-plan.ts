/** What decoders and encoders need of a variant, compiled once for all wire formats. */

import { type AnswerSize, compileAnswerSize } from './answer-size.ts'
import { compileFeatures, type FeaturesPlan } from './features/features-plan.ts'
import { compileGrpc, type GrpcPlan } from './grpc/grpc-plan.ts'
import { OipHeaders } from './oip/oip-headers.ts'
import { compileOip, compileOipAnswer, type OipAnswer, type OipPlan } from './oip/oip-plan.ts'
import { compileReading, type Reading } from './reading.ts'
import type { VariantParts } from './variant-parts.ts'

export interface VariantPlan extends VariantParts {
  readonly inputsByName: ReadonlyMap<string, number>
  readonly features: FeaturesPlan
  /** null: the complete decoder takes every request of the Open Inference Protocol. */
  readonly oip: OipPlan | null
  readonly oipAnswer: OipAnswer
  readonly grpc: GrpcPlan
  /** The one thing here that changes: what binary requests said last. */
  readonly oipHeaders: OipHeaders
  /** null: `/predict` answers the raw outputs. */
  readonly reading: Reading | null
  readonly answerSize: AnswerSize
}

export const compileVariant = (parts: VariantParts): VariantPlan => {
  const reading = compileReading(parts)
  return {
    ...parts,
    inputsByName: new Map(parts.signature.inputs.map(({ name }, index) => [name, index])),
    features: compileFeatures(parts),
    oip: compileOip(parts),
    oipAnswer: compileOipAnswer(parts),
    grpc: compileGrpc(parts),
    oipHeaders: new OipHeaders(),
    reading,
    answerSize: compileAnswerSize(parts, reading),
  }
}
