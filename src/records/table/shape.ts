/**
 * Which columns the records of a layout have: those of every record, then its features, then its
 * outputs. A feature keeps its name and its type from version to version of an endpoint, so that
 * the files of one fit together.
 */

import type { FeatureType } from '../../shared/manifest.ts'
import type { Redaction } from '../../shared/record-policy.ts'
import type { Datatype } from '../../shared/tensor.ts'
import { FEEDBACK_COLUMNS, PREDICTION_COLUMNS, type RecordColumn } from '../record-columns.ts'
import type { RecordLayout } from '../record-layout.ts'
import type { ColumnSpec, ColumnType } from './column.ts'

/** A column that a feature or an output of the layout fills. */
export interface ValueColumn {
  /** Index into the columns of the table. */
  readonly column: number
  /** Index into the features, or the outputs, of the layout. */
  readonly index: number
  /** By which a record has it: `amount`, or `amount__hmac`. */
  readonly key: string
}

export interface Shape {
  /** Layouts of equal keys have equal columns. */
  readonly key: string
  readonly specs: readonly ColumnSpec[]
  readonly features: readonly ValueColumn[]
  readonly outputs: readonly ValueColumn[]
}

const SQL_TYPES: Readonly<Record<RecordColumn['type'], ColumnType>> = {
  VARCHAR: 'text',
  DOUBLE: 'double',
  INTEGER: 'int32',
  BIGINT: 'int64',
  BOOLEAN: 'boolean',
  TIMESTAMP: 'timestamp',
  // Of views alone: a file has its date in its path.
  DATE: 'int32',
}

/** Texts that hardly repeat: no dictionary is tried for them. */
const IDS = ['prediction_id', 'request_id', 'trace_id', 'scores', 'of_prediction_id']

/** A value is in every row: of those that `verify` reads, so that it reads them fast. */
const REQUIRED = ['prediction_id', 'time', 'role', 'producer', 'sequence', 'row']

const specOf = ({ name, type }: RecordColumn): ColumnSpec => ({
  name,
  type: IDS.includes(name) ? 'id' : SQL_TYPES[type],
  isRequired: REQUIRED.includes(name),
})

/** Columns of every prediction, in order. */
export const PREDICTION_SPECS: readonly ColumnSpec[] = PREDICTION_COLUMNS.map(specOf)
/** Columns of feedback, in order. */
export const FEEDBACK_SPECS: readonly ColumnSpec[] = FEEDBACK_COLUMNS.map(specOf)

/** What a record of feedback has. */
export const FEEDBACK_SHAPE: Shape = {
  ...{ key: 'feedback', specs: FEEDBACK_SPECS, features: [], outputs: [] },
}

const ofDatatype = (datatype: Datatype, rowElements: number): ColumnType => {
  if (rowElements !== 1) return 'id' // JSON of a list
  if (datatype === 'BYTES') return 'text'
  if (datatype === 'BOOL') return 'boolean'
  if (datatype === 'UINT64') return 'uint64'
  return datatype.startsWith('FP') ? 'double' : 'int64'
}

const ofFeature = (
  type: FeatureType | 'tensor',
  { datatype, rowElements }: { readonly datatype: Datatype; readonly rowElements: number },
): ColumnType => {
  if (type === 'tensor') return ofDatatype(datatype, rowElements)
  if (type === 'number') return 'double'
  if (type === 'boolean') return 'boolean'
  if (type === 'category') return 'text'
  return datatype === 'UINT64' ? 'uint64' : 'int64'
}

/** A bucket of numbers is one, of a list a list; all else becomes text. */
const redactedType = (type: ColumnType, rule: Redaction | null): ColumnType => {
  if (rule === null) return type
  if (rule.kind !== 'bucket') return 'text'
  return type === 'id' ? 'id' : 'double'
}

/** Names in one file, unique even where case does not count, as in SQL. */
class Names {
  readonly #taken = new Set<string>()

  /** `wanted`, or that with the first of `_2`, `_3` ... that is free. */
  take(wanted: string): string {
    const text = wanted.toWellFormed()
    for (let times = 1; ; times++) {
      const name = times === 1 ? text : `${text}_${times}`
      const folded = name.toLowerCase()
      if (this.#taken.has(folded)) continue
      this.#taken.add(folded)
      return name
    }
  }
}

interface Wanted {
  readonly prefix: 'f_' | 'o_'
  readonly name: string
  readonly type: ColumnType
  readonly rule: Redaction | null
}

const addColumns = (
  specs: ColumnSpec[],
  names: Names,
  wanted: readonly Wanted[],
): readonly ValueColumn[] =>
  wanted.flatMap(({ prefix, name, type, rule }, index) => {
    if (rule?.kind === 'drop') return []
    const key = rule === null ? name : `${name}__${rule.kind}`
    const spec = { name: names.take(prefix + key), type: redactedType(type, rule) }
    return [{ column: specs.push(spec) - 1, index, key }]
  })

/** The columns of the predictions of a layout. */
export const shapeOf = ({ features, inputs, outputs, policy }: RecordLayout): Shape => {
  const specs = [...PREDICTION_SPECS]
  const names = new Names()
  for (const { name } of specs) names.take(name)
  const ofFeatures = features.map(
    ({ name, type, input }, index): Wanted => ({
      ...{ prefix: 'f_', name, type: ofFeature(type, inputs[input]!) },
      rule: policy.features[index] ?? null,
    }),
  )
  const ofOutputs = outputs.map(
    ({ name, datatype, rowElements }, index): Wanted => ({
      ...{ prefix: 'o_', name, type: ofDatatype(datatype, rowElements) },
      rule: policy.outputs[index] ?? null,
    }),
  )
  const columns = {
    features: addColumns(specs, names, ofFeatures),
    outputs: addColumns(specs, names, ofOutputs),
  }
  const key = JSON.stringify(
    specs.slice(PREDICTION_SPECS.length).map(({ name, type }) => [name, type]),
  )
  return { key, specs, ...columns }
}
