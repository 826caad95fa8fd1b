/** What decoders and encoders need of a variant, compiled once for all wire formats. */

import { type AnswerSize, compileAnswerSize } from './answer-size.ts'
import { compileFeatures, type FeaturesPlan } from './features-plan.ts'
import { compileOip, type OipPlan } from './oip-plan.ts'
import { compileReading, type Reading } from './reading.ts'
import type { VariantParts } from './variant-parts.ts'

export interface VariantPlan extends VariantParts {
  readonly features: FeaturesPlan
  /** null: the complete decoder takes every request of the Open Inference Protocol. */
  readonly oip: OipPlan | null
  /** null: `/predict` answers the raw outputs. */
  readonly reading: Reading | null
  readonly answerSize: AnswerSize
}

export const compileVariant = (parts: VariantParts): VariantPlan => {
  const reading = compileReading(parts)
  return {
    ...parts,
    features: compileFeatures(parts),
    oip: compileOip(parts),
    reading,
    answerSize: compileAnswerSize(parts, reading),
  }
}
