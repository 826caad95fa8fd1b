/** Bodies of the Open Inference Protocol for known plans, and what must be read from them. */

import fc from 'fast-check'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import type { TensorSignature } from '../../src/shared/tensor.ts'
import { listText } from './damaged-json.ts'
import { type EntryText, objectText } from './feature-bodies.ts'
import { anyText, type Manner, manner, type Spelled, type Value } from './spellings.ts'
import { countOf, nestedText, sizesFor, valuesOf } from './tensor-plans.ts'

export interface OipExpected {
  /** By input: all elements, and the sizes that the request gave. */
  readonly columns: readonly (readonly Value[])[]
  readonly shapes: readonly (readonly number[])[]
  /** null: the body has no id. */
  readonly bodyId: string | null
  readonly outputs: readonly number[] | null
}

export interface OipBody {
  readonly text: string
  readonly expected: OipExpected
}

const shuffled = <T>(all: readonly T[], minLength = all.length): fc.Arbitrary<T[]> =>
  fc.shuffledSubarray([...all], { minLength, maxLength: all.length })

const parameters = fc.constantFrom('{}', '{"a":[1]}', '{"binary_data":false}')

const sizeText = (size: number, style: number): string => {
  if (style > 1) return `${size}`
  return style === 0 ? `${size}.0` : `${size}e0`
}

/** Keys of one input: in the order of the documents, in Triton's, or in any. */
const orders = ({ isPlain }: Manner): fc.Arbitrary<readonly string[]> => {
  const usual = fc.constantFrom<readonly string[]>(
    ['name', 'shape', 'datatype', 'data'],
    ['name', 'datatype', 'shape', 'data'],
  )
  const any = shuffled(['name', 'shape', 'datatype', 'data', 'parameters'])
  return isPlain ? usual : fc.oneof(usual, any)
}

interface InputText {
  readonly entries: readonly EntryText[]
  readonly space: readonly string[]
  readonly values: readonly Value[]
}

const inputOf = (
  { name, datatype }: TensorSignature,
  sizes: readonly number[],
  how: Manner,
): fc.Arbitrary<InputText> => {
  const mayNest = sizes.every((size) => size > 0) && sizes.length > 0
  const count = countOf(sizes)
  return fc
    .record({
      all: valuesOf(datatype, count, how),
      isNested: mayNest ? fc.boolean() : fc.constant(false),
      key: how.spell(fc.constant(name)),
      style: fc.nat({ max: 12 }),
      order: orders(how),
      more: parameters,
      space: how.blanks,
    })
    .map(({ all, isNested, key, style, order, more, space }) => {
      const texts = all.map(({ text }) => text)
      const shape = sizes.map((size) => sizeText(size, style))
      const entries: Readonly<Record<string, string>> = {
        name: key.text,
        shape: listText('[', shape, space),
        datatype: `"${datatype}"`,
        data: nestedText(texts, isNested ? sizes : [count], space),
        parameters: more,
      }
      return {
        entries: order.map((each): EntryText => [`"${each}"`, entries[each]!]),
        space,
        values: all.map(({ value }) => value),
      }
    })
}

/** Sizes of all inputs: where there are rows, as many in each unless `isUneven`. */
const allSizes = (
  { signature, rowsMax }: VariantPlan,
  isUneven: boolean,
): fc.Arbitrary<number[][]> => {
  const shapes = signature.inputs.map(({ shape }) => shape)
  if (rowsMax === 0) return fc.tuple(...shapes.map((shape) => sizesFor(shape, 0)))
  const inner = fc.tuple(...shapes.map((shape) => sizesFor(shape.slice(1), 0)))
  const rows = fc.array(fc.integer({ min: 1, max: 4 }), {
    minLength: shapes.length,
    maxLength: shapes.length,
  })
  return fc
    .tuple(inner, rows)
    .map(([all, counts]) => all.map((sizes, i) => [counts[isUneven ? i : 0]!, ...sizes]))
}

interface Around {
  readonly id: Spelled<string> | null
  /** Indices into the outputs; null: the key is not there. */
  readonly outputs: readonly number[] | null
  readonly more: readonly EntryText[]
  readonly position: number
  readonly space: readonly string[]
}

const aroundOf = ({ signature }: VariantPlan, how: Manner): fc.Arbitrary<Around> => {
  const none = fc.constant(null)
  const outputs = shuffled([...signature.outputs.keys()], 0)
  const more = fc.constantFrom<EntryText[]>(
    [],
    [['"parameters"', '{"binary_data_output":false}']],
    [['"custom"', '[{}]']],
  )
  return fc.record({
    id: fc.option(how.spell(how.texts), { freq: 2 }),
    outputs: how.isPlain ? none : fc.oneof(none, outputs),
    more: how.isPlain ? fc.constant([]) : more,
    position: fc.nat(),
    space: how.blanks,
  })
}

