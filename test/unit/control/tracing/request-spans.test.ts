import { create, type MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TracedRequestSchema } from '../../../../proto/gen/control_pb.ts'
import { type Span, spansOf } from '../../../../src/control/tracing/request-spans.ts'
import { PROTOCOLS, reasonIndex, type SlotKey } from '../../../../src/shared/counters.ts'
import type { ErrorCode } from '../../../../src/shared/errors.ts'
import { REQUEST_SPANS_MAX, ROUTE } from '../../../../src/shared/trace-ring.ts'

const PRODUCER = { gateway: 'gw1', replica: 2, incarnation: 9 }
const KEY: SlotKey = {
  ...{ endpoint: 'flights', model: 'delay', version: '3', variant: 'champion', role: 'answer' },
}
const REFUSED: SlotKey = { ...KEY, version: '', variant: '', role: 'refused' }
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'

const ANSWERED: MessageInitShape<typeof TracedRequestSchema> = {
  traceId: Buffer.from(TRACE_ID, 'hex'),
  parentSpanId: Buffer.from(CALLER, 'hex'),
  ...{ thread: 1, key: 0, protocol: 0, reason: 0, route: ROUTE.SPLIT, epoch: 17n, sequence: 42n },
  ...{ rows: 2, runRows: 8, receivedMs: 1_000_000 },
  ...{ startedMs: 1, admittedMs: 2, takenMs: 5, runStartMs: 6, runEndMs: 9, writingMs: 10 },
  endedMs: 11,
}

const spans = (more: Partial<typeof ANSWERED> = {}, key = KEY): Span[] => {
  let ids = 0
  const newSpanId = () => String(++ids).padStart(16, '0')
  return spansOf(create(TracedRequestSchema, { ...ANSWERED, ...more }), key, PRODUCER, newSpanId)
}

/** Of a request that ended as it was read. */
const refused = (code: ErrorCode, more: Partial<typeof ANSWERED> = {}) => {
  const { takenMs, runStartMs, runEndMs, writingMs, admittedMs, ...rest } = ANSWERED
  const request = { ...rest, reason: reasonIndex(code), rows: 0, runRows: 0, ...more }
  let ids = 0
  const newSpanId = () => String(++ids).padStart(16, '0')
  return spansOf(create(TracedRequestSchema, request), REFUSED, PRODUCER, newSpanId)
}

test('spansOf() makes of an answered request one span, and one for each part of its way', () => {
  const part = { isServer: false, traceId: TRACE_ID, parentSpanId: '0000000000000001' }
  const quiet = { isError: false, attributes: {} }
  expect(spans()).toEqual([
    {
      ...{ name: 'predict flights', isServer: true, traceId: TRACE_ID, parentSpanId: CALLER },
      ...{ spanId: '0000000000000001', startMs: 1_000_000, endMs: 1_000_011, isError: false },
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/predict/{endpoint}',
        'http.response.status_code': 200,
        'feature_flag.key': 'flights',
        'feature_flag.version': '17',
        'feature_flag.result.reason': 'split',
        'feature_flag.result.variant': 'champion',
        'sluice.model': 'delay',
        'sluice.version': '3',
        'sluice.protocol': 'features',
        'sluice.prediction_id': 'gw1.2.1-9-42',
        'sluice.rows': 2,
      },
    },
    ...[
      { name: 'receive', startMs: 1_000_000, endMs: 1_000_001 },
      { name: 'decode', startMs: 1_000_001, endMs: 1_000_002 },
      { name: 'queue', startMs: 1_000_002, endMs: 1_000_005 },
      {
        ...{ name: 'batch', startMs: 1_000_005, endMs: 1_000_006 },
        attributes: { 'sluice.batch.rows': 8 },
      },
      { name: 'run', startMs: 1_000_006, endMs: 1_000_009 },
      { name: 'reply', startMs: 1_000_010, endMs: 1_000_011 },
    ].map((own, i) => ({ ...part, ...quiet, spanId: `000000000000000${i + 2}`, ...own })),
  ])
})

test('spansOf() makes no more spans of a request than is known beforehand', () => {
  expect(spans()).toHaveLength(REQUEST_SPANS_MAX)
})

test('spansOf() begins a trace where there is no caller', () => {
  expect(spans({ parentSpanId: new Uint8Array() })[0]!.parentSpanId).toBe('')
})

