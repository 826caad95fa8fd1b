/** Bodies of the TensorFlow Serving format for known plans, and what must be read from them. */

import fc from 'fast-check'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { listText } from './damaged-json.ts'
import { type EntryText, objectText, type RowText } from './feature-bodies.ts'
import { anyText, type Manner, manner, type Spelled, type Value } from './spellings.ts'
import { rowSizes, tensorRow } from './tensor-bodies.ts'
import { countOf, nestedText, valuesOf } from './tensor-plans.ts'

export interface TfsBody {
  readonly text: string
  readonly isBatch: boolean
  readonly rows: number
  /** By input: the elements of all rows, and the sizes of its own tensor. */
  readonly columns: readonly (readonly Value[])[]
  readonly shapes: readonly (readonly number[])[]
}

/** `{"b64": "..."}` of the bytes of a text. */
export const base64Text = (text: string): string =>
  JSON.stringify({ b64: Buffer.from(text).toString('base64') })

/** Text is given in Base64 now and then. */
const withBase64 = (how: Manner): Manner => ({
  ...how,
  spell: (texts) =>
    fc.oneof(
      { weight: 3, arbitrary: how.spell(texts) },
      {
        weight: 1,
        arbitrary: texts.map((value): Spelled<string> => ({ text: base64Text(value), value })),
      },
    ),
})

const signatures = fc.constantFrom<EntryText[]>(
  [],
  [],
  [['"signature_name"', '"serving_default"']],
  [['"signature_name"', '"\\u0073erving_default"']],
  [['"signature_name"', '""']],
)

/** The main entry before or behind the others. */
const bodyText = (main: EntryText, how: Manner): fc.Arbitrary<string> =>
  fc.tuple(signatures, fc.boolean(), how.blanks).map(([more, isLast, space]) => {
    const entries = isLast ? [...more, main] : [main, ...more]
    return `${space[0]}${objectText(entries, space)}${space.at(-1)}`
  })

const joined = (rows: readonly RowText[]): Value[][] =>
  rows[0]!.columns.map((_, input) => rows.flatMap(({ columns }) => columns[input]!))

const byRows = (plan: VariantPlan, sizes: number[][], how: Manner): fc.Arbitrary<TfsBody> => {
  const hasRows = plan.rowsMax > 0
  const row = tensorRow(plan, sizes, how, true)
  return fc
    .tuple(fc.array(row, { minLength: 1, maxLength: hasRows ? 3 : 1 }), how.blanks)
    .chain(([all, space]) => {
      const texts = all.map(({ text }) => text)
      return bodyText(['"instances"', listText('[', texts, space)], how).map((text) => ({
        text,
        isBatch: true,
        rows: all.length,
        columns: joined(all),
        shapes: hasRows ? sizes.map((each) => [all.length, ...each]) : sizes,
      }))
    })
}

const byColumns = (plan: VariantPlan, sizes: number[][], how: Manner): fc.Arbitrary<TfsBody> => {
  const { inputs } = plan.signature
  const hasRows = plan.rowsMax > 0
  return fc.integer({ min: 1, max: hasRows ? 3 : 1 }).chain((rows) => {
    const shapes = hasRows ? sizes.map((each) => [rows, ...each]) : sizes
    const values = fc.tuple(
      ...inputs.map(({ datatype }, i) => valuesOf(datatype, countOf(shapes[i]!), how)),
    )
    return fc.tuple(values, how.blanks, fc.boolean()).chain(([all, space, isNamed]) => {
      const texts = all.map((each, i) => {
        const parts = each.map(({ text }) => text)
        return nestedText(parts, shapes[i]!, space)
      })
      const named = objectText(
        inputs.map(({ name }, i): EntryText => [`"${name}"`, texts[i]!]).reverse(),
        space,
      )
      const value = isNamed || inputs.length > 1 ? named : texts[0]!
      return bodyText(['"inputs"', value], how).map((text) => ({
        text,
        isBatch: false,
        rows,
        columns: all.map((each) => each.map((spelled) => spelled.value)),
        shapes,
      }))
    })
  })
}

/** Valid bodies for a plan, of either form. */
export const tfsBody = (plan: VariantPlan): fc.Arbitrary<TfsBody> =>
  fc.tuple(rowSizes(plan), manner).chain(([sizes, how]) => {
    const own = withBase64(how)
    return fc.oneof(byRows(plan, sizes, own), byColumns(plan, sizes, own))
  })

const oddEntry: fc.Arbitrary<EntryText> = fc.tuple(
  fc.constantFrom('"instances"', '"inputs"', '"signature_name"', '"instance"', '"x0"'),
  fc.oneof(
    anyText,
    fc.constantFrom('"serving_default"', '"predict"', '[[1]]', '[{"x0":1}]', '{"x0":[1]}'),
    fc.constantFrom('[{"b64":"YQ=="}]', '[{"b64":"?"}]', '{"b64":1}', '[{"b64":"a","c":1}]'),
  ),
)

/** Bodies of roughly the right form: many are valid, the others wrong in one place or two. */
export const oddTfsBody = (plan: VariantPlan): fc.Arbitrary<string> => {
  const valid = tfsBody(plan).map(({ text }) => text)
  const more = fc.tuple(valid, oddEntry).map(([text, [key, value]]) => {
    const end = text.lastIndexOf('}')
    return `${text.slice(0, end)},${key}:${value}${text.slice(end)}`
  })
  const alone = fc.tuple(oddEntry, manner).chain(([entry, how]) => bodyText(entry, how))
  return fc.oneof(
    { weight: 8, arbitrary: valid },
    { weight: 1, arbitrary: more },
    { weight: 1, arbitrary: alone },
  )
}
