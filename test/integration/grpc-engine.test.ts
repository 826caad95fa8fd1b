import { connect } from 'node:http2'
import { gzipSync } from 'node:zlib'
import { fromBinary } from '@bufbuild/protobuf'
import { Client, credentials, status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { ModelInferResponseSchema } from '../../proto/gen/inference_pb.ts'
import { refuse } from '../../src/shared/errors.ts'
import { atEnd } from '../helpers/clean-up.ts'
import {
  ANSWER_HEADS,
  ANSWER_IDS,
  inferRequest,
  inferResponse,
  seenCall,
  written,
} from '../helpers/grpc-calls.ts'
import {
  call,
  GRPC_BODY_BYTES_MAX,
  GRPC_LIMITS,
  type GrpcRig,
  startGrpcEngine,
} from '../helpers/grpc-engine.ts'
import { until } from '../helpers/until.ts'

test('a unary call is an exchange, whose answer comes with its metadata', async () => {
  const rig = await startGrpcEngine()
  const { outcome } = call(rig.client(), 'ModelInfer', inferRequest(), { 'x-request-id': 'mine' })
  const { exchange, body } = await seenCall(rig, 1)
  expect(exchange).toMatchObject({ method: 'POST', path: '/v2/models/m/infer', requestId: 'mine' })
  expect(body.equals(inferRequest())).toBe(true)
  expect(rig.engine.underWay).toBe(1)
  exchange.release(
    ANSWER_HEADS,
    inferResponse('a'),
    { ...ANSWER_IDS, echoedId: 'mine' },
    'queue;dur=1',
  )
  const { answer, metadata } = await outcome
  expect(fromBinary(ModelInferResponseSchema, answer!).id).toBe('a')
  expect(metadata.getMap()).toMatchObject({
    'x-sluice-model': 'm',
    'x-sluice-version': '2',
    'x-sluice-variant': 'v2',
    'x-sluice-epoch': '5',
    'x-sluice-prediction-id': 'g.0.0-1-7',
    'x-request-id': 'mine',
    'server-timing': 'queue;dur=1',
  })
  await until(() => rig.engine.underWay === 0, { what: 'the end of the call' })
  expect(rig.engine.unsentBytes).toBe(0)
})

test('a refusal is a status with trailers', async () => {
  const rig = await startGrpcEngine()
  const { outcome } = call(rig.client(), 'ModelInfer', inferRequest())
  const { exchange } = await seenCall(rig, 1)
  exchange.refuse(written('QUEUE_FULL', 'too much: ä'))
  const { error: failure } = await outcome
  expect(failure).toMatchObject({ code: status.UNAVAILABLE, details: 'too much: ä' })
  expect(failure!.metadata.getMap()).toMatchObject({
    'x-sluice-error': 'QUEUE_FULL',
    'retry-after': '1',
  })
})

test('a client that cancels, or whose deadline passes, is gone', async () => {
  const rig = await startGrpcEngine()
  const gone: number[] = []
  const [first, second] = [
    call(rig.client(), 'ModelInfer', inferRequest()),
    call(rig.client(), 'ModelInfer', inferRequest(), {}, 300),
  ]
  await seenCall(rig, 2)
  for (const [i, { exchange }] of rig.seen.entries())
    exchange.waiting = { onGone: () => gone.push(i) }
  expect(rig.seen.map(({ exchange }) => exchange.timeout === '').sort()).toEqual([false, true])
  first.cancel()
  expect((await first.outcome).status.code).toBe(status.CANCELLED)
  expect((await second.outcome).status.code).toBe(status.DEADLINE_EXCEEDED)
  await until(() => gone.length === 2, { what: 'both to be gone' })
  expect(rig.seen.every(({ exchange }) => exchange.isAborted)).toBe(true)
  rig.seen[0]!.exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  await until(() => rig.engine.underWay === 0, { what: 'nothing under way' })
})

test('a client that goes before its message was whole has asked for nothing', async () => {
  const rig = await startGrpcEngine()
  const session = connect(`http://127.0.0.1:${rig.port}`)
  atEnd(() => session.destroy())
  for (const part of [Buffer.alloc(0), Buffer.from([0, 0, 0, 0, 9, 1])]) {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ModelInfer',
      'content-type': 'application/grpc',
    })
    stream.write(part)
    stream.on('error', () => {})
  }
  await until(() => rig.engine.underWay === 2, { what: 'both calls' })
  session.destroy()
  await until(() => rig.aborted.count === 2, { what: 'both to be gone' })
  expect(rig.seen).toEqual([])
  expect(rig.engine.underWay).toBe(0)
})

