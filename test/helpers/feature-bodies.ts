/** Bodies of `/predict` for known plans: what clients write, and what must be read from it. */

import fc from 'fast-check'
import { listText } from './damaged-json.ts'
import type { FeatureCase, KnownFeature } from './feature-plans.ts'
import { anyText, type Manner, type Spelled, type Value } from './spellings.ts'

/** What a body stands for. */
export interface Expected {
  /** By input: the elements of all rows. */
  readonly columns: readonly (readonly Value[])[]
  readonly rows: number
  readonly isBatch: boolean
  /** null: the body has no id. */
  readonly bodyId: string | null
}

export interface Body {
  readonly text: string
  readonly expected: Expected
}

/** A row as text, and its elements by input. */
export interface RowText {
  readonly text: string
  readonly columns: readonly (readonly Value[])[]
}

export type EntryText = readonly [key: string, value: string]

/** `"key" : value` for each, with blanks where they may stand. */
export const objectText = (entries: readonly EntryText[], space: readonly string[]): string => {
  const colon = `${space[1 % space.length]}:${space[0]}`
  return listText(
    '{',
    entries.map(([key, value]) => `${key}${colon}${value}`),
    space,
  )
}

const keyOf = (name: string, { spell }: Manner): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(JSON.stringify(name)) },
    { weight: 1, arbitrary: spell(fc.constant(name)).map(({ text }) => text) },
  )

interface Given {
  readonly key: string
  readonly cell: Spelled
  readonly isAbsent: boolean
}

const givenOf = ({ name, cells, filler }: KnownFeature, manner: Manner): fc.Arbitrary<Given> =>
  fc
    .tuple(keyOf(name, manner), cells, fc.nat({ max: 3 }))
    .map(([key, cell, chance]) =>
      filler !== null && chance === 0
        ? { key, cell: { text: 'null', value: filler }, isAbsent: true }
        : { key, cell, isAbsent: false },
    )

/** A valid row of either form. */
const rowOf = ({ features, widths, manner }: FeatureCase): fc.Arbitrary<RowText> => {
  const given = fc.tuple(...features.map((each) => givenOf(each, manner)))
  const all = [...features.keys()]
  const order = fc.oneof(
    fc.constant(all),
    fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
  )
  return fc
    .tuple(given, order, fc.boolean(), manner.blanks)
    .map(([cells, indices, isNamed, space]) => {
      const columns = widths.map((width) => new Array<Value>(width))
      for (const [i, { input, column }] of features.entries()) {
        columns[input]![column] = cells[i]!.cell.value
      }
      const texts = cells.map(({ cell }) => cell.text)
      if (!isNamed) return { text: listText('[', texts, space), columns }
      const entries = indices
        .filter((i) => !cells[i]!.isAbsent)
        .map((i): EntryText => [cells[i]!.key, texts[i]!])
      return { text: objectText(entries, space), columns }
    })
}

const idsOf = ({ texts, spell }: Manner): fc.Arbitrary<Spelled<string> | null> =>
  fc.option(spell(texts.map((text) => text || 'a 1')), { freq: 2 })

const joinColumns = (rows: readonly RowText[]): Value[][] =>
  rows[0]!.columns.map((_, input) => rows.flatMap(({ columns }) => columns[input]!))

/** A body of valid rows: `features` or `instances`, an id before or behind them or none. */
export const bodyOf = (rows: fc.Arbitrary<RowText[]>, manner: Manner): fc.Arbitrary<Body> =>
  fc
    .tuple(rows, fc.boolean(), idsOf(manner), fc.boolean(), manner.blanks)
    .map(([all, isList, id, isBefore, space]): Body => {
      const isBatch = isList || all.length !== 1
      const list = listText(
        '[',
        all.map(({ text }) => text),
        space,
      )
      const main: EntryText = isBatch ? ['"instances"', list] : ['"features"', all[0]!.text]
      const entries: EntryText[] = id === null ? [main] : [['"request_id"', id.text], main]
      if (!isBefore) entries.reverse()
      const text = `${space[0]}${objectText(entries, space)}${space.at(-1)}`
      const bodyId = id === null ? null : id.value
      const expected = { columns: joinColumns(all), rows: all.length, isBatch, bodyId }
      return { text, expected }
    })

/** Valid bodies for a plan with features. */
export const featureBody = (known: FeatureCase): fc.Arbitrary<Body> => {
  const maxLength = known.plan.rowsMax === 0 ? 1 : 4
  return bodyOf(fc.array(rowOf(known), { minLength: 1, maxLength }), known.manner)
}

/** A name that a message cuts in the middle of a character. */
const LONG = `"a${'😀'.repeat(40)}"`

const odd: fc.Arbitrary<EntryText> = fc.oneof(
  fc.tuple(fc.constantFrom('"features"', '"instances"', '"feature"', '""', LONG), anyText),
  fc.tuple(fc.constant('"request_id"'), fc.oneof(fc.constantFrom('""', '"a"', '"b"'), anyText)),
)

/** What is no number of the wanted kind. */
const wrongNumber = fc.constantFrom('1.5', '-0.5', '1e39', '-3.5e38', '1e400', '""', 'true', 'null')

const none: fc.Arbitrary<EntryText[]> = fc.constant([])

const rarely = (entry: fc.Arbitrary<EntryText>): fc.Arbitrary<EntryText[]> =>
  fc.oneof(
    { weight: 3, arbitrary: none },
    { weight: 1, arbitrary: fc.array(entry, { minLength: 1, maxLength: 2 }) },
  )

/** A row that may lack features, name unknown ones or one twice, and hold any values. */
const oddRowOf = ({ features, manner }: FeatureCase): fc.Arbitrary<RowText> => {
  const values = features.map(({ cells }) => cells.map(({ text }) => text))
  const cell = (i: number) =>
    fc.oneof(
      { weight: 16, arbitrary: values[i]! },
      { weight: 1, arbitrary: fc.oneof(...values) },
      { weight: 1, arbitrary: wrongNumber },
      { weight: 1, arbitrary: anyText },
    )
  const entry = ({ name }: KnownFeature, i: number) => fc.tuple(keyOf(name, manner), cell(i))
  const extra = rarely(fc.oneof(odd, ...features.map(entry)))
  const row = fc.tuple(fc.tuple(...features.map(entry)), extra, fc.nat({ max: 8 }), manner.blanks)
  return row.map(([entries, more, form, space]) => {
    const all = [...entries, ...more]
    const given = form === 0 ? all.slice(1) : all
    const texts = given.map(([, value]) => value)
    const text = form % 2 === 0 ? objectText(given, space) : listText('[', texts, space)
    return { text, columns: [] }
  })
}

/** Bodies of roughly the right form: many are valid, the others wrong in one place or two. */
export const oddFeatureBody = (known: FeatureCase): fc.Arbitrary<string> => {
  const rows = fc.array(oddRowOf(known), { minLength: 1, maxLength: 3 })
  const messy = fc
    .tuple(rows, rarely(odd), fc.nat({ max: 9 }), known.manner.blanks)
    .map(([all, more, form, space]) => {
      const texts = all.map(({ text }) => text)
      const list = form === 0 ? texts.join(',') : listText('[', texts, space)
      const main: EntryText = form < 5 ? ['"instances"', list] : ['"features"', texts[0]!]
      return objectText([main, ...more], space)
    })
  return fc.oneof(
    { weight: 2, arbitrary: featureBody(known).map(({ text }) => text) },
    { weight: 1, arbitrary: messy },
  )
}
