/**
 * What is used of a call of grpc-js, beyond its public interface: members that 1.14.7 has, and
 * without which the tests of the engine fail. The version is pinned.
 */

import type { ServerHttp2Stream } from 'node:http2'
import type { Metadata, MetadataValue, ServerInterceptingCallInterface } from '@grpc/grpc-js'

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

interface MetadataInternals {
  readonly internalRepr: ReadonlyMap<string, MetadataValue[]>
}

/**
 * Metadata as sent, '' if absent, joined by commas where repeated. `name`: in lower case. `get`
 * lower-cases and checks the name each time, and makes an array (0.1 us).
 */
export const headerOf = (metadata: Metadata, name: string): string => {
  const values = (metadata as unknown as MetadataInternals).internalRepr.get(name)
  if (values === undefined) return ''
  return values.length === 1 ? String(values[0]) : values.join(', ')
}

/** Length of what stands in front of a message: a flag, and its length (gRPC over HTTP/2). */
export const PREFIX_BYTES = 5

/** The message itself, and whether it is compressed. */
export const contentOf = (framed: Buffer): Buffer => framed.subarray(PREFIX_BYTES)
export const isCompressed = (framed: Buffer): boolean => framed[0] === 1
