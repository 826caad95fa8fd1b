/** Whole gateways and a trace collector: what arrives of which requests. */

import { Client, credentials } from '@grpc/grpc-js'
import { beforeAll, describe, expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import type { TestGateway } from '../helpers/gateway.ts'
import { call } from '../helpers/grpc-engine.ts'
import { grpcBytes } from '../helpers/grpc-messages.ts'
import { identity } from '../helpers/models.ts'
import { type OtlpReceiver, type ReceivedSpan, startReceiver } from '../helpers/otlp-receiver.ts'
import { makeRepository } from '../helpers/repository.ts'
import { CALLER, startTraced, traceContext } from '../helpers/traced-gateway.ts'

const makeModels = () =>
  makeRepository({
    'm/1/model.onnx': identity('FP32'),
    'pooled/1/model.onnx': identity('FP32'),
    'pooled/model.yaml': 'placement: pooled\n',
  })

const oip = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }] }

/** The span of the whole, and its parts by name; asserts how they hang together. */
const takeApart = (spans: readonly ReceivedSpan[]) => {
  const server = spans.find(({ kind }) => kind === 2)!
  const parts = spans.filter((span) => span !== server)
  let reachedNs = server.startNs
  for (const part of parts) {
    expect(part).toMatchObject({ kind: 1, parentSpanId: server.spanId, traceId: server.traceId })
    expect(part.startNs).toBeGreaterThanOrEqual(reachedNs)
    expect(part.endNs).toBeGreaterThanOrEqual(part.startNs)
    reachedNs = part.endNs
  }
  expect(reachedNs).toBeLessThanOrEqual(server.endNs)
  expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
  return { server, parts: parts.map(({ name }) => name), byName: Map.groupBy(parts, nameOf) }
}
const nameOf = ({ name }: ReceivedSpan) => name

const ALL_PARTS = ['receive', 'decode', 'queue', 'batch', 'run', 'reply']

