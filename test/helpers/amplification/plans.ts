/** Versions whose requests may grow most. */

import type { VariantPlan } from '../../../src/server/protocols/variant-plan.ts'
import type { Datatype } from '../../../src/shared/tensor.ts'
import { feature, planOf, tensor } from '../variant-plans.ts'

/** A row of `width` optional features, which a client may leave out. */
const sparse = (datatype: Datatype, width: number): VariantPlan => {
  const isText = datatype === 'BYTES'
  const features = Array.from({ length: width }, (_, column) =>
    feature({
      name: `f${column}`,
      tensor: 'x',
      column,
      optional: true,
      ...(isText ? { type: 'category', missing: '' } : {}),
    }),
  )
  return planOf({ inputs: [tensor('x', datatype, -1, width)], features })
}

/** One tensor of rows of any size. */
const free = (datatype: Datatype): VariantPlan =>
  planOf({ inputs: [tensor('x', datatype, -1, -1)] })

export const PLANS = {
  sparse30: sparse('FP32', 30),
  sparse500: sparse('FP64', 500),
  sparseText: sparse('BYTES', 30),
  bool: free('BOOL'),
  fp32: free('FP32'),
  fp64: free('FP64'),
  int64: free('INT64'),
  text: free('BYTES'),
} as const satisfies Readonly<Record<string, VariantPlan>>

export type PlanName = keyof typeof PLANS
