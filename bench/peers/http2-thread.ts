/** The thread of the bare HTTP/2 server: see grpc.ts. */

import { createServer, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { parentPort } from 'node:worker_threads'
import { currentThreadId } from '../../src/shared/threads.ts'
import { FRAME_BYTES, framed } from '../load/call-plan.ts'
import { cannedAnswers } from './canned.ts'

const frames = new Map(
  [...cannedAnswers()].map(([length, answer]) => [length + FRAME_BYTES, framed(answer)]),
)
const head = { ':status': 200, 'content-type': 'application/grpc' }
const trailers = { 'grpc-status': '0' }
const forget = () => {}

const server = createServer()
server.on('stream', (stream: ServerHttp2Stream) => {
  let bytes = 0
  stream.on('error', forget)
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  stream.on('end', () => {
    if (stream.aborted) return // its client has gone
    stream.respond(head, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers(trailers))
    stream.end(frames.get(bytes))
  })
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  parentPort?.postMessage({ tid: currentThreadId(), port })
})
