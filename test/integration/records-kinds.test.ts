/**
 * Each request of an endpoint has one record, whatever came of it and however it came; what is no
 * request of an endpoint has none. On both HTTP engines.
 */

import { once } from 'node:events'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { ModelInferRequestSchema } from '../../proto/gen/inference_pb.ts'
import type { PredictionRecord } from '../../src/records/record.ts'
import { type GatewayOptions, startGateway, type TestGateway } from '../helpers/gateway.ts'
import { metricSum } from '../helpers/gateway-figures.ts'
import { GrpcClient, rawFloats } from '../helpers/grpc-client.ts'
import { gather, scaleAdd, slowAsTold } from '../helpers/models.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { untilCounted } from '../helpers/records/books.ts'
import { makeRepository } from '../helpers/repository.ts'
import { spooledRecords } from '../helpers/spooled.ts'
import { until } from '../helpers/until.ts'

const REPOSITORY = makeRepository({
  'm/1/model.onnx': scaleAdd(2),
  'g/1/model.onnx': gather(),
  'slow/1/model.onnx': slowAsTold(),
  'slow/model.yaml': 'placement: pooled\n',
})

const X = [1, 2]
/** Of the loop of the slow model: a second and more. */
const TRIPS = 1e4
const tensor = (rows: number) => ({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [rows, 2], data: Array(rows * 2).fill(1) }],
})
const indices = (...values: number[]) => ({ instances: values.map((value) => ({ x: [value] })) })

type Wanted = Pick<PredictionRecord, 'role' | 'code' | 'status' | 'protocol' | 'rows'>

const wanted = (
  role: Wanted['role'],
  status: number,
  protocol: string,
  rows: number,
  code = '',
): Wanted => ({ role, code, status, protocol, rows }) as Wanted

/** Path, body, headers, and what the record says. */
const OVER_HTTP: readonly (readonly [string, unknown, Record<string, string>, Wanted])[] = [
  ['/predict/m', { features: { x: X } }, {}, wanted('answer', 200, 'features', 1)],
  ['/predict/m', { instances: [{ x: X }, { x: X }] }, {}, wanted('answer', 200, 'features', 2)],
  ['/v2/models/m/infer', tensor(3), {}, wanted('answer', 200, 'oip', 3)],
  ['/v2/models/m/versions/1/infer', tensor(1), {}, wanted('answer', 200, 'oip', 1)],
  ['/v1/models/m:predict', { instances: [X, X] }, {}, wanted('answer', 200, 'tfs', 2)],
  ['/predict/slow', { features: { x: X } }, {}, wanted('answer', 200, 'features', 1)],
  ['/predict/m', '{', {}, wanted('refused', 400, 'features', 0, 'REQUEST_MALFORMED')],
  [
    '/predict/m',
    { features: { x: [1] } },
    {},
    wanted('refused', 400, 'features', 0, 'TENSOR_SHAPE_MISMATCH'),
  ],
  ['/predict/m', 'x'.repeat(70_000), {}, wanted('refused', 413, 'features', 0, 'BODY_TOO_LARGE')],
  [
    '/predict/m',
    '{}',
    { 'content-encoding': 'br' },
    wanted('refused', 415, 'features', 0, 'ENCODING_UNSUPPORTED'),
  ],
  [
    '/predict/m',
    { features: { x: X } },
    { 'x-sluice-timeout-ms': '0' },
    wanted('refused', 503, 'features', 0, 'DEADLINE_EXPIRED'),
  ],
  ['/predict/g', indices(1, 99, 2), {}, wanted('failed', 500, 'features', 3, 'INFERENCE_FAILED')],
]

/** Method, path, body: what is no request of an endpoint, or has not come in whole. */
const NO_RECORD: readonly (readonly [string, string, unknown])[] = [
  ['GET', '/predict/m', null],
  ['OPTIONS', '/predict/m', null],
  ['POST', '/predict/nosuch', { features: { x: X } }],
  ['GET', '/v2/models/m', null],
  ['POST', '/feedback', { label: 1 }],
]

const options = (engine: string): GatewayOptions => ({
  ...{ repository: REPOSITORY, flags: ['--http', engine], hasRecords: true },
  replicas: 1, // so that one waits behind the other
  env: {
    SLUICE_RECORDS__DURABILITY: 'process',
    // There is no such folder: what was shipped would leave the spool.
    SLUICE_RECORDS__PATH: '/dev/null/away',
    SLUICE_LIMITS__BODY_BYTES_MAX: '65536',
  },
})

