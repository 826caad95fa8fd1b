import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { Metadata, status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { HealthCheckRequestSchema, HealthCheckResponseSchema } from '../../proto/gen/health_pb.ts'
import { ModelStreamInferResponseSchema } from '../../proto/gen/inference_pb.ts'
import {
  ANSWER_HEADS,
  ANSWER_IDS,
  inferRequest,
  inferResponse,
  seenCall,
  written,
} from '../helpers/grpc-calls.ts'
import { call, type GrpcRig, startGrpcEngine } from '../helpers/grpc-engine.ts'
import { until } from '../helpers/until.ts'

const infer = (rig: GrpcRig, headers: Record<string, string> = {}) => {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  const stream = rig.client().makeBidiStreamRequest(
    '/inference.GRPCInferenceService/ModelStreamInfer',
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => fromBinary(ModelStreamInferResponseSchema, bytes),
    metadata,
  )
  const answers: string[] = []
  const ended = Promise.withResolvers<number>()
  stream.on('data', ({ errorMessage, inferResponse }) =>
    answers.push(errorMessage || (inferResponse?.id ?? '')),
  )
  stream.on('error', () => {})
  stream.on('status', ({ code }) => ended.resolve(code))
  return { stream, answers, ended: ended.promise }
}

test('a stream answers each message when it is done, and goes on behind a refusal', async () => {
  const rig = await startGrpcEngine()
  const { stream, answers, ended } = infer(rig)
  for (const id of ['a', 'b', 'c']) stream.write(Buffer.from(inferRequest('m', id)))
  await seenCall(rig, 3)
  rig.seen[2]!.exchange.release(ANSWER_HEADS, inferResponse('c'), ANSWER_IDS, '')
  rig.seen[0]!.exchange.refuse(written('QUEUE_FULL', 'full', 'a'))
  await until(() => answers.length === 2, { what: 'two answers' })
  stream.end()
  rig.seen[1]!.exchange.release(ANSWER_HEADS, inferResponse('b'), ANSWER_IDS, '')
  expect(await ended).toBe(status.OK)
  expect(answers).toEqual(['c', 'full', 'b'])
  expect(rig.engine.underWay).toBe(0)
})

test('a stream ends with the status of a refusal for who wants it so', async () => {
  const rig = await startGrpcEngine()
  const { stream, ended } = infer(rig, { triton_grpc_error: 'true' })
  stream.write(Buffer.from(inferRequest('m', 'a')))
  const { exchange } = await seenCall(rig, 1)
  exchange.refuse(written('MODEL_NOT_FOUND', 'none', 'a'))
  expect(await ended).toBe(status.NOT_FOUND)
})

test('a stream that is given up takes what is under way with it', async () => {
  const rig = await startGrpcEngine()
  const { stream } = infer(rig)
  stream.write(Buffer.from(inferRequest('m', 'a')))
  const { exchange } = await seenCall(rig, 1)
  let gone = 0
  exchange.waiting = { onGone: () => gone++ }
  stream.cancel()
  await until(() => gone === 1, { what: 'the request to be gone' })
  exchange.release(ANSWER_HEADS, inferResponse('a'), ANSWER_IDS, '')
  expect([exchange.isAborted, rig.engine.underWay]).toEqual([true, 0])
})

test('a stream is not read beyond what may be under way', async () => {
  const rig = await startGrpcEngine()
  const { stream, answers } = infer(rig)
  for (let i = 0; i < 100; i++) stream.write(Buffer.from(inferRequest('m', `${i}`)))
  await seenCall(rig, 64)
  await until(() => rig.engine.underWay === 64, { what: 'the most that may be under way' })
  for (let i = 0; i < 100; i++) {
    const { exchange } = await seenCall(rig, i + 1)
    exchange.release(ANSWER_HEADS, inferResponse(`${i}`), ANSWER_IDS, '')
  }
  await until(() => answers.length === 100, { what: 'all answers' })
  await until(() => rig.engine.unsentBytes === 0, { what: 'all answers to have left' })
})

test('a stream that is half closed behind more than may be under way is answered whole', async () => {
  const rig = await startGrpcEngine()
  const { stream, answers, ended } = infer(rig)
  for (let i = 0; i < 200; i++) stream.write(Buffer.from(inferRequest('m', `${i}`)))
  stream.end()
  for (let i = 0; i < 200; i++) {
    const { exchange } = await seenCall(rig, i + 1)
    exchange.release(ANSWER_HEADS, inferResponse(`${i}`), ANSWER_IDS, '')
  }
  expect(await ended).toBe(status.OK)
  expect([answers.length, rig.engine.underWay, rig.engine.unsentBytes]).toEqual([200, 0, 0])
})

const watch = (rig: GrpcRig, service: string) => {
  const message = toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }))
  const stream = rig.client().makeServerStreamRequest(
    '/grpc.health.v1.Health/Watch',
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => fromBinary(HealthCheckResponseSchema, bytes),
    Buffer.from(message),
  )
  const told: number[] = []
  stream.on('data', ({ status: health }) => told.push(health))
  stream.on('error', () => {})
  return { stream, told }
}

test('Watch tells how a service is, and when that changes', async () => {
  const rig = await startGrpcEngine()
  const [server, model, none] = [watch(rig, ''), watch(rig, 'm'), watch(rig, 'n')]
  await until(() => [server, model, none].every(({ told }) => told.length === 1), {
    what: 'states',
  })
  expect([server.told, model.told, none.told]).toEqual([[1], [1], [3]])
  rig.readiness.isReady = false
  rig.engine.onReadiness()
  await until(() => server.told.length === 2, { what: 'the change' })
  expect([server.told, model.told]).toEqual([[1, 2], [1]])
})

test('stopAccepting() tells streams and clients to go, and lets what is under way end', async () => {
  const rig = await startGrpcEngine()
  const client = rig.client()
  const { outcome } = call(client, 'ModelInfer', inferRequest())
  const { exchange } = await seenCall(rig, 1)
  const { told, stream } = watch(rig, '')
  await until(() => told.length === 1, { what: 'the first state' })
  const ended = Promise.withResolvers<number>()
  stream.on('status', ({ code }) => ended.resolve(code))
  rig.readiness.isReady = false
  rig.engine.stopAccepting()
  expect(await ended.promise).toBe(status.UNAVAILABLE)
  expect(told).toEqual([1, 2])
  exchange.release(ANSWER_HEADS, inferResponse(), ANSWER_IDS, '')
  expect((await outcome).status.code).toBe(status.OK)
  await until(() => rig.connections.open === 0, { what: 'the connections to end' })
})
