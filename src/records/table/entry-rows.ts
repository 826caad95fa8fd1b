/**
 * Rows of a table straight from entries, for layouts of numbers: what `decodeEntry` and
 * `addPrediction` give, at a tenth of the cost (`npm run bench -- micro ship:`). Entries that are
 * not as usual (a missing value, a category that is not known, text) go the other way.
 */

import { RECORD_ROLES, type Redaction } from '../../shared/record-policy.ts'
import type { Datatype } from '../../shared/tensor.ts'
import { ENTRY_FLAG, ENTRY_HEADER_BYTES, ENTRY_WORD } from '../entry.ts'
import type { LayoutTensor, RecordLayout } from '../record-layout.ts'
import { hasRules } from '../redact/policy-rules.ts'
import type { FrameViews } from '../shipping/frame-views.ts'
import { answerFills, answerOutputs, type PlacedOutput } from './answer-fills.ts'
import { baseFills } from './base-fills.ts'
import type { ColumnSpec } from './column.ts'
import { ELEMENT_BYTES } from './elements.ts'
import {
  type EntryBatch,
  type Fill,
  fillCategory,
  fillElement,
  fillText,
  fillWith,
  listText,
} from './fills.ts'
import { HEADER, RowPlaces } from './row-places.ts'
import type { Shape } from './shape.ts'
import type { Table } from './table.ts'

type Numeric = Exclude<Datatype, 'BYTES'>

export interface EntryRows {
  /** Whether the entry that begins at byte `from` is as usual. */
  takes(frame: FrameViews, from: number): boolean
  /** Adds a row for each entry of a batch: of one row each, all of which it takes. */
  add(table: Table, batch: EntryBatch): void
  /** Adds all rows of the entry that begins at byte `from`, which it takes. */
  addMany(table: Table, of: Pick<EntryBatch, 'producer' | 'frame'>, from: number): void
}

const FEEDBACK = RECORD_ROLES.indexOf('feedback')
const USUAL_FLAGS = ENTRY_FLAG.IS_BATCH | ENTRY_FLAG.REDACTED

/** What is done to a value so that it is still a number, or is absent. */
const leavesNumbers = (rule: Redaction | null | undefined): boolean =>
  rule === null || rule === undefined || rule.kind === 'drop' || rule.kind === 'bucket'

/** A whole row of a tensor. */
const fillTensor = (
  { datatype, shape, rowElements }: LayoutTensor,
  at: number,
  spec: ColumnSpec,
): Fill => {
  const numeric = datatype as Numeric
  if (rowElements === 1) return fillElement({ datatype: numeric, at, isNanNull: false }, spec)
  if (rowElements === 0) return fillText(() => '[]')
  return fillText(listText(numeric, at, ELEMENT_BYTES[numeric], shape))
}

/** null: the feature is none of numbers after all. */
const fillFeature = (
  { features, inputs, policy }: RecordLayout,
  index: number,
  at: number,
  spec: ColumnSpec,
): Fill | null => {
  const { type, input, column, vocabulary, isNanMissing } = features[index]!
  const tensor = inputs[input]!
  if (type === 'tensor') return fillTensor(tensor, at, spec)
  if (column >= tensor.rowElements) return fillWith(() => null)
  const datatype = tensor.datatype as Numeric
  const terms = { datatype, at: at + column * ELEMENT_BYTES[datatype], isNanNull: isNanMissing }
  if (type === 'category') {
    return policy.features[index] === null ? fillCategory(terms, vocabulary) : null
  }
  return vocabulary === null ? fillElement(terms, spec) : null
}

interface PlacedFill {
  readonly fill: Fill
  /** What it reads: HEADER, or a tensor, inputs before outputs. */
  readonly place: number
}

