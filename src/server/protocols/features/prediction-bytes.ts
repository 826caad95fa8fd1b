/**
 * The usual answer of `/predict` as bytes: one prediction, under an id of ours. Its metadata stays
 * where it is from answer to answer; score and prediction are written in front of it, the latency
 * behind it.
 */

import { IdTemplate } from '../../id-template.ts'

/** Room for `{"score":...,"prediction":...`; a longer answer is written as text. */
const FRONT_BYTES = 256
/** Room for the latency and the closing braces. */
const BACK_BYTES = 24
const US_MAX = 2 ** 31 - 1
const ZERO = 0x30
const BRACE = 0x7d

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const SCORE = ascii('{"score":')
const PREDICTION = ascii(',"prediction":')
const FIXED_BYTES = SCORE.length + PREDICTION.length

export class PredictionBytes {
  readonly #metadata: IdTemplate

  /** `metadataTail`: JSON of the metadata from behind the prediction id up to the latency. */
  constructor(metadataTail: string) {
    this.#metadata = new IdTemplate({
      before: ',"metadata":{"request_id":"',
      between: '","prediction_id":"',
      after: metadataTail,
      frontBytes: FRONT_BYTES,
      backBytes: BACK_BYTES,
    })
  }

  /**
   * The body, valid until the next call; null where it must be written as text.
   *
   * @param score JSON text, and so is `prediction`
   * @param latencyUs whole microseconds
   */
  write(
    { score, prediction }: { readonly score: string; readonly prediction: string },
    id: { readonly idPrefix: string; readonly sequence: number },
    latencyUs: number,
  ): Uint8Array | null {
    if (FIXED_BYTES + score.length + prediction.length > FRONT_BYTES) return null
    if (latencyUs > US_MAX) return null
    this.#metadata.write(id.idPrefix, id.sequence)
    const { bytes, end } = this.#metadata
    let from = putTextBefore(bytes, FRONT_BYTES, prediction)
    if (from < 0) return null
    from = putBefore(bytes, from, PREDICTION)
    from = putTextBefore(bytes, from, score)
    from = putBefore(bytes, from, SCORE)
    return this.#metadata.view(from, putLatency(bytes, end, latencyUs))
  }
}

/** Copies `part` so that it ends at `end`; where it starts. */
const putBefore = (bytes: Uint8Array, end: number, part: Uint8Array): number => {
  const start = end - part.length
  for (let i = 0; i < part.length; i++) bytes[start + i] = part[i]!
  return start
}

/** The same for text; -1 when it is not ASCII. */
const putTextBefore = (bytes: Uint8Array, end: number, text: string): number => {
  const start = end - text.length
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7e) return -1
    bytes[start + i] = code
  }
  return start
}

/** Milliseconds with three decimals and the closing braces; where they end. */
const putLatency = (bytes: Uint8Array, start: number, us: number): number => {
  let digits = 4
  for (let rest = (us / 10_000) | 0; rest > 0; rest = (rest / 10) | 0) digits++
  const end = start + digits + 1
  let rest = us
  for (let at = end - 1; at >= start; at--) {
    if (at === end - 4) {
      bytes[at] = 0x2e
      continue
    }
    const tens = (rest / 10) | 0
    bytes[at] = rest - tens * 10 + ZERO
    rest = tens
  }
  bytes[end] = BRACE
  bytes[end + 1] = BRACE
  return end + 2
}
