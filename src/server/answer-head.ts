/** The head of 200 answers of one variant. */

import { IdTemplate } from './id-template.ts'

const REQUEST_ID = '\r\nx-request-id: '

export class AnswerHead {
  readonly #block: string
  readonly #ours: IdTemplate

  /** `block`: status line and header lines, up to where the prediction id follows. */
  constructor(block: string) {
    this.#block = block
    const free = { after: '', frontBytes: 0, backBytes: 0 }
    this.#ours = new IdTemplate({ before: block, between: REQUEST_ID, ...free })
  }

  /** With an id that a client gave, and further lines behind it ('' if none). */
  text(predictionId: string, requestId: string, lines: string): string {
    return `${this.#block}${predictionId}${REQUEST_ID}${requestId}${lines}`
  }

  /** With the prediction id `idPrefix`, `sequence` for both. Valid until the next call. */
  bytes(idPrefix: string, sequence: number): Uint8Array {
    this.#ours.write(idPrefix, sequence)
    return this.#ours.bytes
  }
}