const fillsOf = (
  layout: RecordLayout,
  { specs, features, outputs }: Shape,
  places: RowPlaces,
): PlacedFill[] | null => {
  const { inputs, policy } = layout
  const atOutput = (index: number) => inputs.length + index
  const placed = layout.outputs.map(
    ({ datatype, rowElements }, index): PlacedOutput => ({
      ...{ datatype: datatype as Numeric, rowElements },
      at: places.startOf(atOutput(index), 1),
    }),
  )
  const isReadable = (output: number) => {
    const rule = policy.outputs[output] ?? null
    return rule === null || rule.kind === 'bucket'
  }
  const answer = answerFills(layout.answer, placed, isReadable)
  if (answer === null) return null
  const read = answerOutputs(layout.answer, placed)
  const base = baseFills(layout)
  const fills = specs.map(({ name }): { fill: Fill | null; place: number } => {
    if (name !== 'score' && name !== 'prediction' && name !== 'scores') {
      return { fill: base[name] ?? null, place: HEADER }
    }
    return { fill: answer[name], place: read[name] < 0 ? HEADER : atOutput(read[name]) }
  })
  for (const { column, index } of features) {
    const place = layout.features[index]!.input
    const at = places.startOf(place, 1)
    fills[column] = { fill: fillFeature(layout, index, at, specs[column]!), place }
  }
  for (const { column, index } of outputs) {
    const fill = fillTensor(layout.outputs[index]!, placed[index]!.at, specs[column]!)
    fills[column] = { fill, place: atOutput(index) }
  }
  return fills.every(({ fill }) => fill !== null) ? (fills as PlacedFill[]) : null
}

const isOfNumbers = ({ datatype, rowElements }: LayoutTensor): boolean =>
  datatype !== 'BYTES' && rowElements >= 0

/** Whether layouts like this have entries that are worth the compilation. */
const isUsual = ({ hasRows, inputs, outputs, policy }: RecordLayout): boolean =>
  hasRows &&
  inputs.length > 0 &&
  outputs.length > 0 &&
  inputs.every(isOfNumbers) &&
  outputs.every(isOfNumbers) &&
  policy.keepsFeatures &&
  policy.keepsOutputs &&
  policy.features.every(leavesNumbers) &&
  policy.outputs.every(leavesNumbers)

/** Compiled for one layout; null where its entries have to be decoded. */
export const entryRowsOf = (layout: RecordLayout, shape: Shape): EntryRows | null => {
  if (!isUsual(layout)) return null
  const places = new RowPlaces(layout.inputs, layout.outputs)
  const fills = fillsOf(layout, shape, places)
  if (fills === null) return null
  const mustBeRedacted = hasRules(layout.policy) ? ENTRY_FLAG.REDACTED : 0
  const rowColumn = shape.specs.findIndex(({ name }) => name === 'row')
  return {
    takes: ({ words }, from) => {
      const at = from >> 2
      const flags = words[at + ENTRY_WORD.FLAGS]!
      const rows = words[at + ENTRY_WORD.ROWS]!
      return (
        rows > 0 &&
        (flags & ~USUAL_FLAGS) === 0 &&
        (flags & mustBeRedacted) === mustBeRedacted &&
        words[at + ENTRY_WORD.INPUTS] === ENTRY_HEADER_BYTES &&
        words[at + ENTRY_WORD.OUTPUTS] === places.outputsAt(rows) &&
        words[at + ENTRY_WORD.EXTRAS] === 0 &&
        words[at + ENTRY_WORD.ROLE]! < FEEDBACK
      )
    },
    add: (table, batch) => {
      const row = table.addRows(batch.end - batch.start)
      for (let i = 0; i < fills.length; i++) fills[i]!.fill(batch, table.columns[i]!, row)
    },
    addMany: (table, { producer, frame }, from) => {
      const rows = frame.words[(from >> 2) + ENTRY_WORD.ROWS]!
      const first = table.addRows(rows)
      const headers = new Int32Array(rows).fill(from)
      for (let i = 0; i < fills.length; i++) {
        const { fill, place } = fills[i]!
        const froms = places.fromsOf(place, from, rows)
        fill({ producer, frame, froms, headers, start: 0, end: rows }, table.columns[i]!, first)
      }
      const numbers = table.columns[rowColumn]!.words
      for (let row = 0; row < rows; row++) numbers[first + row] = row
    },
  }
}