describe.each(['uws', 'node'])('on %s', (engine) => {
  let receiver: OtlpReceiver
  let gateway: TestGateway
  beforeAll(async () => {
    receiver = await startReceiver()
    gateway = await startTraced(receiver.url, {
      ...{ repository: makeModels(), replicas: 2, threads: 2, flags: ['--http', engine] },
    })
  })

  test.each([
    ['/predict/m', { features: [1, 2] }, 'm', '/predict/{endpoint}', 'default'],
    ['/v2/models/m/infer', oip, 'm', '/v2/models/{model}/infer', 'default'],
    [
      ...['/v2/models/m/versions/1/infer', oip, 'm'],
      ...['/v2/models/{model}/versions/{version}/infer', 'targeting_match'],
    ],
    ['/v1/models/m:predict', { instances: [[1, 2]] }, 'm', '/v1/models/{model}:predict', 'default'],
    ['/v2/models/pooled/infer', oip, 'pooled', '/v2/models/{model}/infer', 'default'],
  ] as [string, object, string, string, string][])(
    'a request to %s is one span, of its caller, with a part for each stage',
    async (path, body, model, route, reason) => {
      const { traceId, headers } = traceContext()
      const beforeNs = BigInt(Date.now()) * 1_000_000n
      const response = await gateway.post(path, body, headers)
      const afterNs = BigInt(Date.now() + 1) * 1_000_000n
      expect(response.status).toBe(200)
      const { server, parts, byName } = takeApart(await receiver.trace(traceId))
      expect(parts).toEqual(ALL_PARTS)
      expect(server).toMatchObject({ name: `predict ${model}`, parentSpanId: CALLER, status: 0 })
      expect(server.attributes).toMatchObject({
        'http.request.method': 'POST',
        'http.response.status_code': 200,
        'http.route': route,
        'feature_flag.key': model,
        'feature_flag.result.reason': reason,
        'feature_flag.result.variant': response.headers.get('x-sluice-variant'),
        'feature_flag.version': response.headers.get('x-sluice-epoch'),
        'sluice.model': model,
        'sluice.version': '1',
        'sluice.rows': 1,
        'sluice.prediction_id': response.headers.get('x-sluice-prediction-id'),
      })
      expect(byName.get('batch')![0]!.attributes).toEqual({ 'sluice.batch.rows': 1 })
      // The wall clock is read in whole milliseconds.
      expect(server.startNs).toBeGreaterThanOrEqual(beforeNs - 2_000_000n)
      expect(server.endNs).toBeLessThanOrEqual(afterNs + 2_000_000n)
    },
  )

  test('refused requests say why', async () => {
    const { traceId, headers } = traceContext()
    const response = await gateway.post('/predict/m', '{', headers)
    expect(response.status).toBe(400)
    const { server, parts } = takeApart(await receiver.trace(traceId))
    expect(parts).toEqual(['receive'])
    expect(server.attributes).toMatchObject({
      'error.type': 'REQUEST_MALFORMED',
      'http.response.status_code': 400,
      'feature_flag.key': 'm',
    })
  })

  test('nothing arrives of requests whose caller keeps no spans, or that have no caller', async () => {
    const bad = ['', 'garbage', `00-${'0'.repeat(32)}-${CALLER}-01`, `00-${CALLER}-01`]
    const unsampled = traceContext('00')
    await gateway.post('/predict/m', { features: [1, 2] }, unsampled.headers)
    for (const traceparent of bad) {
      await gateway.post('/predict/m', { features: [1, 2] }, { traceparent })
    }
    const seen = receiver.spans.length
    const marker = traceContext()
    await gateway.post('/predict/m', { features: [1, 2] }, marker.headers)
    await receiver.trace(marker.traceId)
    const traces = new Set(receiver.spans.slice(seen).map(({ traceId }) => traceId))
    expect([...traces]).toEqual([marker.traceId])
  })

  test('a call over gRPC is the same spans, with the names of a call', async () => {
    const client = new Client(`127.0.0.1:${gateway.grpcPort}`, credentials.createInsecure())
    atEnd(() => client.close())
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1n, 2n] }]
    const rawInputContents = [new Uint8Array(new Float32Array([1, 2]).buffer)]
    const good = traceContext()
    const bad = traceContext()
    const message = grpcBytes({ modelName: 'm', inputs, rawInputContents })
    const { outcome } = call(client, 'ModelInfer', message, good.headers)
    expect((await outcome).status.code).toBe(0)
    await call(client, 'ModelInfer', grpcBytes({ modelName: 'm', inputs }), bad.headers).outcome
    const { server, parts } = takeApart(await receiver.trace(good.traceId))
    expect(parts).toEqual(ALL_PARTS)
    expect(server).toMatchObject({ name: 'predict m', parentSpanId: CALLER })
    expect(server.attributes).toMatchObject({
      'rpc.system.name': 'grpc',
      'rpc.method': 'inference.GRPCInferenceService/ModelInfer',
      'rpc.status_code': 'OK',
      'sluice.protocol': 'grpc',
      'feature_flag.key': 'm',
    })
    const refused = takeApart(await receiver.trace(bad.traceId)).server
    expect(refused.attributes).toMatchObject({
      'rpc.status_code': 'INVALID_ARGUMENT',
      'error.type': expect.stringMatching(/^[A-Z_]+$/),
    })
  })

  test('an answer has nothing more because it is traced', async () => {
    const plain = await gateway.post('/predict/m', { features: [1, 2] })
    const traced = await gateway.post('/predict/m', { features: [1, 2] }, traceContext().headers)
    expect([...traced.headers.keys()]).toEqual([...plain.headers.keys()])
  })
})

test('requests without a caller are kept by their share, up to the end of the gateway', async () => {
  const receiver = await startReceiver()
  const gateway = await startTraced(receiver.url, {
    env: {
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.5',
      OTEL_BSP_SCHEDULE_DELAY: '600000',
    },
  })
  const count = 200
  for (let i = 0; i < count; i++) await gateway.post('/predict/m', { features: [1, 2] })
  const { traceId, headers } = traceContext()
  await gateway.post('/predict/m', { features: [1, 2] }, headers)
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  expect(receiver.spans.filter((span) => span.traceId === traceId)).toHaveLength(7)
  const roots = receiver.spans.filter((span) => span.kind === 2 && span.traceId !== traceId)
  // Six standard deviations.
  expect(Math.abs(roots.length - count / 2)).toBeLessThan(6 * Math.sqrt(count / 4))
  expect(roots.every(({ parentSpanId }) => parentSpanId === '')).toBe(true)
  expect(new Set(roots.map((span) => span.traceId)).size).toBe(roots.length)
})

test.each([
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote', 'wanted one of always_on'],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'OTEL_TRACES_EXPORTER=none'],
])('a gateway starts with %s=%s, untraced, and says why', async (name, value, message) => {
  const gateway = await startTraced('http://127.0.0.1:4318', { env: { [name]: value } })
  const warnings = (await gateway.status()).warnings.join()
  for (const text of [gateway.stderr, warnings]) {
    expect(text).toContain(name)
    expect(text).toContain(message)
  }
  expect((await gateway.post('/predict/m', { features: [1, 2] })).status).toBe(200)
})
