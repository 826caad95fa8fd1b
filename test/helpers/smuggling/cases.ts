/**
 * What the cases of the smuggling corpus are made of. `###` in a message stands for the number of
 * the connection that sends it, so that every request that a server sees can be told apart.
 */

/**
 * `wanted`: what RFC 9112 wants of a server, where it leaves a choice the safest: in order, the
 * requests that are seen, as `first(body)`, and what becomes of the connection. `closed` alone is a
 * refusal; `open` alone means that more of the message is due, and whatever follows is part of it.
 */
export type Case = readonly [title: string, message: string, wanted: string]

export const HOST = 'host: a'

/** A request line and header lines, with the empty line behind. */
export const head = (line: string, ...lines: readonly string[]): string =>
  [line, ...lines, '', ''].join('\r\n')

/** `POST /first###` with these header lines, and what follows them. */
export const post = (lines: readonly string[], rest: string): string =>
  head('POST /first### HTTP/1.1', HOST, ...lines) + rest

export const get = (...lines: readonly string[]): string =>
  head('GET /first### HTTP/1.1', HOST, ...lines)

/** What an attacker wants a server to take for a request. */
export const HIDDEN = head('GET /hidden### HTTP/1.1', HOST)

/** Sent behind every message: shows whether the server still knows where requests begin. */
export const AFTER = head('GET /after### HTTP/1.1', HOST)

export const CHUNKED = 'transfer-encoding: chunked'

/** `POST /first###` with a chunked body, as it is on the wire. */
export const chunked = (wire: string, ...lines: readonly string[]): string =>
  post([CHUNKED, ...lines], wire)

export const lengthOf = (body: string): string => `content-length: ${body.length}`
