import http2 from 'node:http2'
import { connect } from 'node:net'
import { status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import {
  ANSWER_HEADS,
  ANSWER_IDS,
  inferRequest,
  inferResponse,
  seenCall,
} from '../helpers/grpc-calls.ts'
import { call, GRPC_LIMITS, startGrpcEngine } from '../helpers/grpc-engine.ts'
import { until } from '../helpers/until.ts'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
/** A frame of HTTP/2: length, type, flags, stream, payload. */
const frame = (type: number, stream: number, payload: Uint8Array, flags = 0): Buffer => {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}
const SETTINGS = frame(4, 0, Buffer.alloc(0))
const GOAWAY = frame(7, 0, Buffer.alloc(8))

const dial = (port: number, bytes: Buffer) => {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const closed = Promise.withResolvers<void>()
  socket.on('error', () => {})
  socket.on('close', () => closed.resolve())
  socket.on('data', () => {})
  socket.write(bytes)
  atEnd(() => void socket.destroy())
  return { socket, closed: closed.promise }
}

const QUICK = { ...GRPC_LIMITS, keepaliveSeconds: 0.2, keepaliveTimeoutSeconds: 0.4 }

test('a client that says that it goes, and stays, is closed', async () => {
  const rig = await startGrpcEngine({ limits: QUICK })
  const peer = dial(rig.port, Buffer.concat([Buffer.from(PREFACE), SETTINGS, GOAWAY]))
  await until(() => rig.connections.open === 1, { what: 'the connection' })
  await until(() => rig.connections.open === 0, { what: 'the connection to be closed' })
  peer.socket.destroy()
})

test('an idle connection that is told to go, and stays, is closed', async () => {
  const limits = { ...GRPC_LIMITS, connectionIdleSeconds: 0.2 }
  const rig = await startGrpcEngine({ limits })
  dial(rig.port, Buffer.concat([Buffer.from(PREFACE), SETTINGS]))
  await until(() => rig.connections.open === 1, { what: 'the connection' })
  await until(() => rig.connections.open === 0, { what: 'the connection to be closed' })
})

test('calls of a connection that goes are answered, however long they take', async () => {
  const rig = await startGrpcEngine({ limits: QUICK })
  const { outcome } = call(rig.client(), 'ModelInfer', inferRequest())
  const { exchange } = await seenCall(rig, 1)
  rig.engine.stopAccepting()
  await until(() => rig.connections.open === 1, { what: 'the connection' })
  const sinceMs = performance.now()
  await until(() => performance.now() - sinceMs > 1500, { what: 'several times of asking' })
  exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  expect((await outcome).status.code).toBe(status.OK)
})

test('a first stream that is broken off with what it came with harms nobody', async () => {
  const rig = await startGrpcEngine()
  const block = Buffer.concat([
    Buffer.of(0x82, 0x86, 0x84), // GET, http, /
    Buffer.of(0x01, 0x01, 0x61), // :authority a
  ])
  const reset = frame(3, 1, Buffer.alloc(4))
  dial(rig.port, Buffer.concat([Buffer.from(PREFACE), SETTINGS, frame(1, 1, block, 4), reset]))
  await until(() => rig.connections.open === 1, { what: 'the connection' })
  const { outcome } = call(rig.client(), 'ModelInfer', inferRequest())
  ;(await seenCall(rig, 1)).exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  expect((await outcome).status.code).toBe(status.OK)
})

test.each(['application/grpc-web', 'application/grpc+json', 'application/json'])(
  'a request of %s is none',
  async (type) => {
    const rig = await startGrpcEngine()
    const session = http2.connect(`http://127.0.0.1:${rig.port}`)
    atEnd(() => session.destroy())
    const stream = session.request({ ':method': 'POST', ':path': '/x', 'content-type': type })
    const answered = Promise.withResolvers<number | undefined>()
    stream.on('response', (headers) => answered.resolve(headers[':status']))
    stream.on('error', () => {})
    stream.end()
    expect(await answered.promise).toBe(415)
  },
)
