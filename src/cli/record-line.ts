/** A record as one line for people; columns grow with what they hold, and stay aligned. */

import type { PredictionRecord, RecordValue } from '../records/record.ts'
import { paint, plain } from './output.ts'

const ROLE_STYLE = {
  answer: 'green',
  shadow: 'gray',
  refused: 'yellow',
  failed: 'red',
  feedback: 'blue',
} as const satisfies Record<PredictionRecord['role'], string>

const VALUE_COLUMNS_MAX = 40

const shown = (value: RecordValue): string => {
  const text =
    typeof value === 'object' && value !== null ? JSON.stringify(value, bigintText) : String(value)
  return text.length <= VALUE_COLUMNS_MAX ? text : `${text.slice(0, VALUE_COLUMNS_MAX - 1)}…`
}

const bigintText = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value

const rounded = (value: RecordValue): string =>
  typeof value === 'number' ? String(Number(value.toPrecision(6))) : shown(value)

/** `0.106284 -> 0`, `12 rows`, `late of <id>`, or why there is no answer. */
const outcome = ({ role, code, status, feedback, instances, rows }: PredictionRecord): string => {
  if (feedback !== null) {
    const { ofPredictionId, ofRequestId, row, label } = feedback
    const of = ofPredictionId ?? `request ${ofRequestId}`
    return `${shown(label)} of ${of}${row < 0 ? '' : ` row ${row}`}`
  }
  if (role === 'refused' || role === 'failed') return `${code}${status > 0 ? ` ${status}` : ''}`
  const [instance] = instances
  if (rows > 1 || instance === undefined) return `${rows} row${rows === 1 ? '' : 's'}`
  const { score, prediction } = instance
  if (score === null && prediction === null) return 'raw outputs'
  return score === null ? shown(prediction) : `${rounded(score)} -> ${shown(prediction)}`
}

const latency = ({ latencyMs }: PredictionRecord): string =>
  Number.isNaN(latencyMs) ? '' : `${latencyMs.toFixed(1)} ms`

const cells = (record: PredictionRecord): string[] => [
  new Date(record.timeMs).toISOString(),
  record.endpoint,
  record.variant,
  record.role,
  outcome(record),
  latency(record),
  record.predictionId,
]

const ROLE_CELL = 3

/** Writes lines; one of them for each output, as it remembers how wide its columns are. */
export class RecordLines {
  readonly #widths: number[] = []

  lineOf(record: PredictionRecord): string {
    return cells(record)
      .map((cell, column) => {
        const text = plain(cell)
        this.#widths[column] = Math.max(this.#widths[column] ?? 0, text.length)
        const aligned = text.padEnd(this.#widths[column]!)
        return column === ROLE_CELL ? paint(ROLE_STYLE[record.role], aligned) : aligned
      })
      .join('  ')
      .trimEnd()
  }
}
