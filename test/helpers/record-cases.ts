/** Requests of all shapes, with what their records should say: the oracle of the binary form. */

import fc from 'fast-check'
import type { RecordedInstance, RecordValue } from '../../src/records/record.ts'
import type { RecordLayout } from '../../src/records/record-layout.ts'
import type { WrittenExtras } from '../../src/records/write-facts.ts'
import type { Manifest } from '../../src/shared/manifest.ts'
import type { EndpointRecordPolicy } from '../../src/shared/record-policy.ts'
import {
  allocate,
  BIGINT_BOUNDS,
  DATATYPES,
  type Datatype,
  INTEGER_BOUNDS,
  type Signature,
  type Tensor,
  type TensorSignature,
} from '../../src/shared/tensor.ts'
import { manifestFeature, recordLayout } from './record-layouts.ts'

/** Any string at all, lone surrogates included; now and then a longer one. */
export const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', '\u{1f600}', '\ud800', 'é', 'Ā', '\0', 'a'.repeat(70), 'ж'.repeat(70)),
)

type Element = number | bigint | string

const elementOf = (datatype: Datatype): fc.Arbitrary<Element> => {
  if (datatype === 'BYTES') return anyText.map((text) => text.slice(0, 20))
  if (datatype === 'BOOL') return fc.constantFrom(0, 1)
  if (datatype === 'FP32') return fc.float()
  if (datatype === 'FP64') return fc.double()
  const wide = BIGINT_BOUNDS[datatype]
  if (wide !== undefined) {
    return fc.oneof(fc.bigInt({ min: wide[0], max: wide[1] }), fc.constantFrom(...wide, 0n))
  }
  const [min, max] = INTEGER_BOUNDS[datatype]!
  return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max))
}

/** A tensor of `shape`, filled from few values, so that large ones stay cheap. */
const tensorOf = (datatype: Datatype, shape: readonly number[]): fc.Arbitrary<Tensor> => {
  const count = shape.reduce((product, size) => product * size, 1)
  return fc.array(elementOf(datatype), { minLength: 1, maxLength: 8 }).map((some) => {
    const data = allocate(datatype, count)
    for (let i = 0; i < count; i++) data[i] = some[(i * 7) % some.length]!
    return { datatype, shape, data }
  })
}

interface DrawnTensor {
  readonly signature: TensorSignature
  /** Dimensions of a row as they come, where the signature leaves some free. */
  readonly inner: readonly number[]
}

const drawnTensor = (name: string): fc.Arbitrary<DrawnTensor> =>
  fc
    .record({
      datatype: fc.constantFrom(...DATATYPES),
      inner: fc.oneof<fc.Arbitrary<number[]>[]>(
        fc.constant([]),
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(1, 30, 63, 64, 65, 100).map((size) => [size]),
      ),
      isFree: fc.boolean(),
    })
    .map(({ datatype, inner, isFree }) => ({
      signature: { name, datatype, shape: [-1, ...inner.map((size) => (isFree ? -1 : size))] },
      inner,
    }))

const drawnTensors = (prefix: string): fc.Arbitrary<DrawnTensor[]> =>
  fc
    .integer({ min: 1, max: 4 })
    .chain((count) =>
      fc.tuple(...Array.from({ length: count }, (_, i) => drawnTensor(`${prefix}${i}`))),
    )

export interface RecordCase {
  readonly layout: RecordLayout
  readonly rows: number
  readonly rowStart: number
  readonly inputs: Tensor[]
  readonly results: Tensor[]
  readonly extras: WrittenExtras | null
  readonly instances: RecordedInstance[]
}

/** How a value reads that was stored in a tensor. */
const readsAs = (datatype: Datatype, element: Element | undefined): RecordValue => {
  if (element === undefined) return null
  if (datatype === 'BOOL') return element === 1
  if (typeof element !== 'bigint') return element
  return Number.isSafeInteger(Number(element)) ? Number(element) : element
}

