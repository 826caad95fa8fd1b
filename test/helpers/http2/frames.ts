/**
 * Bytes of HTTP/2 (RFC 9113) and HPACK (RFC 7541), right and wrong: no library sends what a hostile
 * peer does. Nothing here is checked, and no length or stream is corrected.
 */

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const

/** Of RFC 9113, 6.5.2. */
export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  concurrentStreamsMax: 3,
  initialWindowSize: 4,
  frameSizeMax: 5,
  headerListSizeMax: 6,
} as const

/** Of RFC 9113, 7. */
export const ERROR_CODE = {
  none: 0,
  protocol: 1,
  flowControl: 3,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  enhanceYourCalm: 11,
} as const

const FRAME_HEAD_BYTES = 9

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** `length`: what the head says, whatever follows. */
export const frame = (
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
  length = payload.length,
): Buffer => {
  const head = Buffer.alloc(FRAME_HEAD_BYTES)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

export const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer => {
  const payload = Buffer.alloc(pairs.length * 6)
  for (const [i, [id, value]] of pairs.entries()) {
    payload.writeUInt16BE(id, i * 6)
    payload.writeUInt32BE(value, i * 6 + 2)
  }
  return frame(FRAME.settings, 0, 0, payload)
}

export const settingsAck = frame(FRAME.settings, FLAG.ack, 0)
export const ping = frame(FRAME.ping, 0, 0, Buffer.alloc(8))
export const windowUpdate = (stream: number, increment: number): Buffer =>
  frame(FRAME.windowUpdate, 0, stream, uint32(increment))
export const reset = (stream: number, code: number = ERROR_CODE.cancel): Buffer =>
  frame(FRAME.reset, 0, stream, uint32(code))
export const data = (stream: number, bytes: Uint8Array, flags = 0): Buffer =>
  frame(FRAME.data, flags, stream, bytes)

/** An integer of HPACK behind `first`, of which `bits` low bits are free. */
export const hpackInteger = (value: number, bits: number, first: number): Buffer => {
  const most = 2 ** bits - 1
  if (value < most) return Buffer.from([first | value])
  const bytes = [first | most]
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}

const hpackText = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([hpackInteger(bytes.length, 7, 0), bytes])
}

/** A field as a literal; `isIndexed`: it also goes into the table of the peer. */
export const hpackField = (name: string, value: string, isIndexed = false): Buffer =>
  Buffer.concat([Buffer.from([isIndexed ? 0x40 : 0]), hpackText(name), hpackText(value)])

/** A field of the table: 62 is what was put there last. */
export const hpackIndex = (index: number): Buffer => hpackInteger(index, 7, 0x80)

export const hpackBlock = (fields: readonly (readonly [name: string, value: string])[]): Buffer =>
  Buffer.concat(fields.map(([name, value]) => hpackField(name, value)))

export const INFER_PATH = '/inference.GRPCInferenceService/ModelInfer'

/** Fields of a call; what is given is put in place of the usual ones. */
export const callFields = (
  path = INFER_PATH,
  more: Readonly<Record<string, string>> = {},
): readonly (readonly [string, string])[] =>
  Object.entries({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': '127.0.0.1',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  })

export const headers = (
  stream: number,
  block: Uint8Array = hpackBlock(callFields()),
  flags: number = FLAG.endHeaders,
): Buffer => frame(FRAME.headers, flags, stream, block)

/** A message of gRPC: whether it is compressed, its length, and itself. `length`: as it says. */
export const grpcMessage = (
  bytes: Uint8Array,
  { isCompressed = false, length = bytes.length } = {},
): Buffer => Buffer.concat([Buffer.from([isCompressed ? 1 : 0]), uint32(length), bytes])

/** One whole call: a message that fits a frame. */
export const call = (stream: number, message: Uint8Array, path = INFER_PATH): Buffer =>
  Buffer.concat([
    headers(stream, hpackBlock(callFields(path))),
    data(stream, grpcMessage(message), FLAG.endStream),
  ])

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** Takes whole frames off the front of what has arrived. */
export const takeFrames = (bytes: Buffer): { frames: readonly Frame[]; rest: Buffer } => {
  const frames: Frame[] = []
  let at = 0
  while (bytes.length - at >= FRAME_HEAD_BYTES) {
    const length = bytes.readUIntBE(at, 3)
    const end = at + FRAME_HEAD_BYTES + length
    if (end > bytes.length) break
    frames.push({
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: bytes.subarray(at + FRAME_HEAD_BYTES, end),
    })
    at = end
  }
  return { frames, rest: bytes.subarray(at) }
}
