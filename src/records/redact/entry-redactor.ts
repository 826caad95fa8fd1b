/**
 * What the policy of a layout makes of an entry before it is on disk. Run by the spool thread: what
 * was to be redacted is in the ring, and nowhere else.
 *
 * Dropped values are zeros where they stood, buckets and masked texts stand in their place, and
 * what has become text of a number, or is longer than it was, is among the extras.
 */

import type { Redaction } from '../../shared/record-policy.ts'
import { ENTRY_FLAG, ENTRY_WORD } from '../entry.ts'
import { EntryCursor } from '../entry-cursor.ts'
import { featureValue, mayMiss, readInputs, readOutputs } from '../entry-instances.ts'
import { type EntryTensor, rowValue } from '../entry-tensors.ts'
import { type Extra, readExtras } from '../extras.ts'
import { decodeFeedback, encodeFeedback } from '../feedback-text.ts'
import type { Feedback, RecordValue } from '../record.ts'
import { jsonValue } from '../record-json.ts'
import type { LayoutFeature, RecordLayout } from '../record-layout.ts'
import { Buckets } from './buckets.ts'
import { EntryBuilder } from './entry-builder.ts'
import type { Digest } from './hmac.ts'
import { hasRules } from './policy-rules.ts'
import { blank, bucketNumbers, rewriteTexts, type Span } from './tensor-redaction.ts'
import { maskPatterns, maskText } from './values.ts'

/** The text of a value, of which the HMAC is taken. */
const textOf = (value: RecordValue): string => {
  const json = jsonValue(value)
  return typeof json === 'object' ? JSON.stringify(json) : String(json)
}

/** One value of a row, and where it stands. */
interface Subject {
  readonly place: number
  readonly row: number
  readonly tensor: EntryTensor
  readonly span: Span
}

export class EntryRedactor {
  readonly #layout: RecordLayout
  readonly #digest: Digest | null
  readonly #hasRules: boolean
  readonly #hasTexts: boolean
  /** By place: where the rule is a bucket. */
  readonly #buckets: readonly (Buckets | null)[]
  readonly #cursor = new EntryCursor()
  readonly #builder = new EntryBuilder()
  /** Of the entry at hand: what stands in place of values, by row and place. */
  readonly #extras = new Map<number, Extra>()
  /** Features and outputs of one row. */
  readonly #places: number
  #isChanged = false