test.each([
  [ROUTE.ONLY, 'default'],
  [ROUTE.SPLIT, 'split'],
  [ROUTE.PINNED, 'targeting_match'],
  [99, 'unknown'], // of a later release
])('spansOf() says of route %i why: %s', (route, reason) => {
  expect(spans({ route })[0]!.attributes['feature_flag.result.reason']).toBe(reason)
})

test.each([
  ['oip', ROUTE.SPLIT, '/v2/models/{model}/infer'],
  ['oip', ROUTE.PINNED, '/v2/models/{model}/versions/{version}/infer'],
  ['tfs', ROUTE.ONLY, '/v1/models/{model}:predict'],
] as const)('spansOf() of %s, route %i, shows the path %s', (protocol, route, path) => {
  const [server] = spans({ protocol: PROTOCOLS.indexOf(protocol), route })
  expect(server!.attributes).toMatchObject({ 'http.route': path, 'sluice.protocol': protocol })
})

test.each<[ErrorCode, number, boolean]>([
  ['REQUEST_MALFORMED', 400, false],
  ['QUEUE_FULL', 503, true],
  ['INFERENCE_FAILED', 500, true],
])('spansOf() of %s has its status %i, and whether the fault is ours', (code, status, isError) => {
  const [server, ...parts] = refused(code)
  expect(server).toMatchObject({
    isError,
    attributes: {
      'error.type': code,
      'http.response.status_code': status,
      'feature_flag.result.reason': 'error',
    },
  })
  expect(server!.attributes).not.toHaveProperty('feature_flag.result.variant')
  expect(parts.map(({ name }) => name)).toEqual(['receive'])
})

test('spansOf() of a request that expired has the time that it waited', () => {
  const expired = refused('DEADLINE_EXPIRED', { admittedMs: 2 })
  expect(expired.map(({ name }) => name)).toEqual([
    ...['predict flights', 'receive', 'decode', 'queue'],
  ])
  expect(expired.at(-1)).toMatchObject({ startMs: 1_000_002, endMs: 1_000_011 })
})

test('spansOf() of a client that went has no status', () => {
  const [server] = spans({ reason: 1 })
  expect(server!.attributes).toMatchObject({ 'error.type': 'aborted' })
  expect(server!.attributes).not.toHaveProperty('http.response.status_code')
  expect(server!.isError).toBe(false)
})

test.each([
  [0, 'OK', false],
  [1, 'CANCELLED', false],
  [reasonIndex('REQUEST_MALFORMED'), 'INVALID_ARGUMENT', false],
  [reasonIndex('INTERNAL'), 'INTERNAL', true],
])('spansOf() over gRPC, reason %i, ends with %s', (reason, status, isError) => {
  const [server] = spans({ protocol: PROTOCOLS.indexOf('grpc'), reason })
  expect(server).toMatchObject({
    isError,
    attributes: {
      'rpc.system.name': 'grpc',
      'rpc.method': 'inference.GRPCInferenceService/ModelInfer',
      'rpc.status_code': status,
    },
  })
  expect(Object.keys(server!.attributes).filter((name) => name.startsWith('http.'))).toEqual([])
})

test('spansOf() of reasons and protocols of a later release is complete', () => {
  const [server] = spans({ protocol: 77, reason: 127 })
  expect(server!.attributes).toMatchObject({ 'error.type': '_OTHER', 'http.route': '_OTHER' })
})

test('spansOf() nests and orders parts, whatever the clocks of other threads say', () => {
  const ms = fc.option(fc.double({ min: -10, max: 100, noNaN: true }), { nil: undefined })
  const times = fc.record({
    ...{ startedMs: ms, admittedMs: ms, takenMs: ms, runStartMs: ms, runEndMs: ms, writingMs: ms },
    endedMs: fc.double({ min: -1, max: 100, noNaN: true }),
  })
  fc.assert(
    fc.property(times, (own) => {
      const given = Object.entries(own).filter(([, value]) => value !== undefined)
      const cleared = Object.fromEntries(Object.keys(own).map((name) => [name, undefined]))
      const [server, ...parts] = spans({ ...cleared, ...Object.fromEntries(given) } as never)
      let reachedMs = server!.startMs
      for (const { startMs, endMs } of parts) {
        expect(startMs).toBeGreaterThanOrEqual(reachedMs)
        expect(endMs).toBeGreaterThanOrEqual(startMs)
        expect(endMs).toBeLessThanOrEqual(server!.endMs)
        reachedMs = endMs
      }
    }),
  )
})
