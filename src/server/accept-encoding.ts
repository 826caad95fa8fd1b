/** Answers compressed as their clients accept (RFC 9110 §12.5.3): gzip, or deflate as zlib. */

import { constants, deflateSync, gzipSync } from 'node:zlib'
import type { Coding } from './content-encoding.ts'

/** Below this head and packet weigh more than what is saved. */
const BYTES_MIN = 1024

/**
 * Above this an answer is sent as it is: compressing takes 14 ns a byte of numbers in JSON and 28
 * of binary ones, and meanwhile nobody else on the thread is served. So it is 30 ms at most.
 */
const BYTES_MAX = 1024 * 1024

/** Characters of a list that is read: reading takes 0.1 us for each comma. */
const LIST_MAX = 256

/** A body in another form, and the header lines that say so. */
export interface CompressedBody {
  readonly bytes: Uint8Array
  /** Each with CRLF before it. */
  readonly lines: string
}

/**
 * The body compressed as `acceptEncoding` asks; null where it is to be sent as it is: the client
 * does not ask for another form, or the body is too short or long, or none the smaller for it.
 */
export const compress = (
  body: string | Uint8Array,
  acceptEncoding: string,
): CompressedBody | null => {
  if (body.length < BYTES_MIN || body.length > BYTES_MAX) return null
  const coding = acceptEncoding.length > LIST_MAX ? null : preferredCoding(acceptEncoding)
  if (coding === null) return null
  const level = constants.Z_BEST_SPEED
  const bytes = coding === 'gzip' ? gzipSync(body, { level }) : deflateSync(body, { level })
  if (bytes.length >= body.length) return null
  return { bytes, lines: `\r\ncontent-encoding: ${coding}\r\nvary: accept-encoding` }
}

/**
 * What a client likes best: the highest weight counts, and among equals gzip, then deflate. null:
 * the body as it is. An item whose weight cannot be read does not count.
 */
export const preferredCoding = (acceptEncoding: string): Coding | null => {
  let gzip = -1
  let deflate = -1
  let identity = -1
  let others = 0
  for (const item of acceptEncoding.split(',')) {
    const [name = '', ...parameters] = item.toLowerCase().split(';')
    const q = parameters.length === 0 ? 1 : weightOf(parameters.join(';').trim())
    const coding = name.trim()
    if (coding === 'gzip' || coding === 'x-gzip') gzip = q
    else if (coding === 'deflate') deflate = q
    else if (coding === 'identity') identity = q
    else if (coding === '*') others = q
  }
  if (gzip < 0) gzip = others
  if (deflate < 0) deflate = others
  const best = Math.max(gzip, deflate)
  if (best <= 0 || best < identity) return null
  return gzip === best ? 'gzip' : 'deflate'
}

const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

/** Behind a name stands a weight, or nothing: everything else is -1. */
const weightOf = (parameter: string): number => Number(WEIGHT.exec(parameter)?.[1] ?? -1)
