/** Messages that lie about their length, blow up or never end, to the gRPC port. */

import { deflateSync, gzipSync } from 'node:zlib'
import { status } from '@grpc/grpc-js'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Abused, startAbused } from '../helpers/grpc-abuse.ts'
import { GrpcClient, rawFloats } from '../helpers/grpc-client.ts'
import { openSession, rawCall } from '../helpers/http2/calls.ts'
import {
  call,
  data,
  FRAME,
  grpcMessage,
  headers,
  reset,
  SETTING,
  windowUpdate,
} from '../helpers/http2/frames.ts'
import { Http2Peer } from '../helpers/http2/peer.ts'
import { SendWindows } from '../helpers/http2/windows.ts'
import { until } from '../helpers/until.ts'

const MIB = 2 ** 20
const BODY_MIB_MAX = 16
const IN_FLIGHT_MIB_MAX = 64
const LIMITS = `limits: {body_bytes_max: ${BODY_MIB_MAX * MIB}, body_bytes_in_flight_max: ${IN_FLIGHT_MIB_MAX * MIB}}\n`

let abused: Abused

beforeAll(async () => {
  abused = await startAbused(LIMITS)
})

const REQUEST = rawFloats('m', [1, 2])
const streamOf = (i: number): number => 2 * i + 1

const { RESOURCE_EXHAUSTED, INVALID_ARGUMENT, OK } = status

/** 256 MiB of nothing. */
const NOTHING = Buffer.alloc(256 * MIB)
const GZIP_BOMB = gzipSync(NOTHING)
const DEFLATE_BOMB = deflateSync(NOTHING)

test.each([
  ['4 GiB', 2 ** 32 - 1],
  ['2 GiB', 2 ** 31],
  ['one byte more than there may be', BODY_MIB_MAX * MIB + 1],
])('a length of %s is refused before it has come', async (_, length) => {
  const session = openSession(abused.port)
  const endings = await Promise.all(
    Array.from({ length: 100 }, (_each, i) =>
      rawCall(session, [grpcMessage(REQUEST, { length })], {}, i % 2 === 0),
    ),
  )
  expect(new Set(endings.map((ending) => ending.status))).toEqual(new Set([RESOURCE_EXHAUSTED]))
  await abused.expectUnharmed()
})

/** A body that is no whole message, or more than one. */
const FRAMINGS: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ['nothing', []],
  ['half a prefix', [Buffer.alloc(3)]],
  ['less than its length', [grpcMessage(REQUEST, { length: REQUEST.length + 10 })]],
  ['two messages', [grpcMessage(REQUEST), grpcMessage(REQUEST)]],
  ['a byte behind the message', [grpcMessage(REQUEST), Buffer.alloc(1)]],
  ['a flag that is none', [Buffer.concat([Buffer.from([2]), grpcMessage(REQUEST).subarray(1)])]],
  [
    'compressed, and no encoding is named',
    [grpcMessage(gzipSync(REQUEST), { isCompressed: true })],
  ],
]

test.each(FRAMINGS)('a body of %s is refused', async (_, pieces) => {
  const session = openSession(abused.port)
  const { status: code } = await rawCall(session, pieces)
  expect(code).not.toBe(OK)
  expect((await rawCall(session, [grpcMessage(REQUEST)])).status).toBe(OK)
  await abused.expectUnharmed()
})

test('bytes that are no message of protobuf are an invalid argument', async () => {
  const session = openSession(abused.port)
  for (const bytes of [
    Buffer.alloc(40, 0xff),
    Buffer.from([0x0a, 0x7f]),
    REQUEST.subarray(0, -3),
  ]) {
    const ending = await rawCall(session, [grpcMessage(bytes)])
    expect(ending.status).toBe(INVALID_ARGUMENT)
    expect(ending.trailers.get('x-sluice-error')).toBe('REQUEST_MALFORMED')
  }
  await abused.expectUnharmed()
})

