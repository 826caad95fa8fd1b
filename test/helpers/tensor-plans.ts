/** Plans of endpoints of tensors only, and the values of such tensors as text. */

import fc from 'fast-check'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { DATATYPES, type Datatype, type TensorSignature } from '../../src/shared/tensor.ts'
import { listText } from './damaged-json.ts'
import { type Manner, mostly, type Spelled, spelledFor } from './spellings.ts'
import { planOf, tensor } from './variant-plans.ts'

/** `texts` as lists within lists of the given lengths; the one text itself where there are none. */
export const nestedText = (
  texts: readonly string[],
  sizes: readonly number[],
  space: readonly string[],
): string => {
  const [size, ...inner] = sizes
  if (size === undefined) return texts[0]!
  const stride = inner.reduce((n, each) => n * each, 1)
  const parts = Array.from({ length: size }, (_, i) =>
    nestedText(texts.slice(i * stride, (i + 1) * stride), inner, space),
  )
  return listText('[', parts, space)
}

/** Sizes for a shape: those that are free are `min` to 3. */
export const sizesFor = (shape: readonly number[], min: number): fc.Arbitrary<number[]> =>
  fc.tuple(...shape.map((size) => (size < 0 ? fc.integer({ min, max: 3 }) : fc.constant(size))))

export const countOf = (sizes: readonly number[]): number => sizes.reduce((n, each) => n * each, 1)

export const valuesOf = (
  datatype: Datatype,
  count: number,
  manner: Manner,
): fc.Arbitrary<Spelled[]> =>
  fc.array(spelledFor(datatype, manner), { minLength: count, maxLength: count })

const dimension = fc.constantFrom(1, 2, 3)
const dimensions = (free: fc.Arbitrary<number>, maxLength: number): fc.Arbitrary<number[]> =>
  fc.array(free, { maxLength })

/** Inputs or outputs called `<prefix>0`, `<prefix>1` ... */
export const signaturesOf = (
  prefix: string,
  shapes: fc.Arbitrary<number[]>,
  datatypes: readonly Datatype[] = DATATYPES,
  maxLength = 3,
): fc.Arbitrary<TensorSignature[]> =>
  fc
    .array(fc.tuple(fc.constantFrom(...datatypes), shapes), { minLength: 1, maxLength })
    .map((all) => all.map(([datatype, shape], i) => tensor(`${prefix}${i}`, datatype, ...shape)))

/** Rows of a fixed size. */
export const rowShapes = dimensions(dimension, 2).map((inner) => [-1, ...inner])
/** Rows whose size may be free too. */
export const freeShapes = dimensions(fc.oneof(dimension, fc.constant(-1)), 2).map((inner) => [
  -1,
  ...inner,
])
/** Shapes of models without rows. */
export const wholeShapes = dimensions(fc.oneof(dimension, dimension, fc.constant(-1)), 3)

const planWith = (
  shapes: fc.Arbitrary<number[]>,
  rowsMax: number,
  datatypes: readonly Datatype[] = DATATYPES,
  inputsMax = 3,
): fc.Arbitrary<VariantPlan> =>
  fc
    .tuple(
      signaturesOf('x', shapes, datatypes, inputsMax),
      signaturesOf('y', rowShapes),
      mostly(20, [5, 4, 3]),
    )
    .map(([inputs, outputs, jsonDepthMax]) => planOf({ inputs, outputs, rowsMax, jsonDepthMax }))

/** One float input: what the fast decoder of the Open Inference Protocol knows. */
export const usualPlan = planWith(rowShapes, 8, ['FP32', 'FP64'], 1)

/** Plans of every kind; those that a fast decoder knows more often than others. */
export const tensorPlan: fc.Arbitrary<VariantPlan> = fc.oneof(
  { weight: 8, arbitrary: usualPlan },
  { weight: 2, arbitrary: planWith(rowShapes, 8) },
  { weight: 1, arbitrary: planWith(freeShapes, 8) },
  { weight: 1, arbitrary: planWith(wholeShapes, 0) },
)