test('messages are limited, and what waits for its rest is in the budget', async () => {
  const rig = await startGrpcEngine()
  const client = rig.client()
  const { outcome } = call(client, 'ModelInfer', inferRequest('m', '', GRPC_BODY_BYTES_MAX))
  const { exchange, refusal } = await seenCall(rig, 1)
  expect(refusal?.code).toBe('BODY_TOO_LARGE')
  exchange.refuse(written('BODY_TOO_LARGE', 'large'))
  expect((await outcome).status).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: 'large',
  })
  const large = call(client, 'ModelInfer', inferRequest('m', '', GRPC_BODY_BYTES_MAX - 100))
  const { exchange: second, refusal: none } = await seenCall(rig, 2)
  expect(none).toBeNull()
  second.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  await large.outcome
  expect(rig.budget.peakBytes).toBeGreaterThan(0)
  expect(rig.budget.takenBytes).toBe(0)
})

const compressed = (rig: GrpcRig) => {
  const opened = new Client(`127.0.0.1:${rig.port}`, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': 2,
  })
  atEnd(() => opened.close())
  return opened
}

test('compressed messages are inflated within the limits of bodies', async () => {
  const rig = await startGrpcEngine()
  const client = compressed(rig)
  call(client, 'ModelInfer', inferRequest('m', 'packed', 10_000))
  const { body, exchange } = await seenCall(rig, 1)
  expect(body.equals(inferRequest('m', 'packed', 10_000))).toBe(true)
  expect(exchange.sentBytes).toBe(gzipSync(inferRequest('m', 'packed', 10_000)).length)
  call(client, 'ModelInfer', inferRequest('m', '', GRPC_BODY_BYTES_MAX - 100))
  expect((await seenCall(rig, 2)).refusal?.code).toBe('ENCODING_RATIO_EXCEEDED')
  expect(rig.budget.takenBytes).toBe(0)
})

test('a listener that pauses leaves open connections alone, and resumes', async () => {
  const rig = await startGrpcEngine()
  const client = rig.client()
  const first = call(client, 'ModelInfer', inferRequest())
  ;(await seenCall(rig, 1)).exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  await first.outcome
  rig.engine.pauseAccepting()
  const second = call(client, 'ModelInfer', inferRequest())
  ;(await seenCall(rig, 2)).exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  expect((await second.outcome).status.code).toBe(status.OK)
  rig.engine.resumeAccepting()
  await until(() => rig.engine.isAccepting, { what: 'the listener' })
  const third = call(rig.client(), 'ModelInfer', inferRequest())
  ;(await seenCall(rig, 3)).exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  expect((await third.outcome).status.code).toBe(status.OK)
})

test('a key is asked for before a message is read, but not by who asks for health', async () => {
  const asked: string[] = []
  const denial = refuse('KEY_REQUIRED', 'a key')
  const gate = {
    isClosed: true,
    admit: (path: string, authorization: string) => {
      asked.push(`${path} ${authorization}`)
      return null
    },
    identify: (authorization: string) => (authorization === 'Bearer k' ? null : denial),
  }
  const rig = await startGrpcEngine({ gate })
  call(rig.client(), 'ModelInfer', inferRequest())
  expect((await seenCall(rig, 1)).refusal).toBe(denial)
  call(rig.client(), 'ModelInfer', inferRequest(), { authorization: 'Bearer k' })
  expect((await seenCall(rig, 2)).refusal).toBeNull()
  call(rig.client(), 'ServerReady', new Uint8Array(0))
  expect((await seenCall(rig, 3)).refusal).toBeNull()
  expect(asked).toEqual(['/v2/models/m/infer Bearer k', '/v2/health/ready '])
})

test('an idle connection is closed', async () => {
  const rig = await startGrpcEngine({ limits: { ...GRPC_LIMITS, connectionIdleSeconds: 0.2 } })
  const { outcome } = call(rig.client(), 'ModelInfer', inferRequest())
  ;(await seenCall(rig, 1)).exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  await outcome
  await until(() => rig.connections.open === 0, { what: 'the connection to be closed' })
})

test('calls that are open are bounded, and those beyond are refused before they are read', async () => {
  const rig = await startGrpcEngine({ callsMax: 2 })
  for (let i = 0; i < 3; i++) call(rig.client(), 'ModelInfer', inferRequest('m', `${i}`))
  await seenCall(rig, 3)
  const codes = rig.seen.map(({ refusal }) => refusal?.code)
  expect(codes.toSorted()).toEqual(['QUEUE_FULL', undefined, undefined])
  for (const { exchange } of rig.seen)
    exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  await until(() => rig.engine.calls === 0, { what: 'the end of the calls' })
})
