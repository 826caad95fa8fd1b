/** The same rows in every wire format are the same tensors, or are refused alike. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as featuresJson from '../../src/server/protocols/features/features-json.ts'
import * as grpcInfer from '../../src/server/protocols/grpc/grpc-infer.ts'
import * as oipJson from '../../src/server/protocols/oip/oip-json.ts'
import type { DecodeRequest } from '../../src/server/protocols/protocol.ts'
import * as tfsJson from '../../src/server/protocols/tfs/tfs-json.ts'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { ERRORS } from '../../src/shared/errors.ts'
import type { FeatureType } from '../../src/shared/manifest.ts'
import { DATATYPES, type Datatype } from '../../src/shared/tensor.ts'
import { binaryBody, tensorBytes } from '../helpers/binary-tensors.ts'
import { grpcBytes, grpcRequest } from '../helpers/grpc-messages.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { type Manner, manner, type Spelled } from '../helpers/spellings.ts'
import { valuesOf } from '../helpers/tensor-plans.ts'
import { decodeWith, feature, planOf, tensor } from '../helpers/variant-plans.ts'
import type { GivenRequest } from '../helpers/wire-forms.ts'

interface Column {
  readonly datatype: Datatype
  readonly width: number
}

/** Rows of a plan in which every column of every input is a feature. */
interface Rows {
  readonly plan: VariantPlan
  readonly columns: readonly Column[]
  /** By feature in the order of the contract: input and column. */
  readonly places: readonly (readonly [input: number, column: number])[]
  /** By row, input and column. */
  readonly cells: readonly (readonly (readonly Spelled[])[])[]
  /** All values are what they are said to be: then they can be written as bytes, too. */
  readonly isSound: boolean
}

/** The type that says of its values what the datatype says, no more. */
const typeOf = (datatype: Datatype): FeatureType => {
  if (datatype === 'BYTES') return 'category'
  if (datatype === 'BOOL') return 'boolean'
  return datatype.startsWith('FP') ? 'number' : 'integer'
}

const columnsOf = fc.array(
  fc.record({ datatype: fc.constantFrom(...DATATYPES), width: fc.integer({ min: 1, max: 3 }) }),
  { minLength: 1, maxLength: 3 },
)

const nameOf = (input: number, column: number): string => `f${input}_${column}`

const planFor = (columns: readonly Column[], places: Rows['places']): VariantPlan =>
  planOf({
    inputs: columns.map(({ datatype, width }, i) => tensor(`x${i}`, datatype, -1, width)),
    features: places.map(([input, column]) => {
      const { datatype } = columns[input]!
      const missing = datatype === 'BYTES' ? '' : 0
      const type = typeOf(datatype)
      return feature({ name: nameOf(input, column), tensor: `x${input}`, column, type, missing })
    }),
  })

/** What is wrong for most datatypes, and no list: flat data may nest as its shape says. */
const wrong = fc.constantFrom(
  ...['"x"', '7', '1.5', '1e39', '1e400', '-1', '99999999999999999999', 'true', 'false', 'null'],
  ...['{}', '[]', '"a\\u0000"', '"\\ud800"', '01', 'NaN'],
)

const rowsFor = (columns: readonly Column[], how: Manner): fc.Arbitrary<Rows> => {
  const all = columns.flatMap(({ width }, input) =>
    Array.from({ length: width }, (_, column) => [input, column] as const),
  )
  const row = fc.tuple(...columns.map(({ datatype, width }) => valuesOf(datatype, width, how)))
  return fc
    .record({
      places: fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length }),
      rows: fc.array(row, { minLength: 1, maxLength: 3 }),
      damage: fc.option(fc.tuple(fc.nat(), fc.nat(), wrong)),
    })
    .map(({ places, rows, damage }) => {
      const plan = planFor(columns, places)
      if (damage === null) return { plan, columns, places, cells: rows, isSound: true }
      const [rowAt, placeAt, text] = damage
      const [wrongInput, wrongColumn] = all[placeAt % all.length]!
      const cells = rows.map((inputs, i) =>
        inputs.map((cellsOf, input) =>
          cellsOf.map((cell, column) => {
            const isHit = i === rowAt % rows.length && input === wrongInput
            return isHit && column === wrongColumn ? { ...cell, text } : cell
          }),
        ),
      )
      return { plan, columns, places, cells, isSound: false }
    })
}

const someRows = fc.tuple(columnsOf, manner).chain(([columns, how]) => rowsFor(columns, how))

const list = (texts: readonly string[]): string => `[${texts.join(',')}]`
const object = (entries: readonly (readonly [string, string])[]): string =>
  `{${entries.map(([key, value]) => `"${key}":${value}`).join(',')}}`

type Body = readonly [form: string, decode: DecodeRequest, body: string]

