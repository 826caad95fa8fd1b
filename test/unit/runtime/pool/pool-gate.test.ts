import { expect, test } from 'vitest'
import type { WaitingPolicy } from '../../../../src/runtime/batcher-policy.ts'
import { PoolGate } from '../../../../src/runtime/pool/pool-gate.ts'
import { mapPool, POOL_DOUBLES, poolBytes } from '../../../../src/runtime/pool/pool-memory.ts'
import { poolShape } from '../../../../src/runtime/pool/pool-shape.ts'
import { begin, claim, publish } from '../../../../src/runtime/pool/pool-slots.ts'
import type { Queued } from '../../../../src/runtime/row-queue.ts'
import { DEFAULT_QUEUE, type QueuePolicies } from '../../../../src/shared/queue-policy.ts'
import { plannedVersion } from '../../../helpers/epoch-plans.ts'

const ORIGIN_MS = 5000

const member = (more: Partial<Queued> = {}): Queued => ({
  ...{ priority: 0, deadlineMs: Infinity, timeoutMs: Infinity },
  ...more,
})

interface GateOptions {
  readonly policy?: Partial<WaitingPolicy>
  readonly instances?: number
  readonly isBusy?: boolean
  readonly othersMs?: number
  readonly queue?: QueuePolicies
}

/** A gate of a version whose runs cost 2 ms, and 1 ms a row. */
const makeGate = ({
  policy,
  instances = 1,
  isBusy = false,
  othersMs = 0,
  queue,
}: GateOptions = {}) => {
  const planned = plannedVersion({ model: 'm', version: 1, queue: queue ?? DEFAULT_QUEUE })
  const shape = poolShape(planned, 2)
  const pool = mapPool(new SharedArrayBuffer(poolBytes(shape)), shape)
  pool.doubles[POOL_DOUBLES.COST_RUN_US] = 2000
  pool.doubles[POOL_DOUBLES.COST_ROW_US] = 1000
  pool.doubles[POOL_DOUBLES.LAST_RUN_MS] = ORIGIN_MS
  const gate = new PoolGate(
    pool,
    {
      ...planned.batching,
      ...{ queueRowsMax: 1000, queueWorkMsMax: 1000, queue: planned.queue },
      ...policy,
    },
    instances,
    { isBusy: () => isBusy, othersMs: () => othersMs },
  )
  let slot = 0
  const wait = (rows: number, priority = 0): number => {
    const isOversized = gate.isOversized(rows)
    const times = { deadlineMs: Infinity, timeoutMs: Infinity }
    publish(pool, slot, { rows, priority, ...times, holder: -1, isOversized })
    return slot++
  }
  const codeOf = (rows: number, more: Partial<Queued> = {}, nowMs = 100) =>
    gate.refusal(member(more), rows, nowMs, ORIGIN_MS, 0)?.code ?? 'ok'
  return { gate, pool, wait, codeOf }
}

test('refusal() bounds what waits in milliseconds of work, of all data threads', () => {
  const { gate, wait, codeOf } = makeGate({ policy: { queueWorkMsMax: 30 } })
  expect(codeOf(1)).toBe('ok')
  wait(8)
  expect(gate.waitingMs()).toBe(10)
  wait(8)
  expect([codeOf(7), codeOf(8), codeOf(9)]).toEqual(['ok', 'ok', 'QUEUE_FULL'])
})

test('refusal() bounds what waits in rows, and lets in beside one that alone is more', () => {
  const { wait, codeOf } = makeGate({ policy: { queueRowsMax: 20, queueWorkMsMax: 1e6 } })
  expect(codeOf(500)).toBe('ok')
  wait(500)
  expect([codeOf(20), codeOf(500)]).toEqual(['ok', 'QUEUE_FULL'])
  wait(15)
  expect([codeOf(5), codeOf(6)]).toEqual(['ok', 'QUEUE_FULL'])
})

test('refusal() forgets what has begun its run', () => {
  const { pool, wait, codeOf } = makeGate({ policy: { queueWorkMsMax: 10 } })
  const slot = wait(8)
  expect(codeOf(8)).toBe('QUEUE_FULL')
  claim(pool, slot, 0)
  expect(codeOf(8)).toBe('QUEUE_FULL')
  begin(pool, slot)
  expect(codeOf(8)).toBe('ok')
})

test('refusal() counts requests of a level against its policy', () => {
  const base = { ...DEFAULT_QUEUE.base, requestsMax: 2 }
  const queue = { levels: 2, defaultLevel: 1, base, byLevel: { 2: { ...base, requestsMax: 1 } } }
  const { wait, codeOf } = makeGate({ queue })
  wait(1, 1)
  wait(1, 2)
  expect([codeOf(1, { priority: 1 }), codeOf(1, { priority: 2 })]).toEqual(['ok', 'QUEUE_FULL'])
  wait(1, 1)
  expect(codeOf(1, { priority: 1 })).toBe('QUEUE_FULL')
})

test('refusal() counts no work of lower levels against a higher one', () => {
  const queue = { ...DEFAULT_QUEUE, levels: 2, defaultLevel: 1 }
  const { wait, codeOf } = makeGate({ queue, policy: { queueWorkMsMax: 20 } })
  wait(8, 2)
  wait(8, 2)
  expect([codeOf(8, { priority: 1 }), codeOf(8, { priority: 2 })]).toEqual(['ok', 'QUEUE_FULL'])
})

test('refusal() lets into the first level, however many rows wait below', () => {
  const queue = { ...DEFAULT_QUEUE, levels: 3, defaultLevel: 1 }
  const { wait, codeOf } = makeGate({ queue, policy: { queueRowsMax: 10, queueWorkMsMax: 1e6 } })
  for (const priority of [3, 2]) wait(10, priority)
  expect(codeOf(10, { priority: 1 })).toBe('ok')
  wait(2, 1)
  expect([codeOf(8, { priority: 1 }), codeOf(9, { priority: 1 })]).toEqual(['ok', 'QUEUE_FULL'])
})

test('refusal() refuses what cannot end in time, by what waits, runs and waits for others', () => {
  const deadlineMs = 100 + 20
  expect(makeGate().codeOf(8, { deadlineMs })).toBe('ok')
  expect(makeGate({ isBusy: true }).codeOf(8, { deadlineMs })).toBe('ok')
  expect(makeGate({ isBusy: true }).codeOf(9, { deadlineMs })).toBe('DEADLINE_UNMEETABLE')
  expect(makeGate({ othersMs: 20 }).codeOf(1, { deadlineMs })).toBe('DEADLINE_UNMEETABLE')
  const { wait, codeOf } = makeGate()
  wait(8)
  expect(codeOf(1, { deadlineMs })).toBe('ok')
  wait(8)
  expect(codeOf(1, { deadlineMs })).toBe('DEADLINE_UNMEETABLE')
  expect(codeOf(1, { deadlineMs: 100 })).toBe('DEADLINE_EXPIRED')
})

test('refusal() reckons with as many instances as there are', () => {
  const { wait, codeOf } = makeGate({ instances: 2 })
  wait(8)
  wait(8)
  expect(codeOf(1, { deadlineMs: 120 })).toBe('ok')
})

test('refusal() lets one in where no run has told for long what runs cost', () => {
  const { codeOf } = makeGate()
  expect(codeOf(8, { deadlineMs: 105 })).toBe('DEADLINE_UNMEETABLE')
  expect(codeOf(8, { deadlineMs: 2005 }, 2000)).toBe('ok')
})
