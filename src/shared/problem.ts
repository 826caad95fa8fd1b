/** RFC 9457 problem details: the error form of `/predict` and of the control API. */

import { ERRORS, type Refusal } from './errors.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** Reason phrases of the statuses that errors are answered with. */
export const STATUS_TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}

export interface ProblemOptions {
  /** Other than that of the code, where the transport says it more exactly. */
  readonly status?: number
  /** Other than that of the code, where its reader can do something else. */
  readonly hint?: string | undefined
  /** '' for a request without one. */
  readonly requestId?: string
}

/** The document as JSON text. Its type is `about:blank`: `code` tells problems apart. */
export const problemJson = (
  { code, detail, errors, retryAfterMs }: Refusal,
  { status = ERRORS[code].http, hint = ERRORS[code].hint, requestId = '' }: ProblemOptions = {},
): string =>
  JSON.stringify({
    type: 'about:blank',
    title: STATUS_TITLES[status] ?? 'Error',
    status,
    detail,
    code,
    ...(errors === undefined ? {} : { errors }),
    hint,
    retryable: ERRORS[code].retryable,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }),
    ...(requestId === '' ? {} : { request_id: requestId }),
  })
