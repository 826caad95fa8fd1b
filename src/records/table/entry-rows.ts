/**
 * Rows of a table straight from entries, for layouts of numbers: what `decodeEntry` and
 * `addPrediction` give, at a tenth of the cost (`npm run bench -- shipping`). Entries that are not
 * as usual (several rows, a missing value, text) go the other way.
 */

import { RECORD_ROLES, type Redaction } from '../../shared/record-policy.ts'
import type { Datatype } from '../../shared/tensor.ts'
import { ENTRY_FLAG, ENTRY_HEADER_BYTES, ENTRY_WORD, padded } from '../entry.ts'
import type { LayoutTensor, RecordLayout } from '../record-layout.ts'
import { hasRules } from '../redact/policy-rules.ts'
import { sectionOffsets } from '../section-offsets.ts'
import type { FrameViews } from '../shipping/frame-views.ts'
import { answerFills, type PlacedOutput } from './answer-fills.ts'
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
import type { Shape } from './shape.ts'
import type { Table } from './table.ts'

type Numeric = Exclude<Datatype, 'BYTES'>

export interface EntryRows {
  /** Whether the entry that begins at byte `from` is as usual. */
  takes(frame: FrameViews, from: number): boolean
  /** Adds a row for each entry of a batch, all of which it takes. */
  add(table: Table, batch: EntryBatch): void
}

const FEEDBACK = RECORD_ROLES.indexOf('feedback')
const USUAL_FLAGS = ENTRY_FLAG.IS_BATCH | ENTRY_FLAG.REDACTED

const sectionBytes = (tensors: readonly LayoutTensor[]): number =>
  tensors.reduce(
    (sum, { datatype, rowElements }) =>
      sum + padded(rowElements * ELEMENT_BYTES[datatype as Numeric]),
    0,
  )

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

const fillsOf = (layout: RecordLayout, { specs, features, outputs }: Shape): Fill[] | null => {
  const offsets = sectionOffsets(layout)
  if (offsets.inputs === null || offsets.outputs === null) return null
  const outputsAt = ENTRY_HEADER_BYTES + sectionBytes(layout.inputs)
  const placed = layout.outputs.map(
    ({ datatype, rowElements }, index): PlacedOutput => ({
      ...{ datatype: datatype as Numeric, rowElements, at: outputsAt + offsets.outputs![index]! },
    }),
  )
  const isReadable = (output: number) => {
    const rule = layout.policy.outputs[output] ?? null
    return rule === null || rule.kind === 'bucket'
  }
  const answer = answerFills(layout.answer, placed, isReadable)
  if (answer === null) return null
  const byName: Readonly<Record<string, Fill>> = { ...baseFills(layout), ...answer }
  const fills: (Fill | null)[] = specs.map(({ name }) => byName[name] ?? null)
  for (const { column, index } of features) {
    const at = ENTRY_HEADER_BYTES + offsets.inputs[layout.features[index]!.input]!
    fills[column] = fillFeature(layout, index, at, specs[column]!)
  }
  for (const { column, index } of outputs) {
    fills[column] = fillTensor(layout.outputs[index]!, placed[index]!.at, specs[column]!)
  }
  return fills.every((fill) => fill !== null) ? fills : null
}

/** Whether layouts like this have entries that are worth the compilation. */
const isUsual = ({ hasRows, inputs, outputs, policy }: RecordLayout): boolean =>
  hasRows &&
  inputs.length > 0 &&
  outputs.length > 0 &&
  policy.keepsFeatures &&
  policy.keepsOutputs &&
  policy.features.every(leavesNumbers) &&
  policy.outputs.every(leavesNumbers)

/** Compiled for one layout; null where its entries have to be decoded. */
export const entryRowsOf = (layout: RecordLayout, shape: Shape): EntryRows | null => {
  const fills = isUsual(layout) ? fillsOf(layout, shape) : null
  if (fills === null) return null
  const outputsAt = ENTRY_HEADER_BYTES + sectionBytes(layout.inputs)
  const mustBeRedacted = hasRules(layout.policy) ? ENTRY_FLAG.REDACTED : 0
  return {
    takes: ({ words }, from) => {
      const at = from >> 2
      const flags = words[at + ENTRY_WORD.FLAGS]!
      return (
        words[at + ENTRY_WORD.ROWS] === 1 &&
        (flags & ~USUAL_FLAGS) === 0 &&
        (flags & mustBeRedacted) === mustBeRedacted &&
        words[at + ENTRY_WORD.INPUTS] === ENTRY_HEADER_BYTES &&
        words[at + ENTRY_WORD.OUTPUTS] === outputsAt &&
        words[at + ENTRY_WORD.EXTRAS] === 0 &&
        words[at + ENTRY_WORD.ROLE]! < FEEDBACK
      )
    },
    add: (table, batch) => {
      const row = table.addRows(batch.end - batch.start)
      for (let i = 0; i < fills.length; i++) fills[i]!(batch, table.columns[i]!, row)
    },
  }
}