test.each([
  ['gzip', gzipSync(REQUEST), GZIP_BOMB],
  ['deflate', deflateSync(REQUEST), DEFLATE_BOMB],
] as const)(
  '%s: what inflates beyond the limit is refused before it has',
  async (name, whole, bomb) => {
    const session = openSession(abused.port)
    const send = (bytes: Uint8Array) =>
      rawCall(session, [grpcMessage(bytes, { isCompressed: true })], { 'grpc-encoding': name })
    expect((await send(whole)).status).toBe(OK)
    const endings = await Promise.all(Array.from({ length: 50 }, () => send(bomb)))
    expect(new Set(endings.map(({ status: code }) => code))).toEqual(new Set([RESOURCE_EXHAUSTED]))
    const damaged = [
      Buffer.concat([whole.subarray(0, 20), Buffer.alloc(20, 0xff)]),
      whole.subarray(0, -12),
      REQUEST,
      Buffer.alloc(0),
    ]
    for (const bytes of damaged) expect((await send(bytes)).status).not.toBe(OK)
    expect((await send(whole)).status).toBe(OK)
    await abused.expectUnharmed()
  },
)

test('the same by grpc-js, which compresses by itself', async () => {
  const client = new GrpcClient(abused.port, { compression: 'gzip' })
  const { code } = await client.call('ModelInfer', NOTHING.subarray(0, 64 * MIB))
  expect(code).toBe('RESOURCE_EXHAUSTED')
  expect((await client.call('ModelInfer', REQUEST)).code).toBe('OK')
  await abused.expectUnharmed()
})

describe('calls that never end', () => {
  test('heads without a body', async () => {
    const peers = await Promise.all(Array.from({ length: 20 }, () => Http2Peer.open(abused.port)))
    for (const peer of peers) {
      for (let i = 0; i < 100; i++) peer.send(headers(streamOf(i)))
    }
    await abused.expectUnharmed()
    for (const peer of peers) peer.socket.destroy()
    await abused.expectUnharmed()
  })

  test('bodies that stop before their end take no more than may be in flight', async () => {
    const PIECE = Buffer.alloc(16_000)
    const streams = Array.from({ length: 60 }, (_, i) => streamOf(i))
    const peer = await Http2Peer.open(abused.port)
    await until(() => peer.of(FRAME.settings).length > 0, { what: 'settings of the server' })
    const windows = new SendWindows(peer, streams)
    const start = grpcMessage(Buffer.alloc(0), { length: BODY_MIB_MAX * MIB })
    for (const stream of streams) {
      peer.send(headers(stream))
      if (windows.take(start.length) !== null) peer.send(data(stream, start))
    }
    // On and on, as the server lets it, until it has refused some of them.
    await until(
      async () => {
        for (let stream = windows.take(PIECE.length); stream !== null; ) {
          await peer.pour(data(stream, PIECE), 1)
          stream = windows.take(PIECE.length)
        }
        return peer.isDropped || streams.filter((stream) => peer.hasEnded(stream)).length > 3
      },
      { what: 'some of them to be refused', timeoutMs: 30_000, everyMs: 1 },
    )
    await abused.expectUnharmed()
    peer.socket.destroy()
    await abused.expectUnharmed()
  })
})

describe('answers that nobody reads', () => {
  const WIDE = rawFloats('wide', [1, 2 * MIB])

  test('a window of zero from the start', async () => {
    const peer = await Http2Peer.open(abused.port, {
      settings: [[SETTING.initialWindowSize, 0]],
    })
    for (let i = 0; i < 100; i++) peer.send(call(streamOf(i), REQUEST))
    await abused.expectUnharmed()
    // Opened, it gets them all.
    peer.send(windowUpdate(0, 2 ** 20))
    for (let i = 0; i < 100; i++) peer.send(windowUpdate(streamOf(i), 1000))
    await until(() => peer.hasEnded(streamOf(99)), { what: 'the answers' })
    await abused.expectUnharmed()
  })

  test('large answers, one after the other', async () => {
    const session = openSession(abused.port)
    session.settings({ initialWindowSize: 0 })
    const endings = Array.from({ length: 60 }, () => rawCall(session, [grpcMessage(WIDE)]))
    void endings
    await abused.expectUnharmed()
    session.destroy()
    await abused.expectUnharmed()
  })

  test('taken back before they are read', async () => {
    const peer = await Http2Peer.open(abused.port, {
      settings: [[SETTING.initialWindowSize, 0]],
    })
    for (let i = 0; i < 500 && !peer.isDropped; i++) {
      peer.send(call(streamOf(i), REQUEST))
      await until(() => peer.isDropped || peer.of(FRAME.headers, streamOf(i)).length > 0, {
        what: 'the head of the answer',
        everyMs: 1,
      })
      peer.send(reset(streamOf(i)))
    }
    await abused.expectUnharmed()
  })
})
