import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readTracing } from '../../../src/config/tracing.ts'
import { thresholdOf } from '../../../src/shared/trace-context.ts'

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }

const PROPAGATED = { isParentBased: true, threshold: 0 }
const BATCH = { queueSpansMax: 8192, batchSpansMax: 512, delayMs: 5000, exportMsMax: 30_000 }

test.each([
  ['nothing is set', {}],
  ['the endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
  ['the SDK is disabled', { ...ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
  ['traces go nowhere', { ...ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
  [
    'it is disabled, whatever else is wrong',
    { OTEL_SDK_DISABLED: 'true', OTEL_TRACES_SAMPLER: 'x' },
  ],
  ['only what other signals need is set', { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://a' }],
  ['only a protocol of others is set', { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }],
])('readTracing() is off where %s', (_, env) => {
  expect(readTracing(env)).toEqual({ tracing: null, problems: [] })
})

test.each([
  ['an endpoint', ENDPOINT],
  ['an endpoint for traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://a.b/v1/traces' }],
  ['the exporter by name', { OTEL_TRACES_EXPORTER: 'otlp' }],
  ['its own protocol', { ...ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' }],
  [
    'a protocol of its own before that of all signals',
    {
      ...ENDPOINT,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf',
    },
  ],
  ['a value of OTEL_SDK_DISABLED that is not true', { ...ENDPOINT, OTEL_SDK_DISABLED: '1' }],
])('readTracing() is on by %s, and keeps what callers propagate', (_, env) => {
  expect(readTracing(env)).toEqual({
    tracing: { sampling: PROPAGATED, batch: BATCH },
    problems: [],
  })
})

test.each([
  ['always_on', undefined, { isParentBased: false, threshold: 2 ** 32 }],
  ['always_off', undefined, { isParentBased: false, threshold: 0 }],
  ['traceidratio', undefined, { isParentBased: false, threshold: 2 ** 32 }],
  ['traceidratio', '0.25', { isParentBased: false, threshold: thresholdOf(0.25) }],
  ['parentbased_always_on', 'not read', { isParentBased: true, threshold: 2 ** 32 }],
  ['parentbased_always_off', undefined, PROPAGATED],
  ['parentbased_traceidratio', '0', PROPAGATED],
  ['parentbased_traceidratio', ' 1e-3 ', { isParentBased: true, threshold: thresholdOf(0.001) }],
])('readTracing() reads the sampler %s of %s', (sampler, ratio, sampling) => {
  const env = { ...ENDPOINT, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio }
  expect(readTracing(env).tracing?.sampling).toEqual(sampling)
})

test('readTracing() reads how spans are gathered', () => {
  const env = {
    ...ENDPOINT,
    OTEL_BSP_MAX_QUEUE_SIZE: '100',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '50',
    OTEL_BSP_SCHEDULE_DELAY: '0',
    OTEL_BSP_EXPORT_TIMEOUT: '7',
  }
  const batch = { queueSpansMax: 100, batchSpansMax: 50, delayMs: 0, exportMsMax: 7 }
  expect(readTracing(env)).toMatchObject({ tracing: { batch }, problems: [] })
})

test('readTracing() exports no more at once than may wait', () => {
  const env = { ...ENDPOINT, OTEL_BSP_MAX_QUEUE_SIZE: '10' }
  expect(readTracing(env).tracing?.batch).toMatchObject({ queueSpansMax: 10, batchSpansMax: 10 })
})

test.each([
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318', /wanted an http or https URL/],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://collector:4317', /wanted an http or https URL/],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'not a URL', /got 'not a URL'/],
  ['OTEL_TRACES_EXPORTER', 'zipkin', /wanted otlp or none/],
  ['OTEL_TRACES_EXPORTER', 'otlp,console', /wanted otlp or none/],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', /http\/protobuf alone/],
  ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http/json', /http\/protobuf alone/],
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote', /wanted one of always_on, /],
  ['OTEL_TRACES_SAMPLER', 'toString', /wanted one of/],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '6', /wanted integer from 7 on/],
  ['OTEL_BSP_MAX_QUEUE_SIZE', '1.5', /wanted integer/],
  ['OTEL_BSP_SCHEDULE_DELAY', '5s', /wanted integer from 0 on/],
  ['OTEL_BSP_EXPORT_TIMEOUT', '1e99', /wanted integer/],
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '9000', /more than may wait, 8192/],
])('readTracing() says what is wrong with %s=%s', (source, text, message) => {
  const { tracing, problems } = readTracing({ ...ENDPOINT, [source]: text })
  expect(tracing).toBeNull()
  expect(problems).toMatchObject([{ source, message: expect.stringMatching(message) }])
})

test.each([
  ['grpc://user:secret@collector:4317/secret?secret', "got 'grpc://collector:4317';"],
  ['user:secret@collector:4318', 'got no URL;'],
  ['user:sec/secret@collector', 'got no URL;'],
  ['https://user:secret@:4318', 'got no URL;'],
  ['collector:4318/secret', 'got no URL;'],
  ['collector:4318', "got 'collector:4318';"],
])('readTracing() shows of the endpoint %s what is no secret', (endpoint, shown) => {
  const { problems } = readTracing({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
  expect(problems[0]?.message).toContain(shown)
  expect(JSON.stringify(problems)).not.toContain('secret')
})

test.each(['1.01', '-0.1', 'half', 'NaN', '0,5'])('readTracing() refuses the ratio %s', (ratio) => {
  const env = {
    ...ENDPOINT,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: ratio,
  }
  expect(readTracing(env)).toMatchObject({
    tracing: null,
    problems: [{ source: 'OTEL_TRACES_SAMPLER_ARG' }],
  })
})

test('readTracing() suggests the sampler that was meant', () => {
  const { problems } = readTracing({ ...ENDPOINT, OTEL_TRACES_SAMPLER: 'traceidratoi' })
  expect(problems[0]?.hint).toBe("did you mean 'traceidratio'?")
})

test('readTracing() finds everything that is wrong at once', () => {
  const { problems } = readTracing({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
    OTEL_TRACES_SAMPLER: 'some',
    OTEL_BSP_SCHEDULE_DELAY: '-1',
  })
  expect(problems).toHaveLength(4)
})

test('readTracing() either is on, or off, or names a variable, whatever is set', () => {
  const names = fc.constantFrom(
    ...['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_TRACES_EXPORTER', 'OTEL_TRACES_SAMPLER'],
    ...['OTEL_TRACES_SAMPLER_ARG', 'OTEL_BSP_MAX_QUEUE_SIZE', 'OTEL_SDK_DISABLED'],
  )
  const values = fc.oneof(fc.string(), fc.constantFrom('otlp', 'none', 'http://a', 'traceidratio'))
  fc.assert(
    fc.property(fc.dictionary(names, values), (env) => {
      const { tracing, problems } = readTracing(env)
      if (tracing !== null) expect(problems).toEqual([])
      for (const { source } of problems) expect(Object.keys(env)).toContain(source)
    }),
  )
})
