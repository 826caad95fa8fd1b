import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { TracesSchema } from '../../../../proto/gen/control_pb.ts'
import type { Span } from '../../../../src/control/tracing/request-spans.ts'
import type { SinkHandlers, SpanSink } from '../../../../src/control/tracing/span-sink.ts'
import { openTracing, Tracing } from '../../../../src/control/tracing/tracing.ts'
import { slotKeyText } from '../../../../src/shared/counters.ts'
import type { Logger } from '../../../../src/shared/logger.ts'
import { FakeClock } from '../../../helpers/fake-clock.ts'

const KEY = slotKeyText({
  ...{ endpoint: 'flights', model: 'flights', version: '1', variant: 'v1', role: 'answer' },
})

const REQUEST = {
  traceId: new Uint8Array(16).fill(1),
  ...{ thread: 1, key: 0, epoch: 3n, sequence: 5n, rows: 1, receivedMs: 1000, endedMs: 1 },
}

const SENDER = { index: 1, incarnation: 7 }

/** Tracing whose spans go nowhere: `room` requests of them fit. */
const world = () => {
  const clock = new FakeClock()
  const lines: object[] = []
  const logger = { warn: (line: object) => lines.push(line) } as unknown as Logger
  const offered: (readonly Span[])[] = []
  const state = { room: Number.POSITIVE_INFINITY, close: () => Promise.resolve() }
  let handlers: SinkHandlers | null = null
  const tracing = new Tracing({ gateway: 'gw1', clock, logger }, (given): SpanSink => {
    handlers = given
    return {
      hasRoom: () => offered.length < state.room,
      take: (spans) => offered.push(spans),
      close: () => state.close(),
    }
  })
  const take = (traces: MessageInitShape<typeof TracesSchema>) =>
    tracing.take(SENDER, create(TracesSchema, { keys: [KEY], ...traces }))
  return { tracing, take, offered, lines, clock, state, handlers: handlers! as SinkHandlers }
}

const NONE = { exported: 0, ring_full: 0, queue_full: 0, export_failed: 0 }

test('take() makes spans of every request, named by its slot and its producer', () => {
  const { take, offered } = world()
  take({ requests: [REQUEST, { ...REQUEST, sequence: 6n }] })
  expect(offered.map(([server]) => server?.attributes['sluice.prediction_id'])).toEqual([
    ...['gw1.1.1-7-5', 'gw1.1.1-7-6'],
  ])
  expect(offered[0]![0]).toMatchObject({ name: 'predict flights', parentSpanId: '' })
  const ids = offered.flat().map(({ spanId }) => spanId)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true)
})

test('take() counts a request without a key as lost', () => {
  const { tracing, take, offered } = world()
  take({ requests: [{ ...REQUEST, key: 4 }] })
  expect(offered).toEqual([])
  expect(tracing.counts).toEqual({ ...NONE, queue_full: 1 })
})

test('take() makes spans of no more than 5,000 requests a second, and counts the rest', async () => {
  const { tracing, take, offered, clock } = world()
  const many = { requests: Array.from({ length: 3000 }, () => REQUEST) }
  take(many)
  take(many)
  expect(offered).toHaveLength(5000)
  expect(tracing.counts).toEqual({ ...NONE, queue_full: 1000 })
  await clock.advance(999)
  take({ requests: [REQUEST] })
  expect(offered).toHaveLength(5000)
  await clock.advance(1)
  take({ requests: [REQUEST] })
  expect(offered).toHaveLength(5001)
  const ids = offered.flat().map(({ spanId }) => spanId)
  expect(new Set(ids).size).toBe(ids.length)
})

test('what is lost is counted where it was lost, and logged once a minute', async () => {
  const { tracing, take, lines, clock, state, handlers } = world()
  state.room = 1
  take({ requests: [REQUEST, REQUEST], lost: 5n })
  handlers.onExported(1, null)
  handlers.onExported(2, 'connect ECONNREFUSED')
  expect(tracing.counts).toEqual({ exported: 1, ring_full: 5, queue_full: 1, export_failed: 2 })
  expect(lines).toMatchObject([{ event: 'traces_lost', where: 'ring_full' }])
  await clock.advance(59_999)
  handlers.onExported(1, 'connect ECONNREFUSED')
  expect(lines).toHaveLength(1)
  await clock.advance(1)
  handlers.onExported(1, 'connect ECONNREFUSED')
  expect(lines[1]).toMatchObject({ failure: 'connect ECONNREFUSED', counts: { export_failed: 4 } })
})

test('warnings() tells of a collector that takes nothing, until it does', () => {
  const { tracing, handlers } = world()
  expect(tracing.warnings()).toEqual([])
  handlers.onExported(1, 'connect ECONNREFUSED')
  expect(tracing.warnings().join()).toMatch(/collector.*ECONNREFUSED/)
  handlers.onExported(1, null)
  expect(tracing.warnings()).toEqual([])
})

test('complaints of the SDK are logged once a minute', async () => {
  const { lines, clock, handlers } = world()
  handlers.onWarning('a')
  handlers.onWarning('b')
  await clock.advance(60_000)
  handlers.onWarning('c')
  expect(lines).toMatchObject([{ message: 'a' }, { message: 'c' }])
})

test('close() waits for the sink, but not longer than it may', async () => {
  const { tracing, clock, state } = world()
  await tracing.close(1000)
  state.close = () => new Promise(() => {})
  let isClosed = false
  const closed = tracing.close(1000).then(() => {
    isClosed = true
  })
  await clock.advance(999)
  expect(isClosed).toBe(false)
  await clock.advance(1)
  await closed
  expect(isClosed).toBe(true)
})

test('openTracing() is null where tracing is off', async () => {
  const { clock } = world()
  const logger = {} as Logger
  expect(await openTracing(null, { gateway: 'gw1', clock, logger })).toBeNull()
})

test('counts() begin at zero', () => {
  expect(world().tracing.counts).toEqual(NONE)
})
