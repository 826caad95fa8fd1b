/** Frames that no client sends, to the gRPC port: who sends them is dropped, or gains nothing. */

import { beforeAll, expect, test } from 'vitest'
import { type Abused, startAbused } from '../helpers/grpc-abuse.ts'
import { rawFloats } from '../helpers/grpc-client.ts'
import {
  call,
  callFields,
  data,
  ERROR_CODE,
  FLAG,
  FRAME,
  frame,
  grpcMessage,
  headers,
  hpackBlock,
  hpackIndex,
  PREFACE,
  ping,
  SETTING,
  settings,
  windowUpdate,
} from '../helpers/http2/frames.ts'
import { Http2Peer } from '../helpers/http2/peer.ts'
import { until } from '../helpers/until.ts'

let abused: Abused

beforeAll(async () => {
  abused = await startAbused()
})

const REQUEST = rawFloats('m', [1, 2])
/** Streams of a client have odd numbers. */
const streamOf = (i: number): number => 2 * i + 1

const answered = (peer: Http2Peer, stream: number) =>
  until(() => peer.dataBytes > 0 && peer.hasEnded(stream), { what: 'the answer' })

test('frames of a client that behaves are answered', async () => {
  const peer = await Http2Peer.open(abused.port)
  for (let i = 0; i < 3; i++) {
    peer.send(call(streamOf(i), REQUEST))
    await answered(peer, streamOf(i))
  }
  expect(peer.isDropped).toBe(false)
  await abused.expectUnharmed()
})

/** What ends a connection at once, by RFC 9113, and the code that says why. */
const ENDS: readonly (readonly [string, Buffer, number])[] = [
  [
    'a window of the connection that overflows',
    windowUpdate(0, 2 ** 31 - 1),
    ERROR_CODE.flowControl,
  ],
  ['an increment of zero for the connection', windowUpdate(0, 0), ERROR_CODE.protocol],
  [
    'a first window beyond 2^31 - 1',
    settings([SETTING.initialWindowSize, 2 ** 31]),
    ERROR_CODE.flowControl,
  ],
  ['a frame size below the least', settings([SETTING.frameSizeMax, 100]), ERROR_CODE.protocol],
  [
    'settings of a length that cannot be',
    frame(FRAME.settings, 0, 0, Buffer.alloc(7)),
    ERROR_CODE.frameSize,
  ],
  [
    'a ping of a length that cannot be',
    frame(FRAME.ping, 0, 0, Buffer.alloc(7)),
    ERROR_CODE.frameSize,
  ],
  [
    'a frame beyond the frame size',
    frame(FRAME.data, 0, 1, Buffer.alloc(40_000)),
    ERROR_CODE.frameSize,
  ],
  ['data of a stream that is not open', data(7, Buffer.alloc(10)), ERROR_CODE.protocol],
  ['data of stream 0', data(0, Buffer.alloc(10)), ERROR_CODE.protocol],
  ['a stream with an even number', headers(2), ERROR_CODE.protocol],
  ['headers of stream 0', headers(0), ERROR_CODE.protocol],
  ['a continuation of nothing', frame(FRAME.continuation, FLAG.endHeaders, 1), ERROR_CODE.protocol],
  [
    'a push promise',
    frame(FRAME.pushPromise, FLAG.endHeaders, 1, Buffer.alloc(8)),
    ERROR_CODE.protocol,
  ],
  [
    'a ping between headers and their continuation',
    Buffer.concat([headers(1, hpackBlock(callFields()), 0), ping]),
    ERROR_CODE.protocol,
  ],
  ['an index that no table has', headers(1, hpackIndex(1000)), ERROR_CODE.compression],
  ['an index of zero', headers(1, hpackIndex(0)), ERROR_CODE.compression],
  [
    'a block that is cut',
    headers(1, hpackBlock(callFields()).subarray(0, -3)),
    ERROR_CODE.compression,
  ],
  [
    'an integer that overflows',
    headers(1, Buffer.from([0x7f, ...Array.from({ length: 10 }, () => 0xff)])),
    ERROR_CODE.compression,
  ],
  [
    'a table larger than was granted',
    headers(1, Buffer.concat([Buffer.from([0x3f, 0xe1, 0xff, 0x7f]), hpackBlock(callFields())])),
    ERROR_CODE.compression,
  ],
]

