/** Plans of endpoints with features, and by feature what clients may send for it. */

import fc from 'fast-check'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import type { FeatureType, ManifestFeature } from '../../src/shared/manifest.ts'
import { canHold, DATATYPES, type Datatype } from '../../src/shared/tensor.ts'
import {
  integerAs,
  type Manner,
  manner,
  mostly,
  type Spelled,
  spelledFor,
  spelledInteger,
  unicodeText,
  type Value,
} from './spellings.ts'
import { feature, planOf, tensor } from './variant-plans.ts'

export interface KnownFeature {
  readonly name: string
  readonly input: number
  readonly column: number
  /** Values and what is stored for them; `null` too where that is allowed. */
  readonly cells: fc.Arbitrary<Spelled>
  /** Stored for an absent value; null: the feature must be given. */
  readonly filler: Value | null
}

export interface FeatureCase {
  readonly plan: VariantPlan
  /** How its clients write. */
  readonly manner: Manner
  /** In the order of the contract. */
  readonly features: readonly KnownFeature[]
  /** Elements of a row by input. */
  readonly widths: readonly number[]
}

const NAMES = ['seats', 'seat', 'origin', 'a"b', 'a\\', 'é😀', '__proto__', 'a/b~c', '1', '\u0001']

const name = fc.oneof(
  fc.constantFrom(...NAMES, 'features', 'constructor', 'x'),
  fc.stringMatching(/^[a-z_]{1,12}$/),
  fc.string({ minLength: 1, maxLength: 8, unit: 'binary' }),
)

const TYPES_OF = (datatype: Datatype): readonly FeatureType[] => {
  if (datatype === 'BYTES') return ['category']
  if (datatype === 'BOOL') return ['boolean', 'category']
  return ['number', 'integer', 'boolean', 'category']
}

const missingFor = (datatype: Datatype): fc.Arbitrary<number | string> => {
  if (datatype === 'BYTES') return unicodeText
  return fc.constantFrom(Number.NaN, -1, 0, 1, 0.1)
}

/** A feature of one column, before it has a name. */
type Part = Omit<ManifestFeature, 'name' | 'tensor' | 'column'>

const partFor = (
  datatype: Datatype,
  { texts }: Manner,
  types = TYPES_OF(datatype),
): fc.Arbitrary<Part> => {
  // At most two categories, so that their codes fit every datatype.
  const vocabularies = fc.uniqueArray(texts, { minLength: 1, maxLength: 2 })
  return fc
    .tuple(fc.constantFrom(...types), fc.boolean(), missingFor(datatype), vocabularies)
    .map(([type, optional, missing, vocabulary]) => ({
      type,
      // No version is served that may lack a value and has none to feed.
      optional: optional && canHold(datatype, missing),
      missing,
      ...(type === 'category' && datatype !== 'BYTES' ? { vocabulary } : {}),
    }))
}

/** Any integer feature: floats take what a double holds, exact or not. */
const integerCells = (datatype: Datatype, how: Manner): fc.Arbitrary<Spelled> => {
  if (datatype !== 'FP32' && datatype !== 'FP64') return spelledFor(datatype, how)
  return spelledInteger(-(10n ** 20n), 10n ** 20n).map(({ text }) => {
    const value = Number(text)
    return { text, value: datatype === 'FP32' ? Math.fround(value) : value }
  })
}

const codeCells = (
  vocabulary: readonly string[],
  datatype: Datatype,
  { texts, spell }: Manner,
): fc.Arbitrary<Spelled> => {
  const known = fc.constantFrom(...vocabulary)
  const unseen = integerAs(-1n, datatype)
  return spell(unseen === null ? known : fc.oneof(known, known, texts))
    .filter(({ value }) => unseen !== null || vocabulary.includes(value))
    .map(({ text, value }) => ({
      text,
      value: integerAs(BigInt(vocabulary.indexOf(value)), datatype)!,
    }))
}

const cellsOf = (
  { type, vocabulary }: Part,
  datatype: Datatype,
  how: Manner,
): fc.Arbitrary<Spelled> => {
  if (type === 'number') return spelledFor(datatype, how)
  if (type === 'integer') return integerCells(datatype, how)
  if (vocabulary !== undefined) return codeCells(vocabulary, datatype, how)
  if (type === 'category') return how.spell(how.texts)
  return fc.boolean().map((value) => ({
    text: `${value}`,
    value: integerAs(value ? 1n : 0n, datatype)!,
  }))
}

