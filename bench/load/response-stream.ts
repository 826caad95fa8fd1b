/** Cuts the bytes of one connection into answers, by content-length. */

const HEAD_END = '\r\n\r\n'
const LENGTH = /\r\ncontent-length: *(\d+)\r\n/i

/** One answer: the header block as text, ending before its empty line, and the body. */
export type OnResponse = (status: number, head: string, body: string) => void

/** Bytes are kept as latin1 text, in which indices are bytes. */
export class ResponseStream {
  #rest = ''
  readonly #onResponse: OnResponse

  constructor(onResponse: OnResponse) {
    this.#onResponse = onResponse
  }

  /** Throws when an answer has no content-length: chunked answers are not read. */
  feed(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1')
    let from = 0
    for (;;) {
      const headEnd = text.indexOf(HEAD_END, from)
      if (headEnd < 0) break
      const head = text.slice(from, headEnd + 2)
      const length = LENGTH.exec(head)?.[1]
      if (length === undefined) throw new Error(`Answer without content-length: ${head}`)
      const bodyStart = headEnd + HEAD_END.length
      const bodyEnd = bodyStart + Number(length)
      if (bodyEnd > text.length) break
      this.#onResponse(Number(head.slice(9, 12)), head, text.slice(bodyStart, bodyEnd))
      from = bodyEnd
    }
    this.#rest = text.slice(from)
  }
}
