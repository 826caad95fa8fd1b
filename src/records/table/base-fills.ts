/** The columns of every prediction, filled from the headers of a batch of entries. */

import { PROTOCOLS, reasonName } from '../../shared/counters.ts'
import { RECORD_ROLES } from '../../shared/record-policy.ts'
import { ENTRY_DOUBLE, ENTRY_WORD } from '../entry.ts'
import type { RecordLayout } from '../record-layout.ts'
import type { FrameViews } from '../shipping/frame-views.ts'
import { putEntryText } from './entry-text.ts'
import {
  type EntryBatch,
  type Fill,
  fillDouble,
  fillInteger,
  fillNamed,
  fillText,
  fillWith,
  fillWord,
} from './fills.ts'
import { microsOf } from './record-rows.ts'

const encoder = new TextEncoder()

const fillIds: Fill = ({ producer, frame: { doubles }, froms, start, end }, column, row) => {
  const texts = column.texts!
  const prefix = encoder.encode(`${producer}-`)
  for (let i = start, next = row; i < end; i++, next++) {
    const sequence = doubles[(froms[i]! >> 3) + ENTRY_DOUBLE.SEQUENCE]!
    column.words[next] = texts.putNumbered(prefix, sequence)
  }
}

const fillRequestIds: Fill = ({ froms, start, end, frame }, column, row) => {
  const { words } = frame
  for (let i = start, next = row; i < end; i++, next++) {
    const from = froms[i]!
    const section = words[(from >> 2) + ENTRY_WORD.REQUEST_ID]!
    if (section === 0) column.setNull(next)
    else {
      const word = words[(from + section) >> 2]!
      putEntryText(column, next, frame, { word, at: from + section + 4 })
    }
  }
}

const traceText = ({ words }: FrameViews, from: number): string | null => {
  const at = (from >> 2) + ENTRY_WORD.TRACE
  if ((words[at]! | words[at + 1]! | words[at + 2]! | words[at + 3]!) === 0) return null
  let text = ''
  for (let i = 0; i < 4; i++) text += (words[at + i]! >>> 0).toString(16).padStart(8, '0')
  return text
}

const codeText = (word: number): string => {
  const name = reasonName(word)
  return name === 'ok' ? '' : name.toUpperCase()
}

const producerOf = ({ producer }: EntryBatch): string => producer

/** By name; those of the answer are not among them. */
export const baseFills = (layout: RecordLayout): Readonly<Record<string, Fill>> => ({
  prediction_id: fillIds,
  request_id: fillRequestIds,
  time: fillInteger(ENTRY_DOUBLE.TIME, microsOf),
  endpoint: fillWith(() => layout.endpoint),
  model: fillWith(() => layout.model),
  version: fillWith(() => layout.version),
  variant: fillWith(() => layout.variant),
  role: fillNamed(ENTRY_WORD.ROLE, (word) => RECORD_ROLES[word] ?? ''),
  epoch: fillInteger(ENTRY_DOUBLE.EPOCH),
  revision: fillWith(() => layout.revision),
  bucket: fillWord(ENTRY_WORD.BUCKET, true),
  row: fillWith(() => 0),
  rows: fillWord(ENTRY_WORD.ROWS, false),
  status: fillWord(ENTRY_WORD.STATUS, false),
  code: fillNamed(ENTRY_WORD.CODE, codeText),
  protocol: fillNamed(ENTRY_WORD.PROTOCOL, (word) => PROTOCOLS[word] ?? ''),
  producer: fillWith(producerOf),
  sequence: fillInteger(ENTRY_DOUBLE.SEQUENCE),
  inclusion_probability: fillDouble(ENTRY_DOUBLE.INCLUSION, false),
  trace_id: fillText(traceText),
  latency_ms: fillDouble(ENTRY_DOUBLE.LATENCY, true),
  decode_ms: fillDouble(ENTRY_DOUBLE.DECODE, true),
  queue_ms: fillDouble(ENTRY_DOUBLE.QUEUE, true),
  compute_ms: fillDouble(ENTRY_DOUBLE.COMPUTE, true),
  features_omitted: fillWith(() => ''),
})
