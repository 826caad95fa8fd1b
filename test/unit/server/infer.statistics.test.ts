/**
 * A script of requests predicts every figure that Triton would show of them: its qa/L0_metrics and
 * qa/L0_server_status, with a gate before each run and a clock that is told when to go on.
 */

import { expect, test } from 'vitest'
import { modelStatistics } from '../../../src/control/figures/model-statistics.ts'
import type { Sample } from '../../../src/control/figures/sample.ts'
import { TritonSums } from '../../../src/control/figures/triton-metrics.ts'
import type { Session } from '../../../src/runtime/session-types.ts'
import { slotKeyText } from '../../../src/shared/counters.ts'
import { answerKey } from '../../helpers/counted-slots.ts'
import { CountingSession, POISON } from '../../helpers/counting-session.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import type { HeldExchange } from '../../helpers/held-exchange.ts'
import { RequestPath } from '../../helpers/request-path.ts'

const RUN_MS = 2
const BATCHING = { rowsMax: 4, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 }
const KEY = answerKey('m')
const ROW = { features: [1, 2] }

/** Each run takes 2 ms, and a turn has room for one: the gate is `turns.turn()`. */
const gated = (batching = BATCHING, queueRowsMax = 1000) => {
  class Timed extends CountingSession {
    override run(inputs: Parameters<Session['run']>[0]) {
      path.turns.nowMs += RUN_MS
      return super.run(inputs)
    }
  }
  const plan = epochPlan(1, [plannedVersion({ model: 'm', version: 1, batching })])
  const path: RequestPath = new RequestPath(plan, { session: () => new Timed(), queueRowsMax })
  return path
}

const nameOf = ({ metric, labels: { reason } }: Sample) =>
  reason === undefined ? metric : `${metric} ${reason}`

const metricsOf = (path: RequestPath): Record<string, number> => {
  const sums = new TritonSums(KEY)
  sums.add(path.slot(KEY))
  return Object.fromEntries(sums.samples().map((sample) => [nameOf(sample), sample.value]))
}

const statisticsOf = (path: RequestPath) => {
  const slots = new Map([[slotKeyText(KEY), path.slot(KEY)]])
  return modelStatistics({ slots, retired: new Map() }, [{ model: 'm', version: 1 }])
    .model_stats[0]!
}

const pendingOf = (path: RequestPath) => metricsOf(path)['nvPending']

const ms = (count: number, each: number) => ({ count, ns: each * 1e6 })
const nothing = ms(0, 0)

test('ten requests before a gate are ten that wait, and then a batch of four fewer each time', () => {
  const path = gated()
  const sent = Array.from({ length: 10 }, () => path.send({}, ROW))
  expect(pendingOf(path)).toBe(10)
  expect(statisticsOf(path)).toMatchObject({ execution_count: 0, inference_count: 0 })
  const seen: unknown[] = []
  while (!path.turns.isIdle) {
    path.turns.turn()
    seen.push([pendingOf(path), statisticsOf(path).execution_count])
  }
  expect(seen).toEqual([
    [6, 1],
    [2, 2],
    [0, 3],
  ])
  expect(sent.every(({ answer }) => answer?.status === 200)).toBe(true)
  expect(metricsOf(path)).toEqual({
    nvSuccess: 10,
    ...{ 'nvFailure REJECTED': 0, 'nvFailure CANCELED': 0 },
    ...{ 'nvFailure BACKEND': 0, 'nvFailure OTHER': 0 },
    nvCount: 10,
    nvExecCount: 3,
    nvRequestUs: (4 * 2 + 4 * 4 + 2 * 6) * 1000,
    nvQueueUs: (4 * 2 + 2 * 4) * 1000,
    nvInputUs: 0,
    nvComputeUs: 10 * RUN_MS * 1000,
    nvOutputUs: 0,
    nvPending: 0,
  })
  const batch = (rows: number, runs: number) => ({
    batch_size: rows,
    compute_input: ms(runs, 0),
    compute_infer: ms(runs, runs * RUN_MS),
    compute_output: ms(runs, 0),
  })
  expect(statisticsOf(path)).toEqual({
    name: 'm',
    version: '1',
    last_inference: path.wallMs + 6,
    inference_count: 10,
    execution_count: 3,
    inference_stats: {
      success: ms(10, 36),
      fail: nothing,
      queue: ms(10, 16),
      compute_input: ms(10, 0),
      compute_infer: ms(10, 20),
      compute_output: ms(10, 0),
      cache_hit: nothing,
      cache_miss: nothing,
    },
    response_stats: {},
    batch_stats: [batch(2, 1), batch(4, 2)],
    memory_usage: [],
  })
})

