/** How answers are written over HTTP: heads as text, in front of bodies. */

import { ERRORS, type Refusal } from '../shared/errors.ts'
import { STATUS_TITLES } from '../shared/problem.ts'
import { compress } from './accept-encoding.ts'
import type { AnswerHead } from './answer-head.ts'
import type { Document } from './documents.ts'
import type {
  AnswerBody,
  AnswerHeads,
  AnswerIds,
  HttpExchange,
  WrittenRefusal,
} from './exchange.ts'
import { retryAfterSeconds } from './retry-after.ts'

const JSON_TYPE = 'content-type: application/json'

const GOOD: Readonly<Record<number, string>> = { 200: '200 OK', 202: '202 Accepted' }

const statusLine = (status: number): string =>
  GOOD[status] ?? `${status} ${STATUS_TITLES[status] ?? ''}`

/** The usual body; to look for its keys takes 1 to 4 ns more. */
const isPlain = (body: AnswerBody): body is string | Uint8Array =>
  typeof body === 'string' || body instanceof Uint8Array

/** What tells clients of a refusal what to do. */
const refusalLines = (refusal: Omit<Refusal, 'detail'>): string => {
  const seconds = retryAfterSeconds(refusal)
  const retry = seconds === 0 ? '' : `\r\nretry-after: ${seconds}`
  return `\r\nx-sluice-error: ${refusal.code}${retry}`
}

const DOCUMENT_LINES: Readonly<Record<Document['status'], string>> = {
  200: '',
  202: '',
  404: refusalLines({ code: 'ROUTE_NOT_FOUND' }),
  503: refusalLines({ code: 'VERSION_NOT_READY' }),
}

const headOf = (
  head: AnswerHead,
  { idPrefix, sequence, echoedId }: AnswerIds,
  lines: string,
): string | Uint8Array => {
  if (echoedId === null && lines === '') return head.bytes(idPrefix, sequence)
  const ownId = idPrefix + sequence
  return head.text(ownId, echoedId ?? ownId, lines)
}

/** What the exchanges of both HTTP engines have in common: the answers of `Exchange`. */
export abstract class HttpAnswers implements Pick<HttpExchange, AnswerMethod> {
  abstract readonly acceptEncoding: string
  abstract reply(head: string | Uint8Array, body: string | Uint8Array | null): void

  release(heads: AnswerHeads, body: AnswerBody, ids: AnswerIds, timing: string): void {
    const lines = timing === '' ? '' : `\r\nserver-timing: ${timing}`
    if (isPlain(body)) this.#send(heads.head, body, ids, lines)
    else {
      const length = `\r\ninference-header-content-length: ${body.jsonBytes}`
      this.#send(heads.binaryHead, body.bytes, ids, length + lines)
    }
  }

  #send(head: AnswerHead, body: string | Uint8Array, ids: AnswerIds, lines: string): void {
    const { acceptEncoding } = this
    const coded = acceptEncoding === '' ? null : compress(body, acceptEncoding)
    if (coded === null) this.reply(headOf(head, ids, lines), body)
    else this.reply(headOf(head, ids, lines + coded.lines), coded.bytes)
  }

  refuse({ refusal, error, requestId, predictionId, allow }: WrittenRefusal): void {
    const status = ERRORS[refusal.code].http
    let head = `${statusLine(status)}\r\ncontent-type: ${error.contentType}`
    head += `${refusalLines(refusal)}\r\nx-request-id: ${requestId}`
    if (predictionId !== '') head += `\r\nx-sluice-prediction-id: ${predictionId}`
    if (status === 401) head += '\r\nwww-authenticate: Bearer'
    if (status === 415) head += '\r\naccept-encoding: gzip, deflate'
    if (allow !== '') head += `\r\nallow: ${allow}`
    this.reply(head, error.body)
  }

  show({ status, head = JSON_TYPE, body }: Document, requestId: string): void {
    const lines = `${head}${DOCUMENT_LINES[status]}`
    this.reply(`${statusLine(status)}\r\n${lines}\r\nx-request-id: ${requestId}`, body)
  }

  allow(methods: string, requestId: string): void {
    const lines = methods === '' ? '' : `\r\nallow: ${methods}`
    this.reply(`204 No Content${lines}\r\nx-request-id: ${requestId}`, null)
  }
}

type AnswerMethod = 'release' | 'refuse' | 'show' | 'allow' | 'reply'
