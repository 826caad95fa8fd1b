/** Connections to the gRPC port that say nothing, say the wrong thing, or fall silent. */

import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeCertificate } from '../helpers/certificates.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { type Abused, startAbused } from '../helpers/grpc-abuse.ts'
import { rawFloats } from '../helpers/grpc-client.ts'
import { call, FRAME, frame, headers, PREFACE, settings } from '../helpers/http2/frames.ts'
import { Http2Peer } from '../helpers/http2/peer.ts'
import { signal } from '../helpers/reaper.ts'
import { until } from '../helpers/until.ts'

const MIB = 2 ** 20
const GRPC =
  'grpc: {keepalive_seconds: 1, keepalive_timeout_seconds: 4, connection_idle_seconds: 3}\n'

let abused: Abused

beforeAll(async () => {
  abused = await startAbused(GRPC)
})

const REQUEST = rawFloats('m', [1, 2])

/** Open sockets of the replica. */
const socketsOf = async ({ gateway }: Abused): Promise<number> => {
  const [pid] = (await gateway.replicaPids()).values()
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(`${folder}/${name}`).startsWith('socket:')
    } catch {
      return false // closed meanwhile
    }
  }).length
}

const CLIENT_HELLO = Buffer.from('16030100050100000100', 'hex')

/** What is no greeting. */
const GREETINGS: readonly (readonly [string, Uint8Array])[] = [
  ['garbage', Buffer.alloc(1000, 0xa5)],
  ['zeros', Buffer.alloc(1000)],
  ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')],
  [
    'an upgrade to h2c',
    Buffer.from(
      'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n\r\n',
    ),
  ],
  [
    'a greeting that goes wrong at its end',
    Buffer.concat([PREFACE.subarray(0, -1), Buffer.alloc(9)]),
  ],
  ['TLS', CLIENT_HELLO],
  [
    'no settings behind the greeting',
    Buffer.concat([PREFACE, frame(FRAME.ping, 0, 0, Buffer.alloc(8))]),
  ],
  [
    'a frame of 16 MiB behind the greeting',
    Buffer.concat([PREFACE, Buffer.from('ffffff040000000000', 'hex')]),
  ],
]

test.each(GREETINGS)('%s in place of a greeting: the connection is closed', async (_, bytes) => {
  const peer = await Http2Peer.dial(abused.port)
  peer.send(bytes)
  await peer.untilClosed()
  await abused.expectUnharmed()
})

test('connections that begin and fall silent are closed', async () => {
  const beginnings = [
    Buffer.alloc(0),
    PREFACE.subarray(0, 10),
    Buffer.concat([PREFACE, settings()]),
    Buffer.concat([PREFACE, settings(), headers(1).subarray(0, 20)]),
  ]
  const peers = await Promise.all(beginnings.map(() => Http2Peer.dial(abused.port)))
  for (const [i, peer] of peers.entries()) peer.send(beginnings[i]!)
  await Promise.all(peers.map((peer) => peer.untilClosed(30_000)))
  await abused.expectUnharmed()
})

test('a client that pings is served as long as it likes', async () => {
  const peer = await Http2Peer.open(abused.port)
  for (let i = 0; i < 5; i++) {
    peer.send(call(2 * i + 1, REQUEST))
    await until(() => peer.hasEnded(2 * i + 1), { what: 'the answer' })
  }
  expect(peer.isDropped).toBe(false)
})

/** Reads a large answer by a window that it opens bit by bit, until it is stopped. */
const READER = `
const http2 = require('node:http2')
const [port, path, body] = process.argv.slice(1)
const session = http2.connect('http://127.0.0.1:' + port)
session.on('close', () => process.exit(0))
session.on('error', () => process.exit(0))
const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' })
stream.once('data', () => process.stdout.write(String(session.socket.localPort)))
stream.on('error', () => {})
stream.end(Buffer.from(body, 'base64'))
setInterval(() => {}, 1000)
`

/** The program, and the port that it came from. */
const startReader = async (
  port: number,
  message: Uint8Array,
): Promise<readonly [ChildProcess, number]> => {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  const body = Buffer.concat([prefix, message]).toString('base64')
  const path = '/inference.GRPCInferenceService/ModelInfer'
  const child = spawn(process.execPath, ['-e', READER, String(port), path, body], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  atEnd(() => void child.kill('SIGKILL'))
  const own = await new Promise((resolve) => child.stdout.once('data', resolve))
  return [child, Number(own)]
}

const hexPort = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')

/** Whether the server's end of a connection is open (proc(5), /proc/net/tcp: state 01). */
const isOpen = (port: number, peerPort: number): boolean =>
  new RegExp(`:${hexPort(port)} [0-9A-F]+:${hexPort(peerPort)} 01 `).test(
    readFileSync('/proc/net/tcp', 'utf8'),
  )

test('a peer that is stopped in the middle of an answer is dropped', async () => {
  const [child, own] = await startReader(abused.port, rawFloats('m', [10_000, 2]))
  signal(child.pid!, 'SIGSTOP')
  expect(isOpen(abused.port, own)).toBe(true)
  await until(() => !isOpen(abused.port, own), {
    what: 'the stopped peer to be dropped',
    timeoutMs: 30_000,
  })
  await abused.expectUnharmed()
  signal(child.pid!, 'SIGCONT')
})

describe('many connections', () => {
  const CONNECTIONS_MAX = 200

  const dialMany = (port: number, count: number): Socket[] => {
    const sockets = Array.from({ length: count }, () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.resume()
      return socket
    })
    atEnd(() => sockets.forEach((socket) => void socket.destroy()))
    return sockets
  }

  test('thousands that say nothing leave room for others, and are closed', async () => {
    const crowded = await startAbused(`limits: {connections_max: ${CONNECTIONS_MAX}}\n${GRPC}`)
    const sockets = dialMany(crowded.port, 3000)
    expect(await socketsOf(crowded)).toBeLessThan(CONNECTIONS_MAX + 100)
    await crowded.expectUnharmed()
    await until(() => sockets.every(({ closed }) => closed), {
      what: 'all of them to be closed',
      timeoutMs: 120_000,
    })
    await crowded.expectUnharmed()
  })
})

describe('TLS', () => {
  let secure: Abused

  beforeAll(async () => {
    secure = await startAbused(GRPC, makeCertificate())
  })

  test.each([
    ['plain HTTP/2', Buffer.concat([PREFACE, settings(), call(1, REQUEST)])],
    ['plain HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n')],
    ['garbage', Buffer.alloc(MIB, 0xa5)],
  ])('%s in place of a handshake: the connection is closed', async (_, bytes) => {
    const peer = await Http2Peer.dial(secure.port)
    peer.send(bytes)
    await peer.untilClosed(30_000)
    await secure.expectUnharmed()
  })

  test('hundreds of handshakes that stall harm nobody', async () => {
    const peers = await Promise.all(Array.from({ length: 500 }, () => Http2Peer.dial(secure.port)))
    // One of them says nothing at all.
    for (const peer of peers.slice(1)) peer.send(CLIENT_HELLO.subarray(0, 6))
    await secure.expectUnharmed()
    await until(() => peers.every(({ isClosed }) => isClosed), {
      what: 'all of them to be closed',
      timeoutMs: 60_000,
    })
    await secure.expectUnharmed()
  })
})