const fillerOf = ({ optional, missing }: Part, datatype: Datatype): Value | null => {
  if (!optional) return null
  if (typeof missing === 'string') return missing
  if (datatype === 'FP32') return Math.fround(missing)
  if (datatype === 'FP64') return missing
  return Number.isInteger(missing) ? integerAs(BigInt(missing), datatype) : null
}

/** Datatype, and the inner shape of a row. */
type Column = readonly [datatype: Datatype, inner: readonly number[]]

const columnsOf = (datatypes: readonly Datatype[]): fc.Arbitrary<Column[]> => {
  const inner = fc.oneof(
    fc.constant([]),
    fc.integer({ min: 1, max: 4 }).map((width) => [width]),
    fc.constant([2, 2]),
  )
  return fc.array(fc.tuple(fc.constantFrom(...datatypes), inner), { minLength: 1, maxLength: 3 })
}

interface Limits {
  readonly rowsMax: number
  readonly jsonDepthMax: number
}

const limits: fc.Arbitrary<Limits> = fc.record({
  rowsMax: mostly(8, [0]),
  jsonDepthMax: mostly(20, [4, 3, 2]),
})

const sizeOf = (inner: readonly number[]): number => inner.reduce((n, size) => n * size, 1)

/** A feature for every column of every input, in any order. */
const casesOf = (columns: readonly Column[], how: Manner, types?: readonly FeatureType[]) => {
  const places = columns.flatMap(([datatype, inner], input) =>
    Array.from({ length: sizeOf(inner) }, (_, column) => ({ datatype, input, column })),
  )
  const parts = fc.tuple(...places.map(({ datatype }) => partFor(datatype, how, types)))
  const count = places.length
  const names = fc.uniqueArray(name, { minLength: count, maxLength: count })
  // One feature after another in the order of the columns is the usual manifest.
  const sorted = fc.constant([...places.keys()])
  const any = fc.shuffledSubarray([...places.keys()], { minLength: count, maxLength: count })
  const order = fc.oneof({ weight: 2, arbitrary: sorted }, { weight: 1, arbitrary: any })
  return fc
    .tuple(parts, names, order, limits)
    .map(([known, given, indices, { rowsMax, jsonDepthMax }]): FeatureCase => {
      const all = places.map((place, i) => ({ ...place, ...known[i]!, name: given[i]! }))
      const ordered = indices.map((i) => all[i]!)
      const inputs = columns.map(([datatype, inner], i) =>
        tensor(`input${i}`, datatype, -1, ...inner),
      )
      const plan = planOf({
        inputs,
        features: ordered.map(({ datatype: _, input, ...rest }) =>
          feature({ ...rest, tensor: `input${input}` }),
        ),
        rowsMax,
        jsonDepthMax,
      })
      const features = ordered.map((each): KnownFeature => {
        const filler = fillerOf(each, each.datatype)
        const cells = cellsOf(each, each.datatype, how)
        const missing = fc.constant({ text: 'null', value: filler! })
        const { name: own, input, column } = each
        const given = filler === null ? cells : fc.oneof(cells, cells, cells, missing)
        return { name: own, input, column, cells: given, filler }
      })
      return { plan, manner: how, features, widths: columns.map(([, inner]) => sizeOf(inner)) }
    })
}

const vectors: fc.Arbitrary<Column[]> = fc
  .tuple(fc.constantFrom<Datatype>('FP32', 'FP64'), fc.integer({ min: 1, max: 6 }))
  .map(([datatype, width]): Column[] => [[datatype, [width]]])

/** Plans of every kind; those that the fast decoder knows more often than not. */
export const featureCase: fc.Arbitrary<FeatureCase> = manner.chain((how) =>
  fc.oneof(
    { weight: 2, arbitrary: vectors.chain((columns) => casesOf(columns, how, ['number'])) },
    {
      weight: 4,
      arbitrary: columnsOf(['FP32', 'FP64', 'BYTES']).chain((each) => casesOf(each, how)),
    },
    { weight: 2, arbitrary: columnsOf(DATATYPES).chain((each) => casesOf(each, how)) },
  ),
)
