/** One item of `POST /feedback`: what is labelled, and what the label is. */

import type { Feedback, RecordValue } from '../../records/record.ts'
import { isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { isPredictionId } from '../../shared/ids.ts'
import { nearest } from '../../shared/nearest.ts'
import { parseRfc3339 } from '../../shared/rfc3339.ts'
import { ELEMENTS_MAX } from '../../shared/tensor.ts'
import type { JsonReader } from '../json/json-reader.ts'
import { pointer, quote } from '../json/pointer.ts'
import { BODY_ID_LENGTH_MAX } from '../protocols/protocol.ts'
import { readLabel } from './label.ts'

const KEYS = ['prediction_id', 'request_id', 'label', 'row', 'observed_at', 'endpoint'] as const
type Key = (typeof KEYS)[number]

const isKey = (key: string): key is Key => (KEYS as readonly string[]).includes(key)

/** No label is older than this software; clocks may differ, and by a time zone. */
const OBSERVED_MS_MIN = Date.UTC(2000, 0, 1)
const OBSERVED_MS_AHEAD_MAX = 24 * 60 * 60 * 1000

/** One item, before it is known whether its endpoint exists. */
export interface FeedbackDraft {
  readonly feedback: Feedback
  /** As it was named; null: it was not. */
  readonly endpoint: string | null
  /** Pointer to the item; '' for a body that is one. */
  readonly at: string
}

/** The same refusal, with the place of what has none of its own. */
export const locate = (refusal: Refusal, at: string): Refusal => ({
  errors: [{ pointer: at, detail: refusal.detail }],
  ...refusal,
})

export const faultOf = (detail: string, at: string): Refusal =>
  locate(refuse('FEEDBACK_INVALID', detail), at)

/** What an item has said so far; null: nothing. */
interface Given {
  predictionId: string | null
  requestId: string | null
  label: RecordValue
  row: number | null
  observedAtMs: number | null
  endpoint: string | null
}

const nothing = (): Given => ({
  ...{ predictionId: null, requestId: null, label: null },
  ...{ row: null, observedAtMs: null, endpoint: null },
})

/** Reads the items of one body. */
export class ItemReader {
  readonly #reader: JsonReader
  readonly #nowMs: number
  #at = ''
  readonly #places = new Map<Key, number>()
  #given: Given = nothing()

  constructor(reader: JsonReader, nowMs: number) {
    this.#reader = reader
    this.#nowMs = nowMs
  }

  /** Reads the item at hand. The reader then stands anywhere in it. */
  read(at: string): FeedbackDraft | Refusal {
    const reader = this.#reader
    this.#at = at
    if (!reader.isObject) return faultOf(`Feedback must be an object, got ${reader.kind}`, at)
    this.#given = nothing()
    this.#places.clear()
    return reader.eachEntry((key) => this.#find(key)) ?? this.#readAll() ?? this.#draft()
  }

  /** Notes where a value is: that a key stands twice must be known before one is read. */
  #find(key: string): Refusal | null {
    if (!isKey(key)) {
      const near = nearest(key, KEYS)
      const hint = near === null ? `; known: ${KEYS.join(', ')}` : `; did you mean '${near}'?`
      return this.#fault(`Unknown key ${quote(key)}${hint}`, key)
    }
    this.#places.set(key, this.#reader.at)
    this.#reader.skip()
    return null
  }

  #readAll(): Refusal | null {
    for (const [key, place] of this.#places) {
      this.#reader.at = place
      const refusal = this.#reader.isNull ? null : this.#readers[key]()
      if (refusal !== null) return refusal
    }
    return null
  }

  readonly #readers: Readonly<Record<Key, () => Refusal | null>> = {
    prediction_id: () => this.#readPredictionId(),
    request_id: () => this.#readRequestId(),
    label: () => this.#readLabel(),
    row: () => this.#readRow(),
    observed_at: () => this.#readObservedAt(),
    endpoint: () => this.#readEndpoint(),
  }

  #readPredictionId(): Refusal | null {
    const text = this.#text()
    if (text === null || !isPredictionId(text)) {
      const got = text === null ? '' : `, got ${quote(text)}`
      const detail = `'prediction_id' must be an id as in x-sluice-prediction-id, like k3x9ab.1.0-7-42${got}`
      return this.#fault(detail, 'prediction_id')
    }
    this.#given.predictionId = text
    return null
  }

  #readRequestId(): Refusal | null {
    const text = this.#text()
    if (text === null || text.length === 0 || text.length > BODY_ID_LENGTH_MAX) {
      const detail = `'request_id' must be a string of 1 to ${BODY_ID_LENGTH_MAX} characters`
      return this.#fault(detail, 'request_id')
    }
    this.#given.requestId = text
    return null
  }

  #readLabel(): Refusal | null {
    const label = readLabel(this.#reader, this.#at + pointer('label'))
    if (typeof label === 'object' && label !== null && isRefusal(label)) return label
    this.#given.label = label
    return null
  }

  #readRow(): Refusal | null {
    const reader = this.#reader
    const row = reader.isNumber ? reader.integer() : null
    if (typeof row !== 'number' || row < 0 || row >= ELEMENTS_MAX) {
      return this.#fault("'row' must be the number of a row of the request, from 0", 'row')
    }
    this.#given.row = row
    return null
  }

  #readObservedAt(): Refusal | null {
    const text = this.#text()
    const ms = text === null ? Number.NaN : parseRfc3339(text)
    if (Number.isNaN(ms)) {
      const detail = `'observed_at' must be a time of RFC 3339, like 2026-11-27T14:05:00Z`
      return this.#fault(detail, 'observed_at')
    }
    const latestMs = this.#nowMs + OBSERVED_MS_AHEAD_MAX
    if (ms < OBSERVED_MS_MIN || ms > latestMs) {
      const range = `from 2000 to ${new Date(latestMs).toISOString()}, a day from now`
      return this.#fault(`'observed_at' must lie ${range}`, 'observed_at')
    }
    this.#given.observedAtMs = ms
    return null
  }

  #readEndpoint(): Refusal | null {
    const text = this.#text()
    if (text === null) return this.#fault("'endpoint' must be the name of one", 'endpoint')
    this.#given.endpoint = text
    return null
  }

  /** null: it is none. */
  #text(): string | null {
    return this.#reader.isText ? this.#reader.text() : null
  }

  #fault(detail: string, key?: string): Refusal {
    return faultOf(detail, this.#at + (key === undefined ? '' : pointer(key)))
  }

  #draft(): FeedbackDraft | Refusal {
    const { predictionId, requestId, label, row, observedAtMs, endpoint } = this.#given
    if ((predictionId === null) === (requestId === null)) {
      return this.#fault("Feedback needs either 'prediction_id' or 'request_id'")
    }
    if (label === null) return this.#fault("Feedback needs a 'label'")
    if (row !== null && typeof label === 'object') {
      return this.#fault("'row' goes with one label: a list has one for each row", 'row')
    }
    const feedback: Feedback = {
      // A request without an id of its client has that of its prediction in every answer.
      ofPredictionId: predictionId ?? (isPredictionId(requestId!) ? requestId : null),
      ofRequestId: requestId,
      row: row ?? -1,
      label,
      observedAtMs: observedAtMs ?? this.#nowMs,
    }
    return { feedback, endpoint, at: this.#at }
  }
}
