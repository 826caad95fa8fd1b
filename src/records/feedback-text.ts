/** What a record of feedback says beside its header: JSON in the text section of its entry. */

import { isFields } from '../shared/fields.ts'
import { EntryInvalid } from './entry-cursor.ts'
import type { Feedback, RecordValue } from './record.ts'

/** A label is a value, a list, or a list of lists: as deep as rows of a tensor are. */
const DEPTH_MAX = 8

/** The text for `WriteFacts.text`. The label holds nothing that JSON has not. */
export const encodeFeedback = (feedback: Feedback): string => JSON.stringify(feedback)

const isTextOrNull = (value: unknown): value is string | null =>
  value === null || typeof value === 'string'

const isLabel = (value: unknown, depth = DEPTH_MAX): value is RecordValue => {
  if (Array.isArray(value)) return depth > 0 && value.every((each) => isLabel(each, depth - 1))
  return value === null || ['number', 'string', 'boolean'].includes(typeof value)
}

/** Throws EntryInvalid for what is no feedback. */
export const decodeFeedback = (text: string): Feedback => {
  const parsed = parse(text)
  if (!isFields(parsed)) throw new EntryInvalid('its feedback is no object')
  const { ofPredictionId, ofRequestId, row, label, observedAtMs } = parsed
  if (!isTextOrNull(ofPredictionId) || !isTextOrNull(ofRequestId)) {
    throw new EntryInvalid('its feedback is of no id')
  }
  if (typeof row !== 'number' || typeof observedAtMs !== 'number' || !isLabel(label)) {
    throw new EntryInvalid('its feedback has no row, time or label')
  }
  return { ofPredictionId, ofRequestId, row, label, observedAtMs }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new EntryInvalid('its feedback is no JSON')
  }
}
