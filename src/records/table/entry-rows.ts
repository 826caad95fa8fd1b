/**
 * Rows of a table straight from entries: what `decodeEntry` and `addPrediction` give, at a tenth of
 * the cost (`npm run bench -- micro ship:`). Entries that are not as usual (a missing value for
 * which another was fed, a category that is not known, an HMAC) go the other way.
 */

import { RECORD_ROLES, type Redaction } from '../../shared/record-policy.ts'
import { ENTRY_FLAG, ENTRY_WORD, LENGTH_AT } from '../entry.ts'
import type { RecordValue } from '../record.ts'
import type { LayoutTensor, RecordLayout } from '../record-layout.ts'
import { hasRules } from '../redact/policy-rules.ts'
import type { FrameViews } from '../shipping/frame-views.ts'
import { type AnswerFills, answerFills, answerOutputs, type PlacedOutput } from './answer-fills.ts'
import { baseFills } from './base-fills.ts'
import type { ColumnSpec } from './column.ts'
import { ELEMENT_BYTES } from './elements.ts'
import { textAt } from './entry-text.ts'
import {
  type EntryBatch,
  type Fill,
  fillCategory,
  fillCharacters,
  fillElement,
  fillText,
  fillWith,
  listText,
} from './fills.ts'
import { type RowPlace, RowPlaces } from './row-places.ts'
import type { Shape } from './shape.ts'
import type { Table } from './table.ts'
import { jsonOf } from './value.ts'

/** Entries of one layout and one producer: from index `start` to before `end`. */
export type Entries = Omit<EntryBatch, 'headers' | 'characters'>

export interface EntryRows {
  /** Whether the entry that begins at byte `from` is as usual. */
  takes(frame: FrameViews, from: number): boolean
  /** Adds the rows of entries, all of which it takes. */
  add(table: Table, entries: Entries): void
}

const FEEDBACK = RECORD_ROLES.indexOf('feedback')
const USUAL_FLAGS = ENTRY_FLAG.IS_BATCH | ENTRY_FLAG.REDACTED
const NONE = new Int32Array(0)

/** What is done to a value so that it still stands in its tensor, or is absent. */
const staysInPlace = (rule: Redaction | null | undefined, { datatype }: LayoutTensor): boolean => {
  if (rule === null || rule === undefined) return true
  return rule.kind === 'mask' ? datatype === 'BYTES' : rule.kind !== 'hmac'
}

interface PlacedFill {
  readonly fill: Fill
  /** What it is told of each row. */
  readonly place: RowPlace
}

/** A row of several texts, nested like its shape, as JSON. */
const fillTexts = (places: readonly RowPlace[], shape: readonly number[]): Fill => {
  const nested = (texts: readonly string[], depth: number): RecordValue => {
    if (depth === shape.length) return texts[0]!
    const size = shape[depth]!
    const stride = texts.length / size
    return Array.from({ length: size }, (_, i) =>
      nested(texts.slice(i * stride, (i + 1) * stride), depth + 1),
    )
  }
  return ({ frame, start, end }, column, row) => {
    for (let i = start, next = row; i < end; i++, next++) {
      const texts = places.map(({ froms, characters }) =>
        textAt(frame, frame.words[froms[i]! >> 2]!, characters[i]!),
      )
      column.setText(next, jsonOf(nested(texts, 0)))
    }
  }
}

/** What is compiled of a layout. */
interface Compiled {
  readonly layout: RecordLayout
  readonly places: RowPlaces
}

/** A whole row of a tensor, by its index among inputs and outputs. */
const fillTensor = (
  { layout: { inputs, outputs }, places }: Compiled,
  index: number,
  spec: ColumnSpec,
): PlacedFill => {
  const { datatype, shape, rowElements } = [...inputs, ...outputs][index]!
  const own = places.placesOf(index)
  const [place = places.header] = own
  if (rowElements === 0) return { fill: fillText(() => '[]'), place: places.header }
  if (datatype === 'BYTES') {
    return { fill: rowElements === 1 ? fillCharacters : fillTexts(own, shape), place }
  }
  const at = places.startOf(index)
  const fill =
    rowElements === 1
      ? fillElement({ datatype, at, isNanNull: false }, spec)
      : fillText(listText(datatype, at, ELEMENT_BYTES[datatype], shape))
  return { fill, place }
}

/** null: it has to be decoded. */
const fillFeature = (
  { layout: { features, inputs, policy }, places }: Compiled,
  index: number,
  spec: ColumnSpec,
): PlacedFill | null => {
  const { type, input, column, vocabulary, isNanMissing } = features[index]!
  const { datatype, rowElements } = inputs[input]!
  if (column >= rowElements) return { fill: fillWith(() => null), place: places.header }
  if (datatype === 'BYTES') {
    const isText = type === 'category' && vocabulary === null
    return isText ? { fill: fillCharacters, place: places.placesOf(input)[column]! } : null
  }
  const at = places.startOf(input) + column * ELEMENT_BYTES[datatype]
  const terms = { datatype, at, isNanNull: isNanMissing }
  const [place] = places.placesOf(input) as [RowPlace]
  if (type === 'category') {
    return policy.features[index] === null ? { fill: fillCategory(terms, vocabulary), place } : null
  }
  return vocabulary === null ? { fill: fillElement(terms, spec), place } : null
}

