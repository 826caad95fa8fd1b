/** Too much of what is allowed, to the gRPC port: who sends it is dropped, or gains nothing. */

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
  hpackField,
  hpackIndex,
  ping,
  reset,
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

test('rapid reset: calls that are taken back as fast as they are made', async () => {
  const peer = await Http2Peer.open(abused.port)
  const begun = headers(1).length
  expect(begun).toBeGreaterThan(0)
  for (let i = 0; i < 200 && !peer.isDropped; i++) {
    const pairs = Array.from({ length: 100 }, (_, k) => {
      const stream = streamOf(i * 100 + k)
      return Buffer.concat([call(stream, REQUEST), reset(stream)])
    })
    await peer.pour(Buffer.concat(pairs), 1)
  }
  await until(() => peer.isDropped, { what: 'the peer to be dropped' })
  await abused.expectUnharmed()
})

test('resets that the server is made to send', async () => {
  const peer = await Http2Peer.open(abused.port)
  for (let i = 0; i < 200 && !peer.isDropped; i++) {
    const faulty = Array.from({ length: 100 }, (_, k) => {
      const stream = streamOf(i * 100 + k)
      // An increment of zero is an error of the stream alone (RFC 9113, 6.9).
      return Buffer.concat([call(stream, REQUEST), windowUpdate(stream, 0)])
    })
    await peer.pour(Buffer.concat(faulty), 1)
  }
  await until(() => peer.isDropped, { what: 'the peer to be dropped' })
  await abused.expectUnharmed()
})

test('a block of headers that never ends', async () => {
  const peer = await Http2Peer.open(abused.port)
  peer.send(headers(1, hpackBlock(callFields()), 0))
  const more = hpackBlock([['x-a', 'a'.repeat(4000)]])
  await peer.pour(frame(FRAME.continuation, 0, 1, more), 20_000)
  await peer.untilClosed()
  await abused.expectUnharmed()
})

test('a block of headers that never ends, of frames without a byte', async () => {
  const peer = await Http2Peer.open(abused.port)
  peer.send(headers(1, hpackBlock(callFields()), 0))
  await peer.pour(
    Buffer.concat(Array.from({ length: 1000 }, () => frame(FRAME.continuation, 0, 1))),
    1000,
  )
  await peer.untilClosed()
  await abused.expectUnharmed()
})

const FLOODS: readonly (readonly [string, Buffer])[] = [
  ['pings', ping],
  ['settings', settings([SETTING.initialWindowSize, 65_535])],
  ['empty settings', settings()],
  ['increments of the window', windowUpdate(0, 1)],
  ['priorities', frame(FRAME.priority, 0, 1, Buffer.from([0, 0, 0, 0, 16]))],
  ['frames of an unknown type', frame(0xbb, 0, 0, Buffer.alloc(100))],
]

test.each(FLOODS)('a flood of %s from a peer that reads', async (_, one) => {
  const peer = await Http2Peer.open(abused.port)
  const many = Buffer.concat(Array.from({ length: 1000 }, () => one))
  await peer.pour(many, 200)
  peer.send(call(1, REQUEST))
  await until(() => peer.isDropped || peer.hasEnded(1), { what: 'an end of it' })
  await abused.expectUnharmed()
})

test.each(FLOODS.slice(0, 3))('a flood of %s from a peer that reads nothing', async (_, one) => {
  const peer = await Http2Peer.open(abused.port, { isReading: false })
  const many = Buffer.concat(Array.from({ length: 1000 }, () => one))
  await peer.pour(many, 2000)
  await abused.expectUnharmed()
  peer.socket.resume()
  await peer.untilClosed()
})

test('headers that are too large', async () => {
  for (const [count, length] of [
    [1, 100_000],
    [40, 4000],
    [3000, 10],
  ] as const) {
    const peer = await Http2Peer.open(abused.port)
    const more = Array.from({ length: count }, (_, i) => [`x-${i}`, 'a'.repeat(length)] as const)
    const block = hpackBlock([...callFields(), ...more])
    const parts = Array.from({ length: Math.ceil(block.length / 16_000) }, (_, i) =>
      block.subarray(i * 16_000, (i + 1) * 16_000),
    )
    for (const [i, part] of parts.entries()) {
      const flags = i === parts.length - 1 ? FLAG.endHeaders : 0
      peer.send(i === 0 ? headers(1, part, flags) : frame(FRAME.continuation, flags, 1, part))
    }
    peer.send(data(1, grpcMessage(REQUEST), FLAG.endStream))
    await until(() => peer.isDropped || peer.hasEnded(1), { what: `an end of ${count} fields` })
    expect(peer.dataBytes).toBe(0)
  }
  await abused.expectUnharmed()
})

test('a bomb of HPACK: few bytes that mean many', async () => {
  const peer = await Http2Peer.open(abused.port)
  // A field of 4 KB goes into the table once, and is then named by one byte each.
  const seed = Buffer.concat([hpackBlock(callFields()), hpackField('x-a', 'a'.repeat(4000), true)])
  const many = Buffer.concat(Array.from({ length: 16_000 }, () => hpackIndex(62)))
  peer.send(headers(1, seed), data(1, grpcMessage(REQUEST), FLAG.endStream))
  for (let i = 1; i < 200 && !peer.isDropped; i++) {
    await peer.pour(headers(streamOf(i), many), 1)
  }
  await until(() => peer.isDropped || peer.hasEnded(streamOf(199)), { what: 'an end of it' })
  await abused.expectUnharmed()
})

test('more streams than there may be', async () => {
  const peer = await Http2Peer.open(abused.port)
  await until(() => peer.of(FRAME.settings).length > 0, { what: 'settings of the server' })
  const open = Array.from({ length: 1000 }, (_, i) => headers(streamOf(i)))
  await peer.pour(Buffer.concat(open), 1)
  const refused = () =>
    peer
      .of(FRAME.reset)
      .filter(({ payload }) => payload.readUInt32BE(0) === ERROR_CODE.refusedStream)
  await until(() => peer.isDropped || refused().length > 800, { what: 'streams to be refused' })
  await abused.expectUnharmed()
})
