/**
 * What is used of a call of grpc-js, beyond its public interface: three members that 1.14.7 has and
 * that a test of this file looks for. The version is pinned.
 */

import type { ServerHttp2Stream } from 'node:http2'
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js'

export interface BaseCall extends ServerInterceptingCallInterface {
  readonly stream: ServerHttp2Stream
  /** `grpc-encoding` as sent, `identity` if absent. */
  incomingEncoding: string
  decompressMessage(framed: Buffer, encoding: string): Buffer | Promise<Buffer>
}

const asItCame = (framed: Buffer): Buffer => framed

/**
 * Takes messages as they come, with the five bytes in front of each: grpc-js would inflate any
 * number of small messages to 64 MiB each, outside every budget. They are inflated like bodies over
 * HTTP (content-encoding.ts).
 */
export const takeMessagesAsTheyCome = (call: ServerInterceptingCallInterface): BaseCall => {
  const base = call as BaseCall
  base.decompressMessage = asItCame
  return base
}

/** Length of what stands in front of a message: a flag, and its length (gRPC over HTTP/2). */
export const PREFIX_BYTES = 5

/** The message itself, and whether it is compressed. */
export const contentOf = (framed: Buffer): Buffer => framed.subarray(PREFIX_BYTES)
export const isCompressed = (framed: Buffer): boolean => framed[0] === 1