/** Score, prediction, scores. null: they have to be decoded. */
const fillAnswer = ({ layout, places }: Compiled): Readonly<Record<string, PlacedFill>> | null => {
  const { inputs, policy } = layout
  const placed = layout.outputs.map(
    ({ datatype, rowElements }, index): PlacedOutput => ({
      ...{ datatype, rowElements },
      at: places.startOf(inputs.length + index),
    }),
  )
  const isReadable = (output: number) => {
    const rule = policy.outputs[output] ?? null
    return rule === null || rule.kind === 'bucket'
  }
  const answer = answerFills(layout.answer, placed, isReadable)
  if (answer === null) return null
  const read = answerOutputs(layout.answer, placed)
  const placedFill = (name: keyof AnswerFills): PlacedFill => {
    const own = read[name] < 0 ? [] : places.placesOf(inputs.length + read[name])
    return { fill: answer[name], place: own[0] ?? places.header }
  }
  return {
    score: placedFill('score'),
    prediction: placedFill('prediction'),
    scores: placedFill('scores'),
  }
}

const fillsOf = (compiled: Compiled, { specs, features, outputs }: Shape): PlacedFill[] | null => {
  const { layout, places } = compiled
  const answer = fillAnswer(compiled)
  if (answer === null) return null
  const base = baseFills(layout)
  const fills = specs.map(({ name }): PlacedFill | null => {
    const fill = base[name]
    return answer[name] ?? (fill === undefined ? null : { fill, place: places.header })
  })
  for (const { column, index } of features) {
    const { type, input } = layout.features[index]!
    const spec = specs[column]!
    fills[column] =
      type === 'tensor' ? fillTensor(compiled, input, spec) : fillFeature(compiled, index, spec)
  }
  for (const { column, index } of outputs) {
    fills[column] = fillTensor(compiled, layout.inputs.length + index, specs[column]!)
  }
  return fills.every((each) => each !== null) ? fills : null
}

/** Whether layouts like this have entries that are worth the compilation. */
const isUsual = ({ hasRows, inputs, outputs, features, policy }: RecordLayout): boolean =>
  hasRows &&
  inputs.length > 0 &&
  outputs.length > 0 &&
  [...inputs, ...outputs].every(({ rowElements }) => rowElements >= 0) &&
  policy.keepsFeatures &&
  policy.keepsOutputs &&
  features.every(({ input }, index) => staysInPlace(policy.features[index], inputs[input]!)) &&
  outputs.every((output, index) => staysInPlace(policy.outputs[index], output))

const rowsOf = ({ frame: { words }, froms, start, end }: Entries): number => {
  let rows = 0
  for (let i = start; i < end; i++) rows += words[(froms[i]! >> 2) + ENTRY_WORD.ROWS]!
  return rows
}

/** Whether the client's id, if there is one, ends in its entry. */
const hasWholeId = ({ words }: FrameViews, from: number): boolean => {
  const at = from >> 2
  const section = words[at + ENTRY_WORD.REQUEST_ID]!
  if (section === 0) return true
  const bytes = words[(from + section) >> 2]! >> 1
  return section > 0 && bytes >= 0 && section + 4 + bytes <= words[at + LENGTH_AT]!
}

/** Compiled for one layout; null where its entries have to be decoded. */
export const entryRowsOf = (layout: RecordLayout, shape: Shape): EntryRows | null => {
  if (!isUsual(layout)) return null
  const places = new RowPlaces(layout.inputs, layout.outputs)
  const fills = fillsOf({ layout, places }, shape)
  if (fills === null) return null
  const mustBeRedacted = hasRules(layout.policy) ? ENTRY_FLAG.REDACTED : 0
  const rowColumn = shape.specs.findIndex(({ name }) => name === 'row')
  const addLocated = (table: Table, entries: Entries, rows: number): void => {
    const { producer, frame } = entries
    places.locate(frame, entries, rows)
    const headers = places.header.froms
    const first = table.addRows(rows)
    for (let i = 0; i < fills.length; i++) {
      const { fill, place } = fills[i]!
      const { froms, characters } = place
      const batch = { producer, frame, froms, characters, headers, start: 0, end: rows }
      fill(batch, table.columns[i]!, first)
    }
    table.columns[rowColumn]!.words.set(places.indices.subarray(0, rows), first)
  }
  return {
    takes: (frame, from) => {
      const at = from >> 2
      const flags = frame.words[at + ENTRY_WORD.FLAGS]!
      return (
        (flags & ~USUAL_FLAGS) === 0 &&
        (flags & mustBeRedacted) === mustBeRedacted &&
        frame.words[at + ENTRY_WORD.EXTRAS] === 0 &&
        frame.words[at + ENTRY_WORD.ROLE]! >>> 0 < FEEDBACK &&
        places.fits(frame, from) &&
        hasWholeId(frame, from)
      )
    },
    add: (table, entries) => {
      const rows = rowsOf(entries)
      if (!places.isStraight(entries.end - entries.start, rows)) {
        addLocated(table, entries, rows)
        return
      }
      const row = table.addRows(rows)
      const batch = { ...entries, headers: entries.froms, characters: NONE }
      for (let i = 0; i < fills.length; i++) fills[i]!.fill(batch, table.columns[i]!, row)
    },
  }
}
