/** Records of a whole gateway, from requests over HTTP and gRPC to segments of its spool. */

import { once } from 'node:events'
import { fromBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ModelStreamInferResponseSchema } from '../../proto/gen/inference_pb.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { GrpcClient, rawFloats } from '../helpers/grpc-client.ts'
import { scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { AWAY, spooled, spooledRecords } from '../helpers/spooled.ts'
import { until } from '../helpers/until.ts'

const GOOD = { features: { x: [1, 2] } }

const PREDICTION_ID = /"prediction_id":"([^"]+)"/

let gateway: TestGateway

beforeAll(async () => {
  const repository = makeRepository({ 'm/1/model.onnx': scaleAdd(2) })
  const env = { SLUICE_RECORDS__DURABILITY: 'process', SLUICE_RECORDS__PATH: AWAY }
  gateway = await startGateway({ repository, hasRecords: true, env })
})

afterAll(() => gateway.stop())

const idOf = (response: Response): string =>
  response.headers.get('x-sluice-prediction-id') ?? 'none'

/** The record of a prediction, once it is in a segment. */
const recordOf = async (predictionId: string): Promise<PredictionRecord> => {
  let found: PredictionRecord | undefined
  await until(
    () => {
      found = spooledRecords(gateway.stateDir).find((each) => each.predictionId === predictionId)
      return found !== undefined
    },
    { what: `the record of ${predictionId}` },
  )
  return found!
}

test('an answer over HTTP is in a segment, under the id that its client has', async () => {
  const response = await gateway.post('/predict/m', GOOD, { 'x-request-id': 'mine' })
  expect(response.status).toBe(200)
  expect(await recordOf(idOf(response))).toMatchObject({
    ...{ requestId: 'mine', endpoint: 'm', version: 1, role: 'answer', protocol: 'features' },
    ...{ status: 200, inclusionProbability: 1, rows: 1 },
    instances: [{ features: { x: [1, 2] }, outputs: { y: [3, 5] } }],
  })
})

test('an answer over gRPC is too', async () => {
  const client = new GrpcClient(gateway.grpcPort)
  const { code, metadata } = await client.call('ModelInfer', rawFloats('m', [2, 2], 'grpc-1'))
  expect(code).toBe('OK')
  const record = await recordOf(metadata.get('x-sluice-prediction-id')!)
  expect(record).toMatchObject({ requestId: 'grpc-1', protocol: 'grpc', role: 'answer', rows: 2 })
  expect(record.instances.map(({ features }) => features['x'])).toEqual([
    [0, 1],
    [2, 3],
  ])
})

test('each answer of a stream is', async () => {
  const stream = new GrpcClient(gateway.grpcPort).stream()
  const ids = Array.from({ length: 20 }, (_, i) => `stream-${i}`)
  const answered: string[] = []
  stream.on('data', (bytes: Buffer) => {
    const { inferResponse } = fromBinary(ModelStreamInferResponseSchema, bytes)
    answered.push(inferResponse!.id)
  })
  for (const id of ids) stream.write(rawFloats('m', [1, 2], id))
  stream.end()
  await once(stream, 'end')
  const recorded = spooledRecords(gateway.stateDir).map(({ requestId }) => requestId)
  expect(answered.toSorted()).toEqual(ids.toSorted())
  // They have left, so they need not be waited for.
  expect(ids.filter((id) => !recorded.includes(id))).toEqual([])
})

test('a refusal is in a segment, with its code and without features', async () => {
  const response = await gateway.post('/predict/m', { features: { x: [1] } })
  expect(await recordOf(idOf(response))).toMatchObject({
    ...{ role: 'refused', code: 'TENSOR_SHAPE_MISMATCH', status: 400, instances: [] },
  })
})

test('feedback is a record of its own', async () => {
  const answer = await gateway.post('/predict/m', GOOD)
  const predictionId = idOf(answer)
  const response = await gateway.post('/feedback', { prediction_id: predictionId, label: 1 })
  expect([response.status, await response.json()]).toEqual([202, { accepted: 1 }])
  const isThere = () =>
    spooledRecords(gateway.stateDir).some(
      ({ role, feedback }) => role === 'feedback' && feedback?.ofPredictionId === predictionId,
    )
  await until(isThere, { what: 'the record of the feedback' })
})

test('every answer that clients had has its record, though a replica is killed', async () => {
  const { httpPort: port } = gateway
  const answered: string[] = []
  const body = JSON.stringify(GOOD)
  const load = startClosedLoop({ port, path: '/predict/m', body }, 8, (answer) => {
    if (answer.status === 200) answered.push(PREDICTION_ID.exec(answer.body)![1]!)
  })
  await load.answered(200)
  await gateway.killReplica(0)
  await load.answered(200)
  await load.stop()
  await gateway.untilSettled()
  const ids = new Set(spooledRecords(gateway.stateDir).map((each) => each.predictionId))
  expect(answered.filter((id) => !ids.has(id))).toEqual([])
  expect(answered.length).toBeGreaterThanOrEqual(400)
})

test('a drained gateway leaves no number of a producer open that it has not killed', async () => {
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  const producers = [...spooled(gateway.stateDir)]
  expect(producers.filter(([, { hasEnded }]) => !hasEnded)).toHaveLength(2)
  for (const [name, { records, gaps, last, hasEnded }] of producers) {
    const sequences = records.map(({ sequence }) => sequence).toSorted((a, b) => a - b)
    const wanted = hasEnded ? last!.taken : sequences.length
    expect(sequences).toEqual(Array.from({ length: wanted }, (_, i) => i + 1))
    expect([name, gaps]).toEqual([name, []])
    if (hasEnded) expect([name, last!.floor]).toEqual([name, last!.taken + 1])
  }
})
