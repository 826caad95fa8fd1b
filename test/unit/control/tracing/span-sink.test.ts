/** The SDK itself, against a receiver that reads what arrives by the numbers of the protocol. */

import { expect, test } from 'vitest'
import type { TracingConfig } from '../../../../src/config/config.ts'
import type { Span } from '../../../../src/control/tracing/request-spans.ts'
import { openSpanSink, type SinkHandlers } from '../../../../src/control/tracing/span-sink.ts'
import { VERSION } from '../../../../src/shared/version.ts'
import { type Manners, startReceiver } from '../../../helpers/otlp-receiver.ts'
import { until } from '../../../helpers/until.ts'
import { setVariables } from '../../../helpers/variables.ts'

const BATCH = { queueSpansMax: 8, batchSpansMax: 4, delayMs: 1, exportMsMax: 5000 }
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const CALLER = 'b7ad6b7169203331'

const span = (more: Partial<Span> = {}): Span => ({
  name: 'predict m',
  isServer: true,
  traceId: TRACE_ID,
  spanId: '1111111111111111',
  parentSpanId: CALLER,
  startMs: 1_700_000_000_000.25,
  endMs: 1_700_000_000_001.5,
  isError: false,
  attributes: { 'sluice.model': 'm', 'sluice.rows': 3 },
  ...more,
})

const child = (more: Partial<Span> = {}): Span =>
  span({
    ...{ name: 'run', isServer: false, spanId: '2222222222222222' },
    ...{ parentSpanId: '1111111111111111', attributes: {}, ...more },
  })

interface World {
  readonly batch?: Partial<TracingConfig['batch']>
  readonly variables?: Readonly<Record<string, string>>
  readonly manners?: Manners
}

const open = async ({ batch, variables, manners = 'takes' }: World = {}) => {
  const receiver = await startReceiver()
  receiver.manners = manners
  setVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...variables })
  const exported: [number, string | null][] = []
  const warnings: string[] = []
  const handlers: SinkHandlers = {
    onExported: (...outcome) => exported.push(outcome),
    onWarning: (message) => warnings.push(message),
  }
  return {
    sink: openSpanSink('gw1', { ...BATCH, ...batch }, handlers),
    receiver,
    exported,
    warnings,
  }
}

test('spans arrive with their ids, times, kinds, attributes and resource', async () => {
  const variables = { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret' }
  const { sink, receiver, exported } = await open({ variables })
  sink.take([span(), child()])
  await until(() => exported.length > 0, { what: 'the export' })
  expect(exported).toEqual([[1, null]])
  expect(receiver.requests).toMatchObject([
    {
      path: '/v1/traces',
      headers: { 'content-type': 'application/x-protobuf', 'x-key': 'secret' },
    },
  ])
  expect(receiver.scopes).toBe(1)
  const [server, run] = receiver.spans
  expect(server).toMatchObject({
    ...{ name: 'predict m', kind: 2, status: 0, traceId: TRACE_ID, spanId: '1111111111111111' },
    ...{ parentSpanId: CALLER, startNs: 1_700_000_000_000_250_000n },
    ...{ endNs: 1_700_000_000_001_500_000n },
    attributes: { 'sluice.model': 'm', 'sluice.rows': 3 },
    resource: {
      'service.name': 'sluice',
      'service.version': VERSION,
      'service.instance.id': 'gw1',
    },
  })
  // Flags: sampled, and that it is known of the parent whether it is remote, and that it is.
  expect(server!.flags).toBe(0x301)
  expect(run).toMatchObject({ name: 'run', kind: 1, flags: 0x101 })
  expect(run!.parentSpanId).toBe('1111111111111111')
})

test('a trace that begins here has no parent, and a fault of ours is an error', async () => {
  const { sink, receiver } = await open()
  sink.take([span({ parentSpanId: '', isError: true })])
  const [server] = await receiver.trace(TRACE_ID)
  expect(server).toMatchObject({ parentSpanId: '', status: 2 })
})

test('the resource is what the variables of OpenTelemetry say', async () => {
  const { sink, receiver } = await open({
    variables: {
      OTEL_SERVICE_NAME: 'fraud',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,service.name=other',
    },
  })
  sink.take([span()])
  const [server] = await receiver.trace(TRACE_ID)
  expect(server!.resource).toMatchObject({
    'service.name': 'fraud',
    'deployment.environment.name': 'test',
    'service.instance.id': 'gw1',
  })
})

test('nanoseconds that round up to a second are the next second', async () => {
  const { sink, receiver } = await open()
  sink.take([span({ startMs: 1_700_000_000_999.9998, endMs: 1_700_000_001_000 })])
  const [server] = await receiver.trace(TRACE_ID)
  expect(server!.startNs).toBeLessThanOrEqual(server!.endNs)
  expect(server!.startNs).toBeGreaterThan(1_700_000_000_999_999_000n)
})

test('hasRoom() is whether so many spans can wait, and again when some have left', async () => {
  const { sink } = await open({ manners: 'hangs', batch: { delayMs: 100_000 } })
  const three = [span(), child(), child()]
  expect(sink.hasRoom(8)).toBe(true)
  expect(sink.hasRoom(9)).toBe(false)
  // The first four leave at once, and are not answered.
  sink.take([...three, child()])
  expect(sink.hasRoom(8)).toBe(true)
  sink.take(three)
  sink.take(three)
  expect(sink.hasRoom(2)).toBe(true)
  expect(sink.hasRoom(3)).toBe(false)
})

test('an export that is refused is counted in requests, and the next one is made', async () => {
  const { sink, receiver, exported } = await open({ manners: 'refuses' })
  sink.take([span(), child()])
  await until(() => exported.length === 1, { what: 'the refusal' })
  expect(exported).toEqual([[1, expect.any(String)]])
  receiver.manners = 'takes'
  sink.take([span(), child()])
  await until(() => exported.length === 2, { what: 'the export' })
  expect(exported[1]).toEqual([1, null])
})

test('close() sends what waits', async () => {
  const { sink, receiver, exported } = await open({ batch: { delayMs: 100_000 } })
  sink.take([span(), child()])
  await sink.close()
  expect(receiver.spans).toHaveLength(2)
  expect(exported).toEqual([[1, null]])
})

test('what the SDK cannot read of its variables is said', async () => {
  const { warnings } = await open({ variables: { OTEL_EXPORTER_OTLP_TIMEOUT: '-5' } })
  expect(warnings.join()).toContain('OTEL_EXPORTER_OTLP_TIMEOUT')
})