const nest = (values: readonly RecordValue[], shape: readonly number[]): RecordValue => {
  const [size, ...inner] = shape
  if (size === undefined) return values[0]!
  const stride = size === 0 ? 0 : values.length / size
  return Array.from({ length: size }, (_, i) =>
    nest(values.slice(i * stride, (i + 1) * stride), inner),
  )
}

const rowOf = ({ datatype, shape, data }: Tensor, row: number, hasRows: boolean): RecordValue => {
  const inner = hasRows ? shape.slice(1) : shape
  const count = inner.reduce((product, size) => product * size, 1)
  if (count === 0) return []
  const from = hasRows ? row * count : 0
  const values = Array.from({ length: count }, (_, i) => readsAs(datatype, data[from + i]))
  return count === 1 ? values[0]! : nest(values, inner)
}

const named = (
  tensors: readonly Tensor[],
  prefix: string,
  row: number,
  hasRows: boolean,
): Record<string, RecordValue> =>
  Object.fromEntries(
    tensors.map((tensor, i) => [`${prefix}${i}`, rowOf(tensor, row, hasRows)] as const),
  )

/** Tensors without features: what goes in and out is what the record has. */
export const tensorCase: fc.Arbitrary<RecordCase> = fc
  .record({
    inputs: drawnTensors('in'),
    outputs: drawnTensors('out'),
    hasRows: fc.boolean(),
    rows: fc.integer({ min: 1, max: 5 }),
    before: fc.integer({ min: 0, max: 3 }),
    after: fc.integer({ min: 0, max: 3 }),
  })
  .chain(({ inputs, outputs, hasRows, rows, before, after }) => {
    const all = hasRows ? before + rows + after : rows
    const draw = (tensors: readonly DrawnTensor[]) =>
      fc.tuple(
        ...tensors.map(({ signature, inner }) => tensorOf(signature.datatype, [all, ...inner])),
      )
    return fc.tuple(draw(inputs), draw(outputs)).map(([given, results]) => {
      const rowStart = hasRows ? before : 0
      const layout = recordLayout({
        signature: {
          inputs: inputs.map(({ signature }) => signature),
          outputs: outputs.map(({ signature }) => signature),
        },
        rowsMax: hasRows ? 64 : 0,
        policy: { recordBytesMax: 1024 * 1024 },
      })
      const instances = Array.from({ length: hasRows ? rows : 1 }, (_, row) => ({
        features: named(given, 'in', rowStart + row, hasRows),
        ...{ score: null, prediction: null },
        outputs: named(results, 'out', rowStart + row, hasRows),
      }))
      return { layout, rows, rowStart, inputs: given, results, extras: null, instances }
    })
  })

const VOCABULARY = ['red', 'green', 'blé']

/** A contract of all types of features, over tensors of floats, integers and text. */
export const FEATURES_SIGNATURE: Signature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 4] },
    { name: 'n', datatype: 'INT64', shape: [-1, 2] },
    { name: 't', datatype: 'BYTES', shape: [-1, 1] },
  ],
  outputs: [
    { name: 'p', datatype: 'FP32', shape: [-1, 2] },
    { name: 'label', datatype: 'BYTES', shape: [-1] },
  ],
}
const feature = (name: string, type: 'number' | 'integer' | 'boolean' | 'category') =>
  ({ name, type }) as const
export const FEATURES_MANIFEST: Manifest = {
  digest: '',
  features: [
    manifestFeature({ ...feature('note', 'category'), tensor: 't', missing: '' }),
    manifestFeature({ ...feature('age', 'number'), column: 2, optional: true }),
    manifestFeature({ ...feature('isNew', 'boolean'), column: 0 }),
    manifestFeature({ ...feature('color', 'category'), column: 1, vocabulary: VOCABULARY }),
    manifestFeature({ ...feature('height', 'number'), column: 3 }),
    manifestFeature({ ...feature('id', 'integer'), tensor: 'n', column: 1, missing: 0 }),
    manifestFeature({
      ...feature('count', 'integer'),
      tensor: 'n',
      column: 0,
      missing: 0,
      optional: true,
    }),
  ],
  task: 'multiclass',
  classes: ['no', 'yes'],
  score: { output: 'p', column: 0 },
  label: { output: 'label' },
}