test.each(ENDS)('%s ends the connection', async (_, bytes, code) => {
  const peer = await Http2Peer.open(abused.port)
  peer.send(call(1, REQUEST))
  await answered(peer, 1)
  // The window that overflows must have some: one frame of data gives nothing back.
  peer.send(bytes, bytes)
  await until(() => peer.isDropped, { what: 'the peer to be dropped' })
  expect([code, null, ERROR_CODE.protocol]).toContain(peer.goAwayCode)
  await peer.untilClosed()
  await abused.expectUnharmed()
})

/** Calls that HTTP/2 or gRPC does not allow; the connection may live on. */
const CALLS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  ['no method', callFields().filter(([name]) => name !== ':method')],
  ['no path', callFields().filter(([name]) => name !== ':path')],
  ['an empty path', callFields('')],
  ['a path without a slash', callFields('ModelInfer')],
  ['two paths', [[':path', '/a'], ...callFields()]],
  ['a pseudo-header behind the others', [...callFields(), [':scheme', 'http']]],
  ['a name in capitals', [...callFields(), ['X-A', 'a']]],
  ['a name with a blank', [...callFields(), ['x a', 'a']]],
  ['an empty name', [...callFields(), ['', 'a']]],
  ['a value with a line feed', [...callFields(), ['x-a', 'a\nb']]],
  ['a value with NUL', [...callFields(), ['x-a', 'a\0b']]],
  ['a connection header', [...callFields(), ['connection', 'close']]],
  ['GET', callFields(undefined, { ':method': 'GET' })],
  ['CONNECT', callFields(undefined, { ':method': 'CONNECT' })],
  ['another content type', callFields(undefined, { 'content-type': 'application/json' })],
  ['a length that is not that of its body', callFields(undefined, { 'content-length': '1' })],
  ['a timeout that is none', callFields(undefined, { 'grpc-timeout': 'soon' })],
  ['a timeout of many digits', callFields(undefined, { 'grpc-timeout': '9'.repeat(100) })],
  ['an encoding that nobody knows', callFields(undefined, { 'grpc-encoding': 'zstd' })],
  ['binary metadata that is not base64', [...callFields(), ['x-a-bin', '!"#$']]],
]

test('calls that are none are refused, each by itself', async () => {
  for (const [title, fields] of CALLS) {
    const peer = await Http2Peer.open(abused.port)
    const message = grpcMessage(REQUEST)
    peer.send(headers(1, hpackBlock(fields)), data(1, message, FLAG.endStream))
    await until(() => peer.isDropped || peer.hasEnded(1), { what: `an end of: ${title}` })
    if (!peer.isDropped) {
      peer.send(call(3, REQUEST))
      await until(() => peer.isDropped || peer.hasEnded(3), { what: `an answer after: ${title}` })
    }
    peer.socket.destroy()
  }
  await abused.expectUnharmed()
})

test('padding, priorities and fields nobody needs are no reason to refuse', async () => {
  const peer = await Http2Peer.open(abused.port)
  const block = hpackBlock(callFields())
  const padded = Buffer.concat([Buffer.from([200]), block, Buffer.alloc(200)])
  peer.send(headers(1, padded, FLAG.endHeaders | FLAG.padded))
  const message = grpcMessage(REQUEST)
  for (const byte of message.subarray(0, -1)) peer.send(data(1, Buffer.from([byte])))
  peer.send(data(1, message.subarray(-1), FLAG.endStream))
  await answered(peer, 1)
  await abused.expectUnharmed()
})

test('a greeting byte by byte is one', async () => {
  const peer = await Http2Peer.dial(abused.port)
  for (const byte of Buffer.concat([PREFACE, settings(), call(1, REQUEST)])) {
    await peer.pour(Buffer.from([byte]), 1)
  }
  await answered(peer, 1)
  await abused.expectUnharmed()
})
