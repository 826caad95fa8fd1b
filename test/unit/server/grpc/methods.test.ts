import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
} from '../../../../proto/gen/health_pb.ts'
import * as inference from '../../../../proto/gen/inference_pb.ts'
import { UNARY_METHODS } from '../../../../src/server/grpc/methods.ts'
import { isRefusal } from '../../../../src/shared/errors.ts'

const method = (name: string) =>
  UNARY_METHODS.get(name.startsWith('/') ? name : `/inference.GRPCInferenceService/${name}`)!

const asked = <Schema extends DescMessage>(
  name: string,
  schema: Schema,
  init: MessageInitShape<Schema>,
): string => {
  const target = method(name).read(toBinary(schema, create(schema, init)))
  if (isRefusal(target)) return target.code
  const body =
    target.body.length === 0 || name === 'ModelInfer' ? '' : ` ${Buffer.from(target.body)}`
  return `${target.method} ${target.path}${body}`
}

test('every unary method of the service has its entry', () => {
  const unary = inference.GRPCInferenceService.methods.filter(
    ({ methodKind }) => methodKind === 'unary',
  )
  for (const { name } of unary) expect(method(name), name).toBeDefined()
})

test('ModelInfer leads to the path of its model, with the message as it came', () => {
  const model = (name: string, version = '') =>
    asked('ModelInfer', inference.ModelInferRequestSchema, {
      modelName: name,
      modelVersion: version,
    })
  expect(model('m')).toBe('POST /v2/models/m/infer')
  expect(model('m', '3')).toBe('POST /v2/models/m/versions/3/infer')
  expect(model('')).toBe('REQUEST_MALFORMED')
})

test('names cannot leave their place in a path', () => {
  const ready = (name: string, version = '') =>
    asked('ModelReady', inference.ModelReadyRequestSchema, { name, version })
  expect(ready('m/versions/1')).toBe('GET /v2/models/m%2Fversions%2F1/ready')
  expect(ready('../x')).toBe('GET /v2/models/..%2Fx/ready')
  expect(ready('m', '1/infer')).toBe('GET /v2/models/m/versions/1%2Finfer/ready')
})

test.each([
  ['ServerLive', inference.ServerLiveRequestSchema, {}, 'GET /v2/health/live'],
  ['ServerReady', inference.ServerReadyRequestSchema, {}, 'GET /v2/health/ready'],
  ['ServerMetadata', inference.ServerMetadataRequestSchema, {}, 'GET /v2'],
  ['ModelMetadata', inference.ModelMetadataRequestSchema, { name: 'm' }, 'GET /v2/models/m'],
  ['ModelConfig', inference.ModelConfigRequestSchema, { name: 'm' }, 'GET /v2/models/m/config'],
  ['ModelStatistics', inference.ModelStatisticsRequestSchema, {}, 'GET /v2/models/stats'],
  [
    'ModelStatistics',
    inference.ModelStatisticsRequestSchema,
    { name: 'm', version: '2' },
    'GET /v2/models/m/versions/2/stats',
  ],
  [
    'RepositoryIndex',
    inference.RepositoryIndexRequestSchema,
    { ready: true },
    'POST /v2/repository/index {"ready":true}',
  ],
  ['LogSettings', inference.LogSettingsRequestSchema, {}, 'GET /v2/logging {}'],
  [
    'LogSettings',
    inference.LogSettingsRequestSchema,
    { settings: { log_info: { parameterChoice: { case: 'boolParam', value: true } } } },
    'POST /v2/logging {}',
  ],
  [
    'TraceSetting',
    inference.TraceSettingRequestSchema,
    { modelName: 'm' },
    'GET /v2/models/m/trace/setting {}',
  ],
  ['/grpc.health.v1.Health/Check', HealthCheckRequestSchema, {}, 'GET /v2/health/ready'],
  [
    '/grpc.health.v1.Health/Check',
    HealthCheckRequestSchema,
    { service: 'm' },
    'GET /v2/models/m/ready',
  ],
] as const)('%s asks what %$', (name, schema, init, path) => {
  expect(asked(name, schema as DescMessage, init as Record<string, unknown>)).toBe(path)
})

test('RepositoryModelLoad carries its parameters', () => {
  const parameters = {
    config: { parameterChoice: { case: 'stringParam' as const, value: '{}' } },
    'file:1/model.onnx': {
      parameterChoice: { case: 'bytesParam' as const, value: Uint8Array.of(1, 2) },
    },
    n: { parameterChoice: { case: 'int64Param' as const, value: 3n } },
  }
  const load = { modelName: 'm', parameters }
  expect(asked('RepositoryModelLoad', inference.RepositoryModelLoadRequestSchema, load)).toBe(
    'POST /v2/repository/models/m/load {"parameters":{"config":"{}","file:1/model.onnx":"AQI=","n":3}}',
  )
})

test.each([...UNARY_METHODS.keys()].filter((path) => !path.endsWith('Live')))(
  '%s refuses what is no message',
  (path) => {
    const target = UNARY_METHODS.get(path)!.read(Uint8Array.of(10, 200, 1))
    expect(isRefusal(target) && target.code).toBe('REQUEST_MALFORMED')
  },
)

const said = <Schema extends DescMessage>(
  name: string,
  schema: Schema,
  body: unknown,
  status: 200 | 503 = 200,
) => fromBinary(schema, method(name).write({ status, body: JSON.stringify(body) }))

test('documents become the messages that say the same', () => {
  expect(
    said('ServerReady', inference.ServerReadyResponseSchema, { ready: false }, 503).ready,
  ).toBe(false)
  expect(
    said('ModelReady', inference.ModelReadyResponseSchema, { name: 'm', ready: true }).ready,
  ).toBe(true)
  const metadata = {
    name: 'm',
    versions: ['1'],
    platform: 'p',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [],
  }
  expect(
    said('ModelMetadata', inference.ModelMetadataResponseSchema, metadata).inputs[0],
  ).toMatchObject({ name: 'x', shape: [-1n, 4n] })
  const statistics = {
    model_stats: [
      { name: 'm', inference_count: 7, inference_stats: { success: { count: 3, ns: 2 ** 40 } } },
    ],
  }
  const { modelStats } = said(
    'ModelStatistics',
    inference.ModelStatisticsResponseSchema,
    statistics,
  )
  expect(modelStats[0]!.inferenceStats?.success?.ns).toBe(BigInt(2 ** 40))
  const index = [{ name: 'm', version: '1', state: 'READY', reason: '' }]
  expect(
    said('RepositoryIndex', inference.RepositoryIndexResponseSchema, index).models[0]?.state,
  ).toBe('READY')
  expect(method('RepositoryModelLoad').write({ status: 200, body: '' })).toEqual(new Uint8Array(0))
  const check = (ready: boolean) =>
    said('/grpc.health.v1.Health/Check', HealthCheckResponseSchema, { ready }).status
  expect([check(true), check(false)]).toEqual([1, 2])
})

test('ModelReady says of what is not there that it is not ready; no other call does', () => {
  const bytes = method('ModelReady').ifAbsent
  expect(fromBinary(inference.ModelReadyResponseSchema, bytes!).ready).toBe(false)
  const others = [...UNARY_METHODS].filter(([path]) => !path.endsWith('/ModelReady'))
  expect(others.filter(([, { ifAbsent }]) => ifAbsent !== null)).toEqual([])
})
