/** What calls over gRPC are asked for, what came of them, and their frames. Pure. */

import type { GeneratorResult, Target } from './load.ts'

export interface CallPlan {
  /** Its body is one message with its frame; its path that of the method. */
  readonly target: Target
  readonly connections: number
  /** Calls under way on each connection at any time. */
  readonly streams: number
  readonly seconds: number
}

export interface CallResult extends GeneratorResult {
  /** The message of the first answer, without its frame, base64; null: there was none. */
  readonly firstAnswer: string | null
}

/** What clients made of gRPC's C core send. */
export const CALL_HEADERS = [
  'content-type: application/grpc',
  'te: trailers',
  'user-agent: grpc-python/1.80.0 grpc-c/53.0.0 (linux; chttp2)',
  'grpc-accept-encoding: identity, deflate, gzip',
]

/** Behind a byte that says whether the message is compressed come four with its length. */
export const FRAME_BYTES = 5

/** A message as it goes into DATA frames, not compressed. */
export const framed = (message: Uint8Array): Buffer => {
  const frame = Buffer.alloc(FRAME_BYTES + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, FRAME_BYTES)
  return frame
}
