/**
 * Which pages of browsers may read answers (Fetch standard, CORS protocol). Nothing here keeps
 * anybody else away. Cookies and the like are never allowed: no answer depends on them.
 */

export interface CorsAnswer {
  /** Header lines that go with the answer, each with CRLF before it. */
  readonly lines: string
  /** A browser asks for leave to send a request, and has it; nothing else is asked. */
  readonly isPreflight: boolean
}

/**
 * What becomes of a request from the page of `origin`. `preflight`: the method that an OPTIONS
 * request asks for. Both as sent, '' if absent.
 */
export type Cors = (method: string, origin: string, preflight: string) => CorsAnswer

/** Where CORS is off. */
export const NO_CORS: CorsAnswer = { lines: '', isPreflight: false }

/** What pages may read, beside what they always may: all that answers have. */
const ON_ANSWER =
  '\r\naccess-control-expose-headers: x-request-id, x-sluice-prediction-id, x-sluice-model, ' +
  'x-sluice-version, x-sluice-variant, x-sluice-epoch, x-sluice-error, retry-after, ' +
  'server-timing, inference-header-content-length'

/** Seconds for which a browser need not ask again. */
const MAX_AGE = 600

/** What pages may send, beside what they always may: all that is read. */
const ON_PREFLIGHT =
  '\r\naccess-control-allow-methods: GET, HEAD, POST' +
  '\r\naccess-control-allow-headers: content-type, content-encoding, ' +
  'inference-header-content-length, x-request-id, x-sluice-explain, authorization, x-api-key' +
  `\r\naccess-control-max-age: ${MAX_AGE}`

/** `origins`: as browsers send them, or `*` for all; null where there are none: CORS is off. */
export const createCors = (origins: readonly string[]): Cors | null => {
  if (origins.length === 0) return null
  const isOpen = origins.includes('*')
  const known = new Set(origins)
  // What one page is answered is not to be shown to another by a cache between.
  const vary = isOpen ? '' : '\r\nvary: origin'
  const others: CorsAnswer = { lines: vary, isPreflight: false }
  return (method, origin, preflight) => {
    // No cache keeps what answers POST (RFC 9110 §9.3.3). So without pages nothing is added to the
    // heads of predictions, which would take 160 to 200 ns.
    if (origin === '' && method === 'POST') return NO_CORS
    if (origin === '' || !(isOpen || known.has(origin))) return others
    const isPreflight = method === 'OPTIONS' && preflight !== ''
    const allow = `\r\naccess-control-allow-origin: ${isOpen ? '*' : origin}`
    return { lines: `${allow}${isPreflight ? ON_PREFLIGHT : ON_ANSWER}${vary}`, isPreflight }
  }
}
