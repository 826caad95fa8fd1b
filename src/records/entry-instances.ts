/** The rows of an entry: features by the binding of its layout, score, prediction, outputs. */

import { PROTOCOLS } from '../shared/counters.ts'
import type { Redaction } from '../shared/record-policy.ts'
import { ENTRY_FLAG, ENTRY_WORD } from './entry.ts'
import { rowAnswer } from './entry-answer.ts'
import type { EntryCursor } from './entry-cursor.ts'
import { type EntryTensor, elementValue, readTensors, rowValue } from './entry-tensors.ts'
import { readExtras } from './extras.ts'
import type { RecordedInstance, RecordValue } from './record.ts'
import type { LayoutFeature, LayoutTensor, RecordLayout } from './record-layout.ts'

/** What stands in an entry for the values of one row: by feature, then by output of the layout. */
type Instead = ReadonlyMap<number, string | null>
const NOTHING: Instead = new Map()

/** `<name>__hmac`, where that was done to it. */
export const redactedName = (name: string, rule: Redaction | null): string =>
  rule === null ? name : `${name}__${rule.kind}`

const FEATURES = PROTOCOLS.indexOf('features')

/**
 * Whether NaN may stand for a value that was missing: no JSON of features has one, while a tensor
 * that came as such says NaN where it has NaN.
 */
export const mayMiss = (words: Int32Array, from: number): boolean =>
  words[(from >> 2) + ENTRY_WORD.PROTOCOL] === FEATURES

/** A feature as its client gave it, from what was fed for it. `isMissable`: `mayMiss`. */
export const featureValue = (
  { type, input, column, vocabulary, isNanMissing }: LayoutFeature,
  inputs: readonly EntryTensor[],
  row: number,
  isMissable: boolean,
): RecordValue => {
  const tensor = inputs[input]!
  if (type === 'tensor') return rowValue(tensor, row)
  if (column >= tensor.rowElements) return null
  const value = elementValue(tensor, row * tensor.rowElements + column)
  if (isNanMissing && isMissable && Number.isNaN(value)) return null
  if (type === 'boolean' && typeof value !== 'string') return Number(value) !== 0
  return vocabulary?.[Number(value)] ?? value
}

/** Rows that tensors have: the entry cannot hold more than it has bytes. */
const rowsOf = ({ words, length }: EntryCursor, { hasRows }: RecordLayout): number => {
  const rows = hasRows ? words[ENTRY_WORD.ROWS]! : 1
  return rows > length ? 0 : rows
}

interface Section {
  readonly word: number
  readonly freeFlag: number
  readonly tensors: readonly LayoutTensor[]
}

const read = (
  cursor: EntryCursor,
  layout: RecordLayout,
  { word, freeFlag, tensors }: Section,
): EntryTensor[] | null => {
  const at = cursor.section(word)
  if (at === 0) return null
  const isFree = (cursor.words[ENTRY_WORD.FLAGS]! & freeFlag) !== 0
  const rows = rowsOf(cursor, layout)
  return readTensors(cursor, tensors, { at, isFree, hasRows: layout.hasRows, rows })
}

/** null: the entry has none. Throws EntryInvalid. */
export const readInputs = (cursor: EntryCursor, layout: RecordLayout): EntryTensor[] | null =>
  read(cursor, layout, {
    ...{ word: ENTRY_WORD.INPUTS, freeFlag: ENTRY_FLAG.INPUTS_FREE, tensors: layout.inputs },
  })

/** The same of the outputs. */
export const readOutputs = (cursor: EntryCursor, layout: RecordLayout): EntryTensor[] | null =>
  read(cursor, layout, {
    ...{ word: ENTRY_WORD.OUTPUTS, freeFlag: ENTRY_FLAG.OUTPUTS_FREE, tensors: layout.outputs },
  })

/** One for each row; none where the entry has neither inputs nor outputs. Throws EntryInvalid. */
export const instancesOf = (cursor: EntryCursor, layout: RecordLayout): RecordedInstance[] => {
  const inputs = readInputs(cursor, layout)
  const outputs = readOutputs(cursor, layout)
  if (inputs === null && outputs === null) return []
  const byRow = new Map<number, Map<number, string | null>>()
  for (const { row, place, text } of readExtras(cursor)) {
    const ofRow = byRow.get(row) ?? new Map<number, string | null>()
    byRow.set(row, ofRow.set(place, text))
  }
  const isMissable = mayMiss(cursor.words, 0)
  return Array.from({ length: rowsOf(cursor, layout) }, (_, row) => {
    const instead = byRow.get(row) ?? NOTHING
    return {
      features: inputs === null ? {} : featuresOf(layout, inputs, row, instead, isMissable),
      ...rowAnswer(layout.answer, outputs ?? [], layout.policy.outputs, row),
      ...(outputs === null ? {} : { outputs: outputsOf(layout, outputs, row, instead) }),
    }
  })
}

const featuresOf = (
  { features, policy }: RecordLayout,
  inputs: readonly EntryTensor[],
  row: number,
  instead: Instead,
  isMissable: boolean,
): Record<string, RecordValue> => {
  const values: [string, RecordValue][] = []
  for (const [index, feature] of features.entries()) {
    const rule = policy.features[index] ?? null
    if (rule?.kind === 'drop') continue
    const other = instead.get(index)
    const value = other === undefined ? featureValue(feature, inputs, row, isMissable) : other
    values.push([redactedName(feature.name, rule), value])
  }
  return Object.fromEntries(values)
}

const outputsOf = (
  { outputs, features, policy }: RecordLayout,
  tensors: readonly EntryTensor[],
  row: number,
  instead: Instead,
): Record<string, RecordValue> => {
  const values: [string, RecordValue][] = []
  for (const [index, { name }] of outputs.entries()) {
    const rule = policy.outputs[index] ?? null
    if (rule?.kind === 'drop') continue
    const other = instead.get(features.length + index)
    const value = other === undefined ? rowValue(tensors[index]!, row) : other
    values.push([redactedName(name, rule), value])
  }
  return Object.fromEntries(values)
}