/** Records by the id of their client. */
const byId = ({ stateDir }: TestGateway): Map<string, PredictionRecord[]> =>
  Map.groupBy(spooledRecords(stateDir), ({ requestId }) => requestId ?? '')

const bodyOf = (body: unknown): string => (typeof body === 'string' ? body : JSON.stringify(body))

const headOf = (path: string, id: string, length: number): string =>
  `POST ${path} HTTP/1.1\r\nhost: a\r\nx-request-id: ${id}\r\ncontent-length: ${length}\r\n\r\n`

/** Clients that go while their request runs, and while it waits for that. */
const goAway = async (gateway: TestGateway): Promise<[string, Wanted][]> => {
  const inFlight = (count: number) =>
    until(async () => (await metricSum(gateway, 'sluice_requests_in_flight')) === count, {
      what: `${count} requests under way`,
    })
  const body = bodyOf({ features: { x: [TRIPS, 0] } })
  const clients: RawClient[] = []
  for (const id of ['running', 'waiting']) {
    const client = await RawClient.open(gateway.httpPort)
    await client.send(headOf('/predict/slow', id, body.length), body)
    clients.push(client)
    await inFlight(clients.length)
  }
  const request = fromBinary(ModelInferRequestSchema, rawFloats('slow', [1, 2], 'cancelled'))
  request.rawInputContents = [new Uint8Array(Float32Array.of(TRIPS, 0).buffer)]
  const bytes = toBinary(ModelInferRequestSchema, request)
  const call = new GrpcClient(gateway.grpcPort).start('ModelInfer', bytes)
  await inFlight(3)
  for (const client of clients) client.reset()
  call.cancel()
  await call.end
  await inFlight(0)
  return [
    ['running', wanted('failed', 0, 'features', 1, 'ABORTED')],
    ['waiting', wanted('failed', 0, 'features', 1, 'ABORTED')],
    ['cancelled', wanted('failed', 0, 'grpc', 1, 'ABORTED')],
  ]
}

describe.each(['uws', 'node'])('over %s', (engine) => {
  test('each request of an endpoint has one record', async () => {
    const gateway = await startGateway(options(engine))
    const all = new Map<string, Wanted>()
    for (const [index, [path, body, headers, record]] of OVER_HTTP.entries()) {
      const id = `http-${index}`
      const answer = await gateway.post(path, bodyOf(body), { ...headers, 'x-request-id': id })
      await answer.arrayBuffer()
      all.set(id, record)
      expect([id, answer.status]).toEqual([id, record.status])
    }
    const client = new GrpcClient(gateway.grpcPort)
    const asks = [
      [rawFloats('m', [2, 2], 'grpc'), wanted('answer', 200, 'grpc', 2)],
      [rawFloats('m', [2, 3], 'shape'), wanted('refused', 400, 'grpc', 0, 'TENSOR_SHAPE_MISMATCH')],
    ] as const
    for (const [bytes] of asks) await client.call('ModelInfer', bytes)
    all.set('grpc', asks[0][1]).set('shape', asks[1][1])
    const stream = client.stream()
    stream.on('data', () => {})
    for (const rows of [1, 2, 3]) {
      stream.write(rawFloats('m', [rows, 2], `stream-${rows}`))
      all.set(`stream-${rows}`, wanted('answer', 200, 'grpc', rows))
    }
    stream.end()
    await once(stream, 'end')
    for (const [method, path, body] of NO_RECORD) {
      const init = { method, headers: { 'x-request-id': 'none' } }
      await fetch(gateway.httpUrl + path, body === null ? init : { ...init, body: bodyOf(body) })
    }
    const half = await RawClient.open(gateway.httpPort)
    await half.send(headOf('/predict/m', 'half', 100), '{"features":')
    half.reset()
    for (const [id, record] of await goAway(gateway)) all.set(id, record)
    // What is no answer does not wait for its record.
    await until(() => byId(gateway).size >= all.size, { what: 'records of all' })
    const books = await untilCounted(gateway)
    const found = byId(gateway)
    for (const [id, record] of all) {
      expect([id, found.get(id)]).toEqual([id, [expect.objectContaining(record)]])
    }
    expect([...found.keys()].toSorted()).toEqual([...all.keys()].toSorted())
    expect(books).toMatchObject({ produced: all.size, shipped: 0, dropped: {}, undurable: 0 })
    await gateway.stop()
  })
})
