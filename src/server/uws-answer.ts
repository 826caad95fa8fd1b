/**
 * How answers leave through uWebSockets without being forgotten before the kernel has them.
 *
 * What `end` is given, uWebSockets copies and calls answered, however little of it has left: the
 * next request is read and answered, and that the connection was to be closed is forgotten with it.
 * What `tryEnd` is given stays ours until the kernel takes it, and as long as an answer is pending
 * uWebSockets closes at another request. It tells whether anything waits on the connection, also of
 * answers before, but takes 0.25 us more than `end`.
 */

import { randomInt } from 'node:crypto'
import { systemClock } from '../shared/clock.ts'
import type { UwsResponse } from './uws-binary.ts'

/** Bodies up to this may be copied by uWebSockets. */
const SMALL_BYTES = 4096

/**
 * Of small answers one in so many goes through `tryEnd`, by chance, so that nobody can arrange for
 * others to be chosen: a client that does not read is found after 16 answers, on average.
 */
const LOOKED_AT_ONE_IN = 16

let chance = randomInt(1, 2 ** 31)

/** Xorshift (Marsaglia 2003), 1 ns. */
const isLookedAt = (): boolean => {
  chance ^= chance << 13
  chance ^= chance >>> 17
  chance ^= chance << 5
  return (chance & (LOOKED_AT_ONE_IN - 1)) === 0
}

/** The bytes of a body. */
export const bytesOf = (body: string | Uint8Array): Uint8Array =>
  typeof body === 'string' ? Buffer.from(body) : body

/**
 * Writes an answer with a body to a corked connection that stays open. -1: that was all, and the
 * response is no longer valid. Else how many bytes of the body were taken; the rest is for
 * `sendRest`.
 */
export const writeAnswer = (
  response: UwsResponse,
  head: string | Uint8Array,
  body: string | Uint8Array,
): number => {
  response.writeStatus(head)
  if (body.length <= SMALL_BYTES && !isLookedAt()) {
    response.end(body)
    return -1
  }
  return response.tryEnd(body, 0)[1] ? -1 : response.getWriteOffset()
}

/**
 * Sends what is left of a body, from its byte `from` on, whenever the kernel takes more. `onTaken`:
 * it has taken some, or all. `rest` must not change.
 */
export const sendRest = (
  response: UwsResponse,
  rest: Uint8Array,
  from: number,
  totalBytes: number,
  onTaken: (isAll: boolean) => void,
): void => {
  let isSent = false
  response.onWritable((offset) => {
    if (isSent) return true
    isSent = response.tryEnd(rest.subarray(offset - from), totalBytes)[0]
    onTaken(isSent)
    return true
  })
}

/**
 * The length for which the last answer of a connection is never complete: its response stays
 * pending when all bytes are out, and only `close` ends it. (What the client is told is the length
 * of the first call.)
 */
export const neverComplete = (body: Uint8Array): number => body.length + 1

/** More than what uWebSockets keeps of a corked connection: 16 KiB. */
const CORK_BYTES = 32 * 1024

const CLOSE = '\r\nconnection: close'

/**
 * Writes the last answer of a connection, outside of the parser. -1: the kernel has it, and the
 * caller closes. Else how many bytes of the body were taken; the rest is for `sendRest`, with
 * `neverComplete`, and then the caller closes. The last byte goes by itself, because only the next
 * call tells whether what was corked has left. Of a body that the cork cannot hold, all has gone
 * past it to the kernel by then; only for others the last byte is corked in its turn, and lost
 * where the kernel had room for everything but this byte.
 */
export const writeLast = (response: UwsResponse, head: string, body: Uint8Array): number => {
  const { length } = body
  if (length < 2) {
    // A length that `tryEnd` could not leave open. The line end that follows is the last chunk's.
    const chunks = `1\r\n${Buffer.from(body).toString('latin1')}\r\n0\r\n`
    writeAlone(response, `${head}\r\ntransfer-encoding: chunked`, `\r\n${chunks}`)
    return -1
  }
  let isTaken = false
  const endWithLastByte = () => {
    isTaken = response.tryEnd(body.subarray(length - 1), neverComplete(body))[0]
  }
  response.cork(() => {
    response.writeStatus(head + CLOSE)
    isTaken = response.tryEnd(body.subarray(0, length - 1), length)[0]
    if (isTaken && length > CORK_BYTES) endWithLastByte()
  })
  if (isTaken && length <= CORK_BYTES) response.cork(endWithLastByte)
  return isTaken ? -1 : response.getWriteOffset()
}

/**
 * Writes a last answer that consists of its head, outside of the parser; the caller closes. It does
 * not wait for a client that does not read.
 */
export const writeBodiless = (response: UwsResponse, head: string): void =>
  writeAlone(response, head, '')

/** What `writeStatus` is given goes out as it is, with a line end behind it. */
const writeAlone = (response: UwsResponse, head: string, behind: string): void => {
  const date = new Date(systemClock.now()).toUTCString()
  const text = `${head}${CLOSE}\r\ndate: ${date}\r\n${behind}`
  response.cork(() => response.writeStatus(Buffer.from(text, 'latin1')))
}

/**
 * 400 and the end of the connection, after this turn: told to close while it still parses,
 * uWebSockets forgets it at the next request of the same read.
 */
export const refuseHead = (response: UwsResponse): void => {
  let isGone = false
  response.onAborted(() => {
    isGone = true
  })
  setImmediate(() => {
    if (isGone) return
    writeBodiless(response, '400 Bad Request\r\ncontent-length: 0')
    response.close()
  })
}