/** Values of one row as a client gives them. */
export interface GivenRow {
  readonly note: string
  readonly age: number | null
  readonly isNew: boolean
  readonly color: string
  readonly height: number
  readonly id: number | bigint
  readonly count: number | null
  readonly scores: readonly [number, number]
  readonly label: string
}

export const givenRow: fc.Arbitrary<GivenRow> = fc.record({
  note: anyText,
  age: fc.option(fc.float({ noNaN: true })),
  isNew: fc.boolean(),
  color: fc.constantFrom(...VOCABULARY, 'mauve', '\ud800'),
  height: fc.float(),
  id: fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((id) => (Number.isSafeInteger(Number(id)) ? Number(id) : id)),
  count: fc.option(fc.integer()),
  scores: fc.tuple(fc.float({ noNaN: true }), fc.float({ noNaN: true })),
  label: anyText,
})

const instanceOf = ({ scores, label, ...features }: GivenRow): RecordedInstance => {
  const best = scores[1] > scores[0] ? 1 : 0
  return {
    features,
    score: scores[best],
    prediction: label,
    scores: { no: scores[0], yes: scores[1] },
    outputs: { p: scores, label },
  }
}

/** The request of these rows, among others in its run: as decoding and the model leave it. */
export const caseOf = (
  given: readonly GivenRow[],
  rowStart: number,
  policy: Partial<EndpointRecordPolicy> = {},
): RecordCase => {
  const all = rowStart + given.length + 1
  const [x, n, p] = [
    new Float32Array(all * 4),
    new BigInt64Array(all * 2),
    new Float32Array(all * 2),
  ]
  const notes = new Array<string>(all).fill('of another request')
  const labels = [...notes]
  const extras = { rows: [] as number[], features: [] as number[], texts: [] as (string | null)[] }
  const add = (row: number, name: string, text: string | null): void => {
    extras.rows.push(row)
    extras.features.push(FEATURES_MANIFEST.features.findIndex((each) => each.name === name))
    extras.texts.push(text)
  }
  for (const [row, values] of given.entries()) {
    const at = rowStart + row
    const code = VOCABULARY.indexOf(values.color)
    x.set([Number(values.isNew), code, values.age ?? Number.NaN, values.height], at * 4)
    n.set([BigInt(values.count ?? 0), BigInt(values.id)], at * 2)
    p.set(values.scores, at * 2)
    notes[at] = values.note
    labels[at] = values.label
    if (values.count === null) add(row, 'count', null)
    if (code < 0) add(row, 'color', values.color)
  }
  const signature = FEATURES_SIGNATURE
  return {
    layout: recordLayout({ signature, manifest: FEATURES_MANIFEST, policy, rowsMax: 64 }),
    ...{ rows: given.length, rowStart },
    inputs: [
      { datatype: 'FP32', shape: [all, 4], data: x },
      { datatype: 'INT64', shape: [all, 2], data: n },
      { datatype: 'BYTES', shape: [all, 1], data: notes },
    ],
    results: [
      { datatype: 'FP32', shape: [all, 2], data: p },
      { datatype: 'BYTES', shape: [all], data: labels },
    ],
    extras: extras.rows.length === 0 ? null : { ...extras, isCut: false },
    instances: given.map(instanceOf),
  }
}

export const featureCase: fc.Arbitrary<RecordCase> = fc
  .tuple(fc.array(givenRow, { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 3 }))
  .map(([given, rowStart]) => caseOf(given, rowStart))
