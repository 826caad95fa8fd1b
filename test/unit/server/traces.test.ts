import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TracedRequest } from '../../../proto/gen/control_pb.ts'
import { tracesFrom } from '../../../src/server/trace-messages.ts'
import { Traces, tracesOf } from '../../../src/server/traces.ts'
import { reasonName } from '../../../src/shared/counters.ts'
import { refuse } from '../../../src/shared/errors.ts'
import { type TraceSampling, thresholdOf } from '../../../src/shared/trace-context.ts'
import { mapTraceRing, ROUTE, TRACE_RING_BYTES } from '../../../src/shared/trace-ring.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import type { Head } from '../../helpers/held-exchange.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const ALL: TraceSampling = { isParentBased: true, threshold: thresholdOf(1) }
const PROPAGATED: TraceSampling = { isParentBased: true, threshold: 0 }
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'
const SAMPLED = `00-${TRACE_ID}-${SPAN_ID}-01`
const UNSAMPLED = `00-${TRACE_ID}-${SPAN_ID}-00`

const ring = () => mapTraceRing(new SharedArrayBuffer(TRACE_RING_BYTES))
const clock = { now: () => 1000, monotonic: () => 1 }
const traces = (sampling: TraceSampling) => new Traces(sampling, ring(), clock)

test.each<[string, TraceSampling, string, boolean]>([
  ['propagated', PROPAGATED, SAMPLED, true],
  ['propagated', PROPAGATED, UNSAMPLED, false],
  ['propagated', PROPAGATED, '', false],
  ['propagated', PROPAGATED, 'garbage', false],
  ['parent or all', ALL, SAMPLED, true],
  ['parent or all', ALL, UNSAMPLED, false],
  ['parent or all', ALL, '', true],
  ['parent or all', ALL, SAMPLED.toUpperCase(), true],
  ['all', { isParentBased: false, threshold: 2 ** 32 }, UNSAMPLED, true],
  ['none', { isParentBased: false, threshold: 0 }, SAMPLED, false],
])('begin() of a sampler that keeps %s %o takes "%s": %s', (_, sampling, header, isTraced) => {
  expect(traces(sampling).begin(header) !== null).toBe(isTraced)
})

test('begin() keeps about the share of traces that begin here, and draws no id twice', () => {
  const some = traces({ isParentBased: true, threshold: thresholdOf(0.25) })
  const begun = Array.from({ length: 8000 }, () => some.begin('')).filter((one) => one !== null)
  // Six standard deviations of a binomial distribution.
  expect(Math.abs(begun.length - 2000)).toBeLessThan(6 * Math.sqrt(8000 * 0.25 * 0.75))
  expect(new Set(begun.map(({ ids }) => ids.join())).size).toBe(begun.length)
  expect(begun.every(({ ids }) => ids[4] === 0 && ids[5] === 0)).toBe(true)
})

test('tracesOf() is null where tracing is off', () => {
  expect(tracesOf(null, ring(), clock)).toBeNull()
})

/** A request of one row that was not admitted. */
const endedBy = (trace: ReturnType<Traces['begin']>) =>
  ({
    ...{ sequence: 1, counterBase: 0, bodyId: null, rows: 1, admittedMs: 0 },
    ...{ exchange: { trace }, format: { protocol: 0 } },
  }) as unknown as Parameters<Traces['ended']>[0]

const planOf = (epoch = 1) => epochPlan(epoch, [plannedVersion({ model: 'm', version: 1 })])

/** A request path on which everything is traced, and what it has left for the agent. */
const traced = (options: ConstructorParameters<typeof RequestPath>[1] = {}) => {
  const path = new RequestPath(planOf(), { tracing: ALL, ...options })
  const begin = (header = SAMPLED): Head => ({ trace: path.traces!.begin(header) })
  const left = () => {
    const all = tracesFrom([path.memory.threads[0]!.traces], (slot) => `slot ${slot}`)
    return { requests: all?.requests ?? [], keys: all?.keys ?? [] }
  }
  return { path, begin, left }
}

const ids = ({ traceId, parentSpanId }: TracedRequest) =>
  [traceId, parentSpanId].map((bytes) => Buffer.from(bytes).toString('hex'))

const ROW = { features: [1, 2] }

