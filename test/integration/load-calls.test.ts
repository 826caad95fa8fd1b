/** The generator of calls over gRPC, against the peers of the bench and against bad servers. */

import { createServer, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { CALL_FORM } from '../../bench/fixtures.ts'
import { FRAME_BYTES, framed } from '../../bench/load/call-plan.ts'
import { runCallGenerator } from '../../bench/load/run-load.ts'
import { startGrpcPeer } from '../../bench/servers/grpc-peer.ts'
import { atEnd } from '../helpers/clean-up.ts'

const MESSAGE = Buffer.from('answer')
const HEAD = { ':status': 200, 'content-type': 'application/grpc' }

const planFor = (port: number) => ({
  target: { port, path: CALL_FORM.path, body: CALL_FORM.body, headers: CALL_FORM.headers },
  ...{ connections: 2, streams: 3, seconds: 0.2 },
})

test.each(['grpc-js', 'http2'] as const)(
  'the %s peer answers what it was told to',
  async (kind) => {
    const length = CALL_FORM.body.length - FRAME_BYTES
    const answers = { [length]: MESSAGE.toString('base64') }
    const peer = await startGrpcPeer({ kind, answers, path: CALL_FORM.path, env: {} })
    atEnd(() => peer.stop())
    const result = await runCallGenerator(planFor(peer.port))
    expect(result.requests).toBeGreaterThanOrEqual(6)
    expect(result).toMatchObject({ failures: 0, firstAnswer: MESSAGE.toString('base64') })
    expect(peer.dataThreads().size).toBe(1)
  },
)

/** Answers each call by `answer` as soon as it has come. */
const serve = async (answer: (stream: ServerHttp2Stream) => void): Promise<number> => {
  const server = createServer()
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    stream.resume().on('end', () => {
      if (!stream.aborted) answer(stream)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const answerWith = (stream: ServerHttp2Stream, trailers: OutgoingHttpHeaders): void => {
  stream.respond(HEAD, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers(trailers))
  stream.end(framed(MESSAGE))
}

test('a call whose trailers have another status than 0 has failed', async () => {
  const port = await serve((stream) => answerWith(stream, { 'grpc-status': '13' }))
  const result = await runCallGenerator(planFor(port))
  expect(result.failures).toBe(result.requests)
  expect(result.badAnswers).toBe(result.requests)
  expect(result.firstFailure).toContain('"grpc-status":"13"')
  expect(result.firstAnswer).toBeNull()
})

test('a status in the head, as of a call without an answer, counts too', async () => {
  const port = await serve((stream) =>
    stream.respond({ ...HEAD, 'grpc-status': '14' }, { endStream: true }),
  )
  const result = await runCallGenerator(planFor(port))
  expect(result.failures).toBe(result.requests)
  expect(result.firstFailure).toContain('"grpc-status":"14"')
})

test('a call without a status has failed', async () => {
  const port = await serve((stream) => stream.respond(HEAD, { endStream: true }))
  const result = await runCallGenerator(planFor(port))
  expect(result.failures).toBe(result.requests)
  expect(result.requests).toBeGreaterThan(0)
})

test('prediction ids that come twice are found', async () => {
  const port = await serve((stream) => {
    stream.respond({ ...HEAD, 'x-sluice-prediction-id': 'same' }, { waitForTrailers: true })
    stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(framed(MESSAGE))
  })
  const { failures, idsChecked, idsTwice } = await runCallGenerator(planFor(port))
  expect(failures).toBe(0)
  expect(idsTwice).toBe(idsChecked - 1)
})

test('calls that are broken off, or never answered, have failed', async () => {
  const broken = await runCallGenerator(planFor(await serve((stream) => stream.session?.destroy())))
  expect(broken.requests).toBe(0)
  expect(broken.failures).toBeGreaterThan(0)
  const held = await runCallGenerator(planFor(await serve(() => {})))
  expect(held).toMatchObject({ requests: 0, failures: 6, firstFailure: 'no answer' })
})