test('requests that are rejected, cancelled, fail or are malformed count as Triton counts them', () => {
  const path = gated({ ...BATCHING, mixesRequests: false }, 4)
  const sent: HeldExchange[] = []
  for (let i = 0; i < 6; i++) sent.push(path.send({}, i === 1 ? { features: [POISON, 1] } : ROW))
  sent[0]!.isAborted = true
  sent.push(path.send({}, 'garbage'), path.send({ path: '/v2/models/m/infer' }, { inputs: [] }))
  while (!path.turns.isIdle) path.turns.turn()
  // 1 was cancelled, 1 is poisoned, 2 are answered, 2 found the queue full, 2 were never decoded.
  expect(metricsOf(path)).toMatchObject({
    nvSuccess: 2,
    'nvFailure REJECTED': expect.any(Number),
    'nvFailure CANCELED': 1,
    'nvFailure BACKEND': 1,
    'nvFailure OTHER': 0,
    nvCount: 2,
    nvPending: 0,
  })
  const rejected = sent.filter((exchange) => exchange.header('x-sluice-error') === 'QUEUE_FULL')
  expect(metricsOf(path)['nvFailure REJECTED']).toBe(rejected.length)
  const { inference_stats, execution_count } = statisticsOf(path)
  expect(inference_stats.fail.count).toBe(2 + rejected.length)
  // The cancelled one ended with its run after 2 ms, the poisoned one with its own after 4.
  expect(inference_stats.fail.ns).toBe(6e6)
  expect(inference_stats.success).toEqual(ms(2, 6 + 8))
  expect(execution_count).toBe(3)
})

test('a request that runs in parts is one success of several runs', () => {
  const path = gated()
  const instances = Array.from({ length: 10 }, () => [1, 2])
  path.send({}, { instances })
  expect(pendingOf(path)).toBe(1)
  path.turns.turn()
  expect(pendingOf(path)).toBe(0)
  while (!path.turns.isIdle) path.turns.turn()
  const { batch_stats, ...all } = statisticsOf(path)
  expect(batch_stats.map(({ batch_size, compute_infer }) => [batch_size, compute_infer])).toEqual([
    [2, ms(1, 2)],
    [4, ms(2, 4)],
  ])
  expect(all).toMatchObject({
    inference_count: 10,
    execution_count: 3,
    inference_stats: { success: ms(1, 6), queue: ms(1, 0), compute_infer: ms(1, 6) },
  })
})

test('a request that fails among others gives a run of its own to each half', () => {
  const path = gated()
  for (const first of [1, 1, POISON, 1]) path.send({}, { features: [first, 1] })
  while (!path.turns.isIdle) path.turns.turn()
  const { batch_stats, execution_count, inference_stats } = statisticsOf(path)
  expect(execution_count).toBe(2)
  expect(batch_stats.map(({ batch_size }) => batch_size)).toEqual([1, 2])
  expect([inference_stats.success.count, inference_stats.fail.count]).toEqual([3, 1])
})

test('writing an answer counts for its own request, and others wait for it', () => {
  const path = gated()
  for (const exchange of [path.send({}, ROW), path.send({}, ROW)]) {
    const reply = exchange.reply.bind(exchange)
    exchange.reply = (...answer) => {
      path.turns.nowMs += 3
      reply(...answer)
    }
  }
  path.turns.turn()
  const { inference_stats, batch_stats, last_inference } = statisticsOf(path)
  expect(inference_stats).toMatchObject({
    success: ms(2, 2 + 3 + (2 + 6)),
    compute_infer: ms(2, 4),
    compute_output: ms(2, 6),
  })
  expect(batch_stats).toMatchObject([{ batch_size: 2, compute_output: ms(1, 6) }])
  expect(last_inference).toBe(path.wallMs + 2)
})
