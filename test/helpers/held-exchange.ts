/** A request over HTTP whose answer is kept. */

import type { Exchange, Waiting } from '../../src/server/exchange.ts'
import { HttpAnswers } from '../../src/server/http-answers.ts'

export interface GivenAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** The same as it was sent. */
  readonly bytes: Uint8Array
}

export type Head = Partial<
  Pick<
    Exchange,
    | 'method'
    | 'path'
    | 'requestId'
    | 'isExplained'
    | 'contentEncoding'
    | 'acceptEncoding'
    | 'inferenceHeaderLength'
    | 'isLocal'
    | 'grant'
    | 'isPreflight'
    | 'timeout'
    | 'headMs'
    | 'startedMs'
    | 'trace'
  >
>

/** A request whose answer is kept; `abort` is what a client does that goes. */
export class HeldExchange extends HttpAnswers implements Exchange {
  readonly format = null
  readonly sentBytes = -1
  readonly method: string
  readonly path: string
  readonly requestId: string
  readonly isExplained: boolean
  readonly contentEncoding: string
  readonly acceptEncoding: string
  readonly inferenceHeaderLength: string
  readonly isLocal: boolean
  readonly grant: Exchange['grant']
  readonly isPreflight: boolean
  readonly timeout: string
  readonly headMs: number
  readonly startedMs: number
  readonly trace: Exchange['trace']
  isAborted = false
  waiting: Waiting | null = null
  answer: GivenAnswer | null = null

  constructor(head: Head, nowMs: number) {
    super()
    this.method = head.method ?? 'POST'
    this.path = head.path ?? '/predict'
    this.requestId = head.requestId ?? ''
    this.isExplained = head.isExplained ?? false
    this.contentEncoding = head.contentEncoding ?? ''
    this.acceptEncoding = head.acceptEncoding ?? ''
    this.inferenceHeaderLength = head.inferenceHeaderLength ?? ''
    this.grant = head.grant ?? null
    this.isLocal = head.isLocal ?? false
    this.timeout = head.timeout ?? ''
    this.isPreflight = head.isPreflight ?? false
    this.headMs = head.headMs ?? 0
    this.startedMs = head.startedMs ?? nowMs
    this.trace = head.trace ?? null
  }

  abort(): void {
    this.isAborted = true
    if (this.answer === null) this.waiting?.onGone()
  }

  reply(head: string | Uint8Array, body: string | Uint8Array | null): void {
    if (this.answer !== null || this.isAborted) return
    const text = typeof head === 'string' ? head : Buffer.from(head).toString('latin1')
    const [statusLine = '', ...lines] = text.split('\r\n')
    const headers = lines.map((line): [string, string] => {
      const colonAt = line.indexOf(': ')
      return [line.slice(0, colonAt), line.slice(colonAt + 2)]
    })
    this.answer = {
      status: Number(statusLine.slice(0, 3)),
      headers: new Map(headers),
      body: Buffer.from(body ?? '').toString(),
      bytes: Uint8Array.from(Buffer.from(body ?? '')),
    }
  }

  header(name: string): string {
    return this.answer?.headers.get(name) ?? ''
  }

  json(): Record<string, unknown> {
    return JSON.parse(this.answer?.body ?? 'null') as Record<string, unknown>
  }
}