const byFeatures = ({ places, cells }: Rows): Body[] => {
  const textAt = (row: number, [input, column]: Rows['places'][number]): string =>
    cells[row]![input]![column]!.text
  const positional = cells.map((_, row) => list(places.map((place) => textAt(row, place))))
  const named = cells.map((_, row) =>
    object(places.map((place) => [nameOf(...place), textAt(row, place)])),
  )
  const mixed = named.map((text, row) => (row % 2 === 0 ? positional[row]! : text))
  const bodies = [
    ['instances by name', `{"instances":${list(named)}}`],
    ['instances by position', `{"instances":${list(positional)}}`],
    ['instances of both', `{"instances":${list(mixed)}}`],
  ]
  if (cells.length === 1) {
    bodies.push(['features by name', `{"features":${named[0]}}`])
    bodies.push(['features by position', `{"features":${positional[0]}}`])
  }
  return bodies.map(([form = '', body = '']): Body => [form, featuresJson.decodeRequest, body])
}

/** By input: the rows as lists. */
const matricesOf = ({ columns, cells }: Rows): string[] =>
  columns.map((_, input) => list(cells.map((row) => list(row[input]!.map(({ text }) => text)))))

const byRows = (rows: Rows): Body[] => {
  const instances = rows.cells.map((row) =>
    object(row.map((cells, input) => [`x${input}`, list(cells.map(({ text }) => text))])),
  )
  const inputs = object(matricesOf(rows).map((text, input) => [`x${input}`, text]))
  return [
    ['TensorFlow instances', tfsJson.decodeRequest, `{"instances":${list(instances)}}`],
    ['TensorFlow inputs', tfsJson.decodeRequest, `{"inputs":${inputs}}`],
  ]
}

const oipHead = ({ columns, cells }: Rows, input: number): string => {
  const { datatype, width } = columns[input]!
  return `"name":"x${input}","datatype":"${datatype}","shape":[${cells.length},${width}]`
}

const byTensors = (rows: Rows): Body[] => {
  const bodyOf = (data: readonly string[]): string =>
    `{"inputs":${list(data.map((text, i) => `{${oipHead(rows, i)},"data":${text}}`))}}`
  const flat = rows.columns.map((_, input) =>
    list(rows.cells.flatMap((row) => row[input]!.map(({ text }) => text))),
  )
  return [
    ['OIP, flat', oipJson.decodeRequest, bodyOf(flat)],
    ['OIP, nested', oipJson.decodeRequest, bodyOf(matricesOf(rows))],
  ]
}

/** The rows as tensors of values. */
const requestOf = ({ columns, cells }: Rows): GivenRequest => ({
  inputs: columns.map(({ datatype, width }, input) => ({
    name: `x${input}`,
    datatype,
    told: datatype,
    shape: [cells.length, width],
    values: cells.flatMap((row) => row[input]!.map(({ value }) => value)),
  })),
  id: null,
  outputs: null,
})

/** What a body comes to: its elements by input, or the class of its refusal. */
const outcomeOf = (
  { plan, cells }: Rows,
  decode: DecodeRequest,
  body: string | Uint8Array,
  jsonBytes = -1,
): unknown => {
  const { refusal, decoded, values } = decodeWith(decode, plan, body, { room: 4, jsonBytes })
  if (refusal !== null) return ERRORS[refusal.code].http
  expect(decoded.rows).toBe(cells.length)
  return values
}

test('decodeRequest() of every format makes the same of the same rows', () => {
  let [refused, taken] = [0, 0]
  const property = fc.property(someRows, (rows) => {
    const bodies = [...byFeatures(rows), ...byRows(rows), ...byTensors(rows)]
    const outcomes = bodies.map(([form, decode, body]) => ({
      form,
      body,
      outcome: outcomeOf(rows, decode, body),
    }))
    const { outcome: wanted } = outcomes[0]!
    for (const { form, body, outcome } of outcomes) {
      expect(outcome, `${form}: ${body}`).toEqual(wanted)
    }
    if (typeof wanted === 'number') refused++
    else taken++
    if (!rows.isSound) return
    const request = requestOf(rows)
    const tails = request.inputs.map(({ datatype, values }) => tensorBytes(datatype, values))
    const inputs = tails.map(({ length }, input) => {
      return `{${oipHead(rows, input)},"parameters":{"binary_data_size":${length}}}`
    })
    const { bytes, jsonBytes } = binaryBody(`{"inputs":${list(inputs)}}`, tails)
    const binary = outcomeOf(rows, oipJson.decodeRequest, bytes, jsonBytes)
    expect(binary, 'OIP, binary').toEqual(wanted)
    for (const isRaw of [true, false]) {
      const message = grpcBytes(grpcRequest(request, isRaw))
      expect(outcomeOf(rows, grpcInfer.decodeRequest, message), 'gRPC').toEqual(wanted)
    }
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
  // Neither is rare.
  expect(Math.min(refused, taken)).toBeGreaterThan((refused + taken) / 10)
})
