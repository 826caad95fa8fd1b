/** RFC 9457 `application/problem+json`, the error form of `/predict` and of unknown paths. */

import { ERRORS, type Refusal } from '../../shared/errors.ts'
import type { EncodedError } from './protocol.ts'

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

export const encodeProblem = (refusal: Refusal, requestId: string): EncodedError => {
  const { http, hint, retryable } = ERRORS[refusal.code]
  const problem = {
    type: `docs/reference/errors.md#${refusal.code}`,
    title: TITLES[http] ?? 'Error',
    status: http,
    detail: refusal.detail,
    code: refusal.code,
    ...(refusal.errors === undefined ? {} : { errors: refusal.errors }),
    hint,
    retryable,
    ...(requestId === '' ? {} : { request_id: requestId }),
  }
  return { contentType: 'application/problem+json', body: JSON.stringify(problem) }
}