  /** `digest`: with the key that the policy names; null: there is none, and it names none. */
  constructor(layout: RecordLayout, digest: Digest | null) {
    this.#layout = layout
    this.#digest = digest
    this.#hasRules = hasRules(layout.policy)
    this.#places = layout.features.length + layout.outputs.length
    this.#buckets = bucketsOf(layout)
    this.#hasTexts = [...layout.inputs, ...layout.outputs].some(
      ({ datatype }) => datatype === 'BYTES',
    )
  }

  /** Whether there can be anything to do for the RECORD entry at byte `from`. */
  concerns(words: Int32Array, from: number): boolean {
    if (this.#hasRules || this.#hasTexts) return true
    const at = from >> 2
    const { REQUEST_ID, EXTRAS, TEXT } = ENTRY_WORD
    return (words[at + REQUEST_ID]! | words[at + EXTRAS]! | words[at + TEXT]!) !== 0
  }

  /**
   * The entry that may go to disk, good until the next call: `entry` itself, or another in memory
   * of ours. Throws EntryInvalid where it is no RECORD of the layout.
   */
  redact(entry: Uint8Array): Uint8Array {
    const cursor = this.#cursor
    cursor.open(entry)
    this.#isChanged = this.#hasRules
    this.#extras.clear()
    const given = readExtras(cursor)
    for (const extra of given) this.#put(extra)
    const inputs = readInputs(cursor, this.#layout)
    const outputs = readOutputs(cursor, this.#layout)
    if (inputs !== null) this.#redactFeatures(inputs)
    if (outputs !== null) this.#redactOutputs(outputs)
    for (const extra of given) this.#maskExtra(extra)
    for (const tensor of [...(inputs ?? []), ...(outputs ?? [])]) this.#redactTexts(tensor)
    const requestIdAt = cursor.section(ENTRY_WORD.REQUEST_ID)
    const textAt = cursor.section(ENTRY_WORD.TEXT)
    const requestId = requestIdAt === 0 ? null : this.#redactId(cursor.text(requestIdAt))
    const text = textAt === 0 ? null : this.#redactFeedback(cursor.text(textAt))
    if (!this.#isChanged) return entry
    cursor.words[ENTRY_WORD.FLAGS]! |= ENTRY_FLAG.REDACTED
    return this.#builder.build(cursor, { requestId, extras: [...this.#extras.values()], text })
  }

  #put(extra: Extra): void {
    this.#extras.set(extra.row * this.#places + extra.place, extra)
  }

  /** Only what no rule has been about: an HMAC is one of the text as it came. */
  #maskExtra(extra: Extra): void {
    const { row, place, text } = extra
    if (text === null || this.#extras.get(row * this.#places + place) !== extra) return
    this.#put({ row, place, text: this.#masked(text) })
  }

  /** Without the patterns that are looked for in every text. */
  #masked(text: string): string {
    const masked = maskPatterns(text, this.#layout.policy.patterns)
    if (masked !== text) this.#isChanged = true
    return masked
  }

  #redactFeatures(inputs: readonly EntryTensor[]): void {
    const { features, policy } = this.#layout
    const isMissable = mayMiss(this.#cursor.words, 0)
    for (const [place, feature] of features.entries()) {
      const rule = policy.features[place] ?? null
      if (rule === null) continue
      const tensor = inputs[feature.input]!
      const rows = rowsOf(tensor)
      for (let row = 0; row < rows; row++) {
        const span = spanOf(feature, tensor, row)
        if (!this.#isDone(rule, { place, row, tensor, span })) {
          const extra = this.#extras.get(row * this.#places + place)
          const value =
            extra === undefined ? featureValue(feature, inputs, row, isMissable) : extra.text
          this.#replace(rule, { place, row, tensor, span }, value)
        }
      }
    }
  }

  #redactOutputs(outputs: readonly EntryTensor[]): void {
    const { features, policy } = this.#layout
    for (const [index, tensor] of outputs.entries()) {
      const rule = policy.outputs[index] ?? null
      if (rule === null) continue
      const rows = rowsOf(tensor)
      for (let row = 0; row < rows; row++) {
        const span = rowSpan(tensor, row)
        const subject = { place: features.length + index, row, tensor, span }
        if (!this.#isDone(rule, subject)) this.#replace(rule, subject, rowValue(tensor, row))
      }
    }
  }

  /** What can be done where the value stands; false: another text must stand for it. */
  #isDone(rule: Redaction, { place, row, tensor, span }: Subject): boolean {
    if (rule.kind === 'bucket') bucketNumbers(tensor, span, this.#buckets[place]!)
    else if (rule.kind === 'drop') {
      blank(this.#cursor, tensor, span)
      this.#extras.delete(row * this.#places + place)
    } else if (rule.kind === 'mask' && tensor.datatype === 'BYTES') {
      rewriteTexts(this.#cursor, tensor, span, maskText)
    } else return false
    return true
  }

  #replace(rule: Redaction, { place, row, tensor, span }: Subject, value: RecordValue): void {
    blank(this.#cursor, tensor, span)
    const text = value === null ? null : this.#replaced(rule, textOf(value))
    this.#put({ row, place, text })
  }

  #replaced(rule: Redaction, text: string): string | null {
    if (rule.kind === 'mask') return maskText(text)
    return rule.kind === 'hmac' && this.#digest !== null ? this.#digest(text) : null
  }

  #redactTexts(tensor: EntryTensor): void {
    const { patterns } = this.#layout.policy
    if (tensor.datatype !== 'BYTES' || patterns.length === 0) return
    const all = { from: 0, to: tensor.data.length }
    if (rewriteTexts(this.#cursor, tensor, all, (text) => maskPatterns(text, patterns))) {
      this.#isChanged = true
    }
  }

  #redactId(id: string): string | null {
    const rule = this.#layout.policy.requestId
    return rule === null ? this.#masked(id) : this.#replaced(rule, id)
  }

  /** What it refers to has the same done to it as the id itself, so that they still agree. */
  #redactFeedback(text: string): string {
    const feedback = decodeFeedback(text)
    const { ofPredictionId, ofRequestId, label } = feedback
    const redacted: Feedback = {
      ...feedback,
      ofPredictionId: ofPredictionId === null ? null : this.#masked(ofPredictionId),
      ofRequestId: ofRequestId === null ? null : this.#redactId(ofRequestId),
      label: this.#maskedLabel(label),
    }
    return encodeFeedback(redacted)
  }

  #maskedLabel(label: RecordValue): RecordValue {
    if (typeof label === 'string') return this.#masked(label)
    if (typeof label !== 'object' || label === null) return label
    return label.map((each) => this.#maskedLabel(each))
  }
}

/** Of features, then of outputs. */
const bucketsOf = ({ inputs, outputs, features, policy }: RecordLayout): (Buckets | null)[] => {
  const rules = [
    ...features.map(({ input }, i) => [inputs[input]!, policy.features[i]] as const),
    ...outputs.map((output, i) => [output, policy.outputs[i]] as const),
  ]
  return rules.map(([{ datatype }, rule]) =>
    rule?.kind === 'bucket' ? new Buckets(datatype, rule.width) : null,
  )
}

const rowsOf = ({ data, rowElements }: EntryTensor): number =>
  rowElements === 0 ? 0 : data.length / rowElements

const rowSpan = ({ rowElements }: EntryTensor, row: number): Span => ({
  from: row * rowElements,
  to: (row + 1) * rowElements,
})

const spanOf = ({ type, column }: LayoutFeature, tensor: EntryTensor, row: number): Span => {
  if (type === 'tensor') return rowSpan(tensor, row)
  const from = row * tensor.rowElements + column
  return { from, to: column < tensor.rowElements ? from + 1 : from }
}