/** The list of inputs among the other keys. */
const bodyText = (plan: VariantPlan, inputs: string, around: Around): string => {
  const { id, outputs, more, position, space } = around
  const wanted = outputs?.map((i) => `{"name":"${plan.signature.outputs[i]!.name}"}`)
  const entries: EntryText[] = [
    ...(id === null ? [] : [['"id"', id.text] as const]),
    ...(wanted === undefined ? [] : [['"outputs"', listText('[', wanted, space)] as const]),
    ...more,
  ]
  entries.splice(position % (entries.length + 1), 0, ['"inputs"', inputs])
  return `${space[0]}${objectText(entries, space)}${space.at(-1)}`
}

/** A change to an input: what it says, or what it says more. */
type Twist = (entries: readonly EntryText[]) => readonly EntryText[]

const bodyWith = (
  plan: VariantPlan,
  twists: fc.Arbitrary<Twist>,
  isUneven = false,
): fc.Arbitrary<OipBody> => {
  const { inputs } = plan.signature
  return fc.tuple(allSizes(plan, isUneven), manner).chain(([shapes, how]) => {
    const texts = fc.tuple(...inputs.map((input, i) => inputOf(input, shapes[i]!, how)))
    return fc
      .tuple(texts, shuffled([...inputs.keys()]), aroundOf(plan, how), twists)
      .map(([all, order, around, twist]): OipBody => {
        const { id, outputs, space } = around
        const list = order.map((i) => objectText(twist(all[i]!.entries), all[i]!.space))
        return {
          text: bodyText(plan, listText('[', list, space), around),
          expected: {
            columns: all.map(({ values }) => values),
            shapes,
            bodyId: id?.value ?? null,
            outputs: outputs === null || outputs.length === 0 ? null : outputs,
          },
        }
      })
  })
}

/** Valid bodies for a plan. */
export const oipBody = (plan: VariantPlan): fc.Arbitrary<OipBody> =>
  bodyWith(
    plan,
    fc.constant((entries) => entries),
  )

const keys = ['"name"', '"shape"', '"datatype"', '"data"', '"parameters"', '"custom"']
const oddText = fc.oneof(
  anyText,
  fc.constantFrom('"x0"', '"x1"', '"FP32"', '[1]', '[2,1]', '[0]', '[-1,1]', '[1,2]', '[[1,2]]'),
  fc.constantFrom('{"classification":1}', '{"binary_data":true}', '{"shared_memory_region":"a"}'),
)

const twist: fc.Arbitrary<Twist> = fc
  .tuple(fc.constantFrom(...keys), oddText, fc.nat({ max: 6 }))
  .map(
    ([key, text, at]): Twist =>
      (entries) => {
        if (at === 0) return entries.filter(([own]) => own !== key)
        if (at === 1) return [...entries, [key, text]]
        if (at === 3) return entries.with(text.length % 3, entries[key.length % 3]!)
        if (at === 2)
          return entries.map(([own, value]) => [own, own === '"data"' ? `[${value}]` : value])
        return entries.map(([own, value]) => [own, own === key ? text : value])
      },
  )

const oddAround: fc.Arbitrary<EntryText> = fc.tuple(
  fc.constantFrom('"id"', '"inputs"', '"outputs"', '"parameters"'),
  fc.oneof(
    anyText,
    fc.constantFrom('[{"name":"y0"},{"name":"y0"}]', '[{"name":"x0"}]', '[{}]'),
    fc.constantFrom('{"binary_data_output":true}', '[{"name":"y0","parameters":{"a":1}}]'),
  ),
)

/** Bodies of roughly the right form: many are valid, the others wrong in one place or two. */
export const oddOipBody = (plan: VariantPlan): fc.Arbitrary<string> => {
  const valid = oipBody(plan).map(({ text }) => text)
  const twisted = bodyWith(plan, twist).map(({ text }) => text)
  const more = fc.tuple(valid, oddAround).map(([text, [key, value]]) => {
    const end = text.lastIndexOf('}')
    return `${text.slice(0, end)},${key}:${value}${text.slice(end)}`
  })
  const uneven = bodyWith(
    plan,
    fc.constant((entries) => entries),
    true,
  ).map(({ text }) => text)
  return fc.oneof(
    { weight: 7, arbitrary: valid },
    { weight: 2, arbitrary: twisted },
    { weight: 1, arbitrary: uneven },
    { weight: 1, arbitrary: more },
  )
}
