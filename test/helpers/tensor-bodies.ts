/** Bodies of `/predict` for endpoints of tensors only. */

import fc from 'fast-check'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import type { TensorSignature } from '../../src/shared/tensor.ts'
import { type Body, bodyOf, type EntryText, objectText, type RowText } from './feature-bodies.ts'
import { type Manner, manner, type Value } from './spellings.ts'
import { countOf, nestedText, sizesFor, valuesOf } from './tensor-plans.ts'

/** The value of one input in a row, as text. */
interface Part {
  readonly text: string
  readonly isList: boolean
  readonly values: readonly Value[]
}

const partOf = (
  { datatype, shape }: TensorSignature,
  sizes: readonly number[],
  wanted: readonly number[],
  how: Manner,
): fc.Arbitrary<Part> => {
  const count = countOf(sizes)
  const isSized = wanted.filter((size) => size < 0).length <= 1
  return fc
    .tuple(valuesOf(datatype, count, how), fc.nat({ max: 2 }), how.blanks)
    .map(([all, form, space]): Part => {
      const texts = all.map(({ text }) => text)
      const values = all.map(({ value }) => value)
      // A value of one element may be bare; with one free dimension at most, all may be flat.
      if (form === 0 && count === 1 && isSized && shape.length > 0) {
        return { text: texts[0]!, isList: false, values }
      }
      const given = form === 1 && isSized ? [count] : sizes
      return { text: nestedText(texts, given, space), isList: given.length > 0, values }
    })
}

/** What a row of an input is like: without rows the row is the whole tensor. */
export const wantedOf = ({ shape }: TensorSignature, hasRows: boolean): readonly number[] =>
  hasRows ? shape.slice(1) : shape

/** `mayBeBare`: the value of the one input need not be a list to stand for the row. */
export const tensorRow = (
  plan: VariantPlan,
  sizes: readonly (readonly number[])[],
  how: Manner,
  mayBeBare = false,
): fc.Arbitrary<RowText> => {
  const { inputs } = plan.signature
  const parts = inputs.map((input, i) =>
    partOf(input, sizes[i]!, wantedOf(input, plan.rowsMax > 0), how),
  )
  const order = fc.shuffledSubarray([...inputs.keys()], {
    minLength: inputs.length,
    maxLength: inputs.length,
  })
  return fc
    .tuple(fc.tuple(...parts), order, fc.boolean(), how.blanks)
    .map(([all, indices, isNamed, space]): RowText => {
      const columns = all.map(({ values }) => values)
      const [first] = all
      if (!isNamed && all.length === 1 && (mayBeBare || first!.isList)) {
        return { text: first!.text, columns }
      }
      const entries = indices.map((i): EntryText => [`"${inputs[i]!.name}"`, all[i]!.text])
      return { text: objectText(entries, space), columns }
    })
}

/** Sizes of a row of each input. */
export const rowSizes = ({ signature, rowsMax }: VariantPlan): fc.Arbitrary<number[][]> =>
  fc.tuple(...signature.inputs.map((input) => sizesFor(wantedOf(input, rowsMax > 0), 1)))

export interface TensorBody extends Body {
  /** By input: the sizes of its own tensor. */
  readonly shapes: readonly (readonly number[])[]
}

/** Valid bodies for a plan of tensors. */
export const tensorBody = (plan: VariantPlan): fc.Arbitrary<TensorBody> => {
  const hasRows = plan.rowsMax > 0
  return fc.tuple(rowSizes(plan), manner).chain(([chosen, how]) => {
    const rows = fc.array(tensorRow(plan, chosen, how), {
      minLength: 1,
      maxLength: hasRows ? 3 : 1,
    })
    return bodyOf(rows, how).map((body) => ({
      ...body,
      shapes: chosen.map((each) => (hasRows ? [body.expected.rows, ...each] : each)),
    }))
  })
}
