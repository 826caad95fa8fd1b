/**
 * Compressed bodies of requests (RFC 9110 §8.4): gzip, and deflate, by which clients mean two
 * formats.
 *
 * A small body may not become a large one: it is inflated to at most 11 times its bytes (and 16
 * KiB, for the zeros of small tests), within the limit of one body and the budget of all. Decoders
 * take up to 8 times what they read (packed integers of gRPC; over HTTP 7, empty texts), so that
 * all of it stays below 100 times what was sent: test/integration/amplification.test.ts.
 */

import { gunzipSync, inflateRawSync, inflateSync, type ZlibOptions } from 'node:zlib'
import { type Refusal, refuse } from '../shared/errors.ts'
import { type BodyLimits, bodyTooLarge } from './body-buffer.ts'

export type Coding = 'gzip' | 'deflate'

const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
])

const RATIO_MAX = 11
const FREE_BYTES = 16 * 1024

/** Most bytes to which a body of so many may inflate, beside the limit of all bodies. */
export const plainBytesMax = (sentBytes: number): number => RATIO_MAX * sentBytes + FREE_BYTES

const isIdentity = (encoding: string): boolean =>
  encoding === '' || encoding.toLowerCase() === 'identity'

const codingOf = (encoding: string): Coding | undefined => CODINGS.get(encoding.toLowerCase())

/** Refuses bodies in an encoding that nobody here can read. `encoding`: as sent, '' if absent. */
export const admitEncoding = (encoding: string): Refusal | null => {
  if (isIdentity(encoding) || codingOf(encoding) !== undefined) return null
  const detail = 'The content-encoding of the body is not gzip or deflate, or there are several'
  return refuse('ENCODING_UNSUPPORTED', detail)
}

/**
 * Calls `use` with the body as it was before it was compressed, valid during the call only, and
 * gives its result, or says why there is no such body. `encoding` has been admitted.
 */
export const withPlainBody = <T>(
  body: Uint8Array,
  encoding: string,
  limits: BodyLimits,
  use: (plain: Uint8Array) => T,
): T | Refusal => {
  const coding = codingOf(encoding)
  if (coding === undefined) return use(body)
  const bytesMax = Math.min(limits.bodyBytesMax, plainBytesMax(body.length))
  if (!limits.takeBodyBytes(bytesMax)) {
    return refuse('BODY_BUDGET_EXHAUSTED', 'Too many bytes of request bodies in flight')
  }
  try {
    const plain = inflate(body, coding, bytesMax)
    if (plain === 'malformed') {
      return refuse('REQUEST_MALFORMED', `The body is no ${coding}: it is damaged or cut short`)
    }
    return plain === 'too large' ? tooLarge(bytesMax, limits.bodyBytesMax) : use(plain)
  } finally {
    limits.takeBodyBytes(-bytesMax)
  }
}

const tooLarge = (bytesMax: number, bodyBytesMax: number): Refusal =>
  bytesMax === bodyBytesMax
    ? bodyTooLarge(bodyBytesMax)
    : refuse(
        'ENCODING_RATIO_EXCEEDED',
        `The body inflates to more than ${RATIO_MAX} times its bytes and ${FREE_BYTES} more`,
      )

/** What zlib says of damaged bytes; `Z_BUF_ERROR`: their end is missing. */
const DATA_ERRORS: readonly unknown[] = ['Z_DATA_ERROR', 'Z_BUF_ERROR', 'Z_NEED_DICT']

/** Up to so many bytes a body is inflated in pieces of what it usually becomes. */
const SMALL_BYTES = 64 * 1024

/**
 * Bytes of the pieces in which a body is inflated. All that it may become, of a large one: then
 * none are joined, which would take as much again. For a small one that was 16 KiB for nothing,
 * of which 70 MB were resident before their garbage was collected.
 */
const pieceBytes = (sentBytes: number, bytesMax: number): number =>
  sentBytes > SMALL_BYTES ? bytesMax + 1 : Math.min(bytesMax + 1, 4 * sentBytes + 1024)

/** All of `body`, or it is malformed: what stands behind the end would be read by nobody. */
const inflate = (
  body: Uint8Array,
  coding: Coding,
  bytesMax: number,
): Uint8Array | 'malformed' | 'too large' => {
  const chunkSize = Math.max(64, pieceBytes(body.length, bytesMax))
  const options = { chunkSize, maxOutputLength: bytesMax, info: true }
  try {
    // With `info` the result is not what the type says.
    const { buffer, engine } = inflaterOf(body, coding)(body, options) as unknown as Inflated
    return engine.bytesWritten === body.length ? buffer : 'malformed'
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') return 'too large'
    if (DATA_ERRORS.includes(code)) return 'malformed'
    throw thrown
  }
}

interface Inflated {
  readonly buffer: Uint8Array
  /** What inflated it; `bytesWritten`: what it read of the body. */
  readonly engine: { readonly bytesWritten: number }
}

/**
 * `deflate` is the zlib format (RFC 1950), and to some clients the bare data (RFC 1951). The header
 * of zlib begins with the method 8 and divides by 31. Bare data has an 8 there only where padding
 * bits are set, which no compressor does.
 */
const inflaterOf = (
  body: Uint8Array,
  coding: Coding,
): ((body: Uint8Array, options: ZlibOptions) => Uint8Array) => {
  if (coding === 'gzip') return gunzipSync
  const [method = 0, flags = 0] = body
  return (method & 15) === 8 && ((method << 8) | flags) % 31 === 0 ? inflateSync : inflateRawSync
}
