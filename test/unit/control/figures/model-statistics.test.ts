import fc from 'fast-check'
import { expect, test } from 'vitest'
import { modelStatistics } from '../../../../src/control/figures/model-statistics.ts'
import {
  REASON_ABORTED,
  REASON_OK,
  reasonIndex,
  slotKeyText,
} from '../../../../src/shared/counters.ts'
import {
  answerKey,
  anyRequest,
  type CountedRequest,
  refusedKey,
  slotFrom,
} from '../../../helpers/counted-slots.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const NONE = new Map<string, Float64Array>()
const FLIGHTS = { model: 'flights', version: 1 }

const request = (given: Partial<CountedRequest>): CountedRequest => ({
  ...{ protocol: 1, reason: REASON_OK, rows: 1, totalUs: 800, queueUs: 100, computeUs: 400 },
  ...{ inputUs: 50, outputUs: 200 },
  ...given,
})

const statisticsOf = (slots: ReadonlyMap<string, Float64Array>, retired = NONE) =>
  modelStatistics({ slots, retired }, [FLIGHTS]).model_stats[0]!

test('modelStatistics() says what a script of requests comes to, over all slots of a version', () => {
  const slots = new Map([
    [slotKeyText(answerKey('flights')), slotFrom([request({}), request({ rows: 3 })])],
    [
      slotKeyText(answerKey('flights', '1', 'canary')),
      slotFrom([
        request({ rows: 3, totalUs: 2000 }),
        request({ reason: reasonIndex('INFERENCE_FAILED') }),
        request({ reason: REASON_ABORTED }),
      ]),
    ],
    [slotKeyText(answerKey('flights', '2')), slotFrom([request({ rows: 99 })])],
    [slotKeyText(refusedKey('flights')), slotFrom([request({ rows: 99 })])],
  ])
  const retired = new Map([
    [slotKeyText(answerKey('flights', '1', 'old')), slotFrom([request({ rows: 1000 })])],
  ])
  const batch = (rows: number, runs: number) => ({
    batch_size: rows,
    compute_input: { count: runs, ns: 50_000 * runs },
    compute_infer: { count: runs, ns: 400_000 * runs },
    compute_output: { count: runs, ns: 200_000 * runs },
  })
  expect(statisticsOf(slots, retired)).toEqual({
    name: 'flights',
    version: '1',
    last_inference: 1_700_000_002_000,
    inference_count: 1007,
    execution_count: 4,
    inference_stats: {
      success: { count: 4, ns: 4_400_000 },
      fail: { count: 2, ns: 1_600_000 },
      queue: { count: 4, ns: 400_000 },
      compute_input: { count: 4, ns: 200_000 },
      compute_infer: { count: 4, ns: 1_600_000 },
      compute_output: { count: 4, ns: 800_000 },
      cache_hit: { count: 0, ns: 0 },
      cache_miss: { count: 0, ns: 0 },
    },
    response_stats: {},
    batch_stats: [batch(1, 1), batch(3, 2), batch(1024, 1)],
    memory_usage: [],
  })
})

test('modelStatistics() gives every version that is asked for, in that order, or zeros', () => {
  const wanted = [FLIGHTS, { model: 'clicks', version: 7 }, { model: 'flights', version: 2 }]
  const { model_stats } = modelStatistics({ slots: NONE, retired: NONE }, wanted)
  expect(model_stats.map(({ name, version }) => [name, version])).toEqual([
    ['flights', '1'],
    ['clicks', '7'],
    ['flights', '2'],
  ])
  expect(model_stats[1]).toMatchObject({ last_inference: 0, execution_count: 0, batch_stats: [] })
})

test('modelStatistics() of larger runs than any power of two names one', () => {
  const slots = new Map([
    [
      slotKeyText(answerKey('flights')),
      slotFrom([request({ rows: 65_536 }), request({ rows: 65_537 })]),
    ],
  ])
  const sizes = statisticsOf(slots).batch_stats.map(({ batch_size }) => batch_size)
  expect(sizes).toEqual([65_536, 131_072])
})

test('modelStatistics() adds up: runs by size are all runs, and sizes ascend', () => {
  fc.assert(
    fc.property(fc.array(anyRequest, { maxLength: 12 }), (requests) => {
      const slots = new Map([[slotKeyText(answerKey('flights')), slotFrom(requests)]])
      const { batch_stats, execution_count, inference_stats } = statisticsOf(slots)
      const sizes = batch_stats.map(({ batch_size }) => batch_size)
      expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b))
      const runs = batch_stats.reduce((sum, { compute_infer }) => sum + compute_infer.count, 0)
      expect([runs, inference_stats.success.count]).toEqual([execution_count, execution_count])
      const ns = batch_stats.reduce((sum, { compute_infer }) => sum + compute_infer.ns, 0)
      expect(Math.abs(ns - inference_stats.compute_infer.ns)).toBeLessThan(20)
    }),
    { numRuns: propertyRuns(60) },
  )
})