test('answered() leaves ids, times, sizes and labels of a request', () => {
  const { path, begin, left } = traced()
  path.turns.advance(100)
  const head = begin()
  path.turns.advance(3)
  path.send(head, ROW)
  path.send({}, ROW)
  path.turns.advance(5)
  path.turns.turn()
  const { requests, keys } = left()
  expect(requests).toHaveLength(1)
  const [request] = requests as [TracedRequest]
  expect(ids(request)).toEqual([TRACE_ID, SPAN_ID])
  expect(request).toMatchObject({
    ...{ thread: 0, reason: 0, route: ROUTE.ONLY, epoch: 1n, sequence: 1n, rows: 1, runRows: 2 },
    ...{ receivedMs: path.wallMs + 100, startedMs: 3, admittedMs: 3, takenMs: 8, endedMs: 8 },
  })
  expect(keys).toEqual([`slot ${path.memory.threads[0]!.traces.words[9]}`])
})

test('a request that is not traced leaves nothing', () => {
  const { path, begin, left } = traced()
  path.ask(begin(UNSAMPLED), ROW)
  path.ask({}, ROW)
  expect(left().requests).toEqual([])
})

test.each<[string, Head, unknown, string]>([
  ['a body that is wrong', {}, { features: [1, 'two'] }, 'TENSOR_DATATYPE_MISMATCH'],
  ['a body that cannot be read', {}, '{', 'REQUEST_MALFORMED'],
])('refused() leaves why, of %s', (_, head, body, code) => {
  const { path, begin, left } = traced()
  path.ask({ ...begin(), ...head }, body)
  const [request] = left().requests as [TracedRequest]
  expect(reasonName(request.reason)).toBe(code)
  expect(request).toMatchObject({ route: ROUTE.ONLY, runRows: 0, endedMs: 0 })
  expect(request.takenMs).toBeUndefined()
  expect(request.writingMs).toBeUndefined()
})

test('refused() leaves what an engine refuses of an endpoint, and nothing of no endpoint', () => {
  const { path, begin, left } = traced()
  path.send(begin(), '', refuse('BODY_TOO_LARGE', 'too large'))
  path.send({ ...begin(), path: '/nowhere' }, '')
  path.send({ ...begin(), method: 'GET', path: '/readyz' }, '')
  expect(left().requests.map(({ reason }) => reasonName(reason))).toEqual(['BODY_TOO_LARGE'])
})

test('a request whose body never came has no time at which it was there', () => {
  const own = ring()
  const tracing = new Traces(ALL, own, clock)
  const trace = tracing.begin(SAMPLED)!
  tracing.ended(endedBy(trace), 1)
  const [request] = tracesFrom([own], String)!.requests as [TracedRequest]
  expect(request.startedMs).toBeUndefined()
  expect(request.endedMs).toBe(0)
})

test('a client that goes leaves its request as aborted', () => {
  const { path, begin, left } = traced()
  path.turns.advance(1)
  const exchange = path.send(begin(), ROW)
  exchange.abort()
  path.turns.turn()
  const [request] = left().requests as [TracedRequest]
  expect(reasonName(request.reason)).toBe('aborted')
  expect(request.admittedMs).toBe(0)
})

test('a path that names a version leaves it as pinned', () => {
  const { path, begin, left } = traced()
  const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }]
  path.ask({ ...begin(), path: '/v2/models/m/versions/1/infer' }, { inputs })
  expect(left().requests).toMatchObject([{ route: ROUTE.PINNED, reason: 0, protocol: 1 }])
})

test('times never run backwards, whatever the wall clock does', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5000, max: 5000 }), { maxLength: 20 }), (jumps) => {
      let wallMs = 1e12
      let monotonicMs = 0
      const moving = { now: () => Math.floor(wallMs), monotonic: () => monotonicMs }
      const own = ring()
      const tracing = new Traces(ALL, own, moving)
      for (const jump of jumps) {
        wallMs += jump
        const trace = tracing.begin('')!
        monotonicMs += 0.25
        wallMs += 0.25
        tracing.ended(endedBy(trace), 1)
        const [request] = tracesFrom([own], String)!.requests as [TracedRequest]
        expect(request.endedMs).toBe(0.25)
        expect(Math.abs(request.receivedMs - (wallMs - 0.25))).toBeLessThanOrEqual(3)
      }
    }),
  )
})
