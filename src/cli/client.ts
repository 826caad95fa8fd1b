/** Asking a running gateway. Whatever goes wrong on the way becomes an error with a sentence. */

import { setDefaultCACertificates } from 'node:tls'
import type { ModelsDocument, StatusDocument } from '../control/api/status-document.ts'
import type { RestartStatus } from '../control/replicas/rolling-restart.ts'
import { ERRORS, type ErrorCode, GatewayError } from '../shared/errors.ts'
import { type Fields, isFields } from '../shared/fields.ts'
import { plain } from './output.ts'

/** Where the control server is, and how long to wait for it. */
export interface ServerOptions {
  /** URL without a slash at its end. */
  readonly server: string
  /** Milliseconds. */
  readonly timeout: number
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

interface Question {
  readonly timeoutMs: number
  /** What it means when nobody answers. */
  readonly unreachable: ErrorCode
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer>
}

const UNTRUSTED = 'its certificate is not trusted; name who signed it with --ca-file'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'it closed the connection',
  EAI_AGAIN: 'the host name cannot be looked up',
  ENOTFOUND: 'no such host',
  UND_ERR_SOCKET: 'it closed the connection',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name; ask it by that with --url',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak HTTPS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak HTTPS',
}

const reasonOf = (thrown: unknown): string => {
  const { cause } = thrown as { cause?: { name?: string; code?: string; message?: string } }
  if (cause?.name === 'HTTPParserError') return 'it does not speak HTTP, or wants https://'
  const code = cause?.code ?? ''
  return REASONS[code] ?? (code || cause?.message || 'no connection')
}

/**
 * From now on servers need a certificate that one of these leads to, and no others do.
 *
 * @throws GatewayError FILE_INVALID: there is no certificate in that text
 */
export const trustOnly = (pem: string): void => {
  try {
    setDefaultCACertificates([pem])
  } catch (cause) {
    throw new GatewayError('FILE_INVALID', '--ca-file holds no certificate in PEM', { cause })
  }
}

/**
 * Sends one request and reads the whole answer, whatever its status.
 *
 * @throws GatewayError `unreachable` with the reason, SERVER_TIMEOUT
 */
export const request = async (url: string, question: Question): Promise<Answer> => {
  const { timeoutMs, unreachable, ...init } = question
  const origin = URL.parse(url)?.origin ?? url
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(url, { ...init, redirect: 'manual', signal })
    return { status: response.status, headers: response.headers, text: await response.text() }
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'TimeoutError') {
      const detail = `${origin} did not answer within ${timeoutMs / 1000} s`
      throw new GatewayError('SERVER_TIMEOUT', detail, { cause: thrown })
    }
    const detail = `Nobody answers at ${origin}: ${reasonOf(thrown)}`
    throw new GatewayError(unreachable, detail, { cause: thrown })
  }
}

/** JSON, or undefined. */
export const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What a refusal says of itself (RFC 9457). */
export interface Problem {
  readonly code: string | undefined
  readonly detail: string | undefined
  readonly hint: string | undefined
}

/** Of whatever was answered: what it does not say is undefined. */
export const problemOf = (answer: string): Problem => {
  const value = parsed(answer)
  const fields: Fields = isFields(value) ? value : {}
  const text = (key: string) => (typeof fields[key] === 'string' ? plain(fields[key]) : undefined)
  return { code: text('code'), detail: text('detail'), hint: text('hint') }
}

/** Asks the control server for a document: `wanted` are keys that tell it from a stranger's. */
const getDocument = async <T>(
  { server, timeout }: ServerOptions,
  path: string,
  wanted: readonly (keyof T & string)[],
  { method, status }: { method: string; status: number } = { method: 'GET', status: 200 },
): Promise<T> => {
  const unreachable = 'CONTROL_UNREACHABLE'
  const answer = await request(`${server}${path}`, { method, timeoutMs: timeout, unreachable })
  const stranger = (what: string) =>
    new GatewayError(unreachable, `${server} answers, but not as Sluice does: ${what}`)
  if (answer.status !== status) {
    const { code, detail } = problemOf(answer.text)
    if (code === undefined || !Object.hasOwn(ERRORS, code)) throw stranger(`${answer.status}`)
    throw new GatewayError(code as ErrorCode, detail ?? `${server} answered ${code}`)
  }
  const document = parsed(answer.text)
  if (!isFields(document)) {
    const type = answer.headers.get('content-type') ?? 'no content type'
    throw stranger(`no JSON object, but ${plain(type)}`)
  }
  const missing = wanted.find((key) => !Object.hasOwn(document, key))
  if (missing !== undefined) throw stranger(`its answer lacks '${missing}'`)
  return document as T
}

/**
 * Who serves, and how.
 *
 * @throws GatewayError CONTROL_UNREACHABLE, also for what is no Sluice; SERVER_TIMEOUT; the code
 *   that Sluice answered
 */
export const getStatus = (server: ServerOptions): Promise<StatusDocument> =>
  getDocument(server, '/api/v1/status', ['version', 'replicas'])

/** Versions and their states. Throws like `getStatus`. */
export const getModels = (server: ServerOptions): Promise<ModelsDocument> =>
  getDocument(server, '/api/v1/models', ['models'])

/** Begins a rolling restart, or joins the one that is under way. Throws like `getStatus`. */
export const postRestart = (server: ServerOptions): Promise<RestartStatus> => {
  const accepted = { method: 'POST', status: 202 }
  return getDocument(server, '/api/v1/restart', ['number', 'state'], accepted)
}
