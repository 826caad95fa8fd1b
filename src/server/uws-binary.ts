/**
 * Loads the native part of uWebSockets.js, once a process, and types what we use of it. Nothing
 * else opens the binary. Why there are two candidates: docs/decisions/0002-uwebsockets-binary.md.
 */

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const PACKAGE = '@btc-vision/uwebsockets.js'

/** Belongs to one connection. Throws on any use after `end`, `close` or an abort. */
export interface UwsResponse {
  writeStatus(status: string | Uint8Array): this
  end(body: string | Uint8Array | ArrayBuffer): this
  /**
   * Whether all of it was taken, and whether the answer is complete: then the response is not valid
   * any more. `totalBytes`: of the body that this is a part of; 0: this is all of it.
   */
  tryEnd(part: string | Uint8Array, totalBytes: number): [boolean, boolean]
  /** Bytes of the body that were taken so far. */
  getWriteOffset(): number
  onWritable(handler: (writeOffset: number) => boolean): this
  cork(task: () => void): this
  /** IP address of the peer, IPv6 without abbreviation. */
  getRemoteAddressAsText(): ArrayBuffer
  close(): this
  onAborted(handler: () => void): this
  /** `chunk` is detached when the handler returns. Bodiless requests get one empty last chunk. */
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): this
}

/** Valid only until the route handler returns. */
export interface UwsRequest {
  getHeader(lowerCaseName: string | ArrayBuffer): string
  getUrl(): string
  getCaseSensitiveMethod(): string
  /** Every header line in order, names in lower case. */
  forEach(handler: (name: string, value: string) => void): void
}

export type UwsHandler = (response: UwsResponse, request: UwsRequest) => void
export type UwsListener = { readonly kind: 'listener' }

export interface UwsApp {
  post(pattern: string, handler: UwsHandler): this
  any(pattern: string, handler: UwsHandler): this
  /** Called with 1 and -1 as connections come and go. */
  filter(handler: (response: UwsResponse, delta: number) => void): this
  listen(host: string, port: number, handler: (listener: UwsListener | false) => void): this
  close(): this
  /** Names the app to another one of its kind. */
  getDescriptor(): unknown
  /** What is accepted from now on goes to the app of that descriptor, in its next turn. */
  addChildAppDescriptor(descriptor: unknown): this
  removeChildAppDescriptor(descriptor: unknown): this
}

export interface Uws {
  App(): UwsApp
  /** Throws where it cannot use the files. */
  SSLApp(options: {
    readonly cert_file_name: string
    readonly key_file_name: string
    readonly ssl_ciphers?: string
  }): UwsApp
  us_listen_socket_close(listener: UwsListener): void
  us_socket_local_port(listener: UwsListener): number
}

/**
 * Tells uWebSockets how long a header block may be. It reads the variable by C `getenv` when the
 * binary is loaded, and a worker's `process.env` is a copy that C does not see: the main thread of
 * a process must call this before its threads load the binary. This is the one place outside the
 * config that writes the environment.
 */
export const announceHeaderLimit = (headerBytesMax: number): void => {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = String(headerBytesMax)
}

/** The module, or null where no binary fits this system. */
export const loadUws = (): Uws | null => {
  for (const file of candidates()) {
    const module = { exports: {} }
    try {
      process.dlopen(module, file)
      return module.exports as Uws
    } catch {
      // The next candidate; in the end the caller falls back to node:http.
    }
  }
  return null
}

/** The copy that scripts/prepare-uws.ts makes where it is needed, then the original. */
const candidates = (): string[] => {
  const name = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(PACKAGE))
    return [join(folder, '../../.cache/sluice', name), join(folder, name)]
  } catch {
    return [] // the package is not installed
  }
}
