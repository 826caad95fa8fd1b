import { expect, test } from 'vitest'
import { mapPool } from '../../../src/runtime/pool/pool-memory.ts'
import type { PoolGrant } from '../../../src/runtime/pool/pool-messages.ts'
import { poolShape } from '../../../src/runtime/pool/pool-shape.ts'
import { begin, claim, publish, SLOT_STATE, stateOf } from '../../../src/runtime/pool/pool-slots.ts'
import { ComputeThreads, type PoolLease } from '../../../src/server/compute-threads.ts'
import { type EpochPlan, loadKey, type PlannedVersion } from '../../../src/shared/epoch-plan.ts'
import { createLogger } from '../../../src/shared/logger.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { puppetComputeThreads } from '../../helpers/puppet-compute.ts'
import { replicaSettings } from '../../helpers/replica-settings.ts'

const pooled = (model: string, instances = 1, more: Partial<PlannedVersion> = {}) =>
  plannedVersion({
    ...{ model, version: 1 },
    placement: { kind: 'pooled', instances, reason: 'told so' },
    ...more,
  })

const planOf = (...versions: PlannedVersion[]): EpochPlan => epochPlan(1, versions)

const makeCompute = (count: number) => {
  const { computeThreads, startComputeThread } = puppetComputeThreads()
  const clock = new FakeClock()
  const fatal: string[] = []
  const connected: string[] = []
  let ended = 0
  const settings = replicaSettings({ threads: 2, computeThreads: count })
  const compute = new ComputeThreads({
    ...{ settings, clock, memory: new SharedArrayBuffer(64), start: startComputeThread },
    logger: createLogger({ level: 'silent', component: 'test' }),
    connect: (thread, ports) => {
      connected.push(`${thread}: ${ports.length}`)
      for (const port of ports) port.close()
    },
    onFatal: (reason) => fatal.push(reason),
    onEnded: () => void ended++,
  })
  const acquire = (plan: EpochPlan) => compute.acquire(plan, [1, 2, 3])
  /** Acquires a plan that every thread is willing to load. */
  const lease = async (...versions: PlannedVersion[]): Promise<PoolLease> => {
    const acquired = acquire(planOf(...versions))
    for (const thread of computeThreads) thread.loaded()
    return (await acquired)!
  }
  return {
    compute,
    threads: computeThreads,
    clock,
    fatal,
    connected,
    acquire,
    lease,
    ended: () => ended,
  }
}

const grantOf = (lease: PoolLease, version: PlannedVersion): PoolGrant =>
  lease.grants[loadKey(version)] as PoolGrant

test('acquire() starts no thread for a plan without pooled versions', () => {
  const { acquire, threads } = makeCompute(2)
  expect(acquire(planOf(plannedVersion({ model: 'a', version: 1 })))).toBeNull()
  expect(threads).toEqual([])
})

test('acquire() starts all threads, each with a port to every data thread, and spreads sessions', async () => {
  const { lease, threads, connected } = makeCompute(2)
  await lease(pooled('a'), pooled('b'), pooled('c', 2))
  expect(connected).toEqual(['0: 2', '1: 2'])
  expect(threads.map(({ start }) => start.ports.length)).toEqual([2, 2])
  expect(threads.map(({ loads }) => loads)).toEqual([
    ['a v1', 'c v1'],
    ['b v1', 'c v1'],
  ])
})

test('acquire() makes no more instances than there are threads', async () => {
  const { lease } = makeCompute(2)
  const version = pooled('a', 5)
  expect(grantOf(await lease(version), version).hosts).toEqual([0, 1])
})

test('acquire() gives a plan that names a version again what is there', async () => {
  const { lease, threads } = makeCompute(1)
  const version = pooled('a')
  const first = await lease(version)
  const second = await lease(version)
  expect(grantOf(second, version)).toBe(grantOf(first, version))
  expect(threads[0]!.loads).toEqual(['a v1'])
})

test('acquire() puts a version with other policies on the threads that have its session', async () => {
  const { lease } = makeCompute(3)
  const version = pooled('a')
  await lease(pooled('other'), version)
  const batching = { ...version.batching, queueDelayUsMax: 500 }
  const changed = pooled('a', 1, { batching })
  expect(grantOf(await lease(changed), changed).hosts).toEqual([1])
})

test('acquire() says which version failed, and tries it anew for the next plan', async () => {
  const { acquire, lease, threads } = makeCompute(2)
  const version = pooled('a', 2)
  const acquired = acquire(planOf(version))
  const failure = { code: 'DIGEST_MISMATCH', detail: 'changed' } as const
  threads[0]!.loaded(failure)
  threads[1]!.loaded()
  const failed = (await acquired)!
  expect(failed.grants[loadKey(version)]).toEqual({ failure })
  failed.release()
  expect(threads.map((thread) => thread.tolds('unload').length)).toEqual([1, 1])
  expect(grantOf(await lease(version), version).pool).toBe(2)
})

test('release() keeps what a data thread holds, until the last lets go', async () => {
  const { compute, lease, threads } = makeCompute(1)
  const version = pooled('a')
  const taken = await lease(version)
  compute.onHeld(0, [1])
  compute.onHeld(1, [1])
  taken.release()
  compute.onHeld(0, [])
  expect(threads[0]!.tolds('unload')).toEqual([])
  compute.onHeld(1, [])
  expect(threads[0]!.tolds('unload')).toEqual([{ type: 'unload', pool: 1 }])
})

test('a thread that dies is replaced, loads what it had, and what it had claimed goes back', async () => {
  const { lease, threads, fatal, connected } = makeCompute(2)
  const version = pooled('a', 2)
  const { memory } = grantOf(await lease(version), version)
  const pool = mapPool(memory, poolShape(version, 2))
  const request = {
    rows: 1,
    priority: 0,
    deadlineMs: 1e9,
    timeoutMs: 1e9,
    holder: -1,
    isOversized: false,
  }
  for (const slot of [0, 1, 2]) publish(pool, slot, request)
  for (const slot of [0, 1]) claim(pool, slot, 0)
  claim(pool, 2, 1)
  begin(pool, 1)
  threads[0]!.end()
  const states = [0, 1, 2].map((slot) => stateOf(pool.states[slot]!))
  expect(states).toEqual([SLOT_STATE.READY, SLOT_STATE.READY, SLOT_STATE.CLAIMED])
  expect(connected).toEqual(['0: 2', '1: 2', '0: 2'])
  expect(threads[2]!.loads).toEqual(['a v1'])
  expect(threads[1]!.tolds('wake')).toHaveLength(1)
  expect(fatal).toEqual([])
})

test('three deaths within a minute end the replica, in two they do not', async () => {
  const world = makeCompute(1)
  await world.lease(pooled('a'))
  for (const pauseMs of [40_000, 40_000, 10_000]) {
    world.threads.at(-1)!.end()
    await world.clock.advance(pauseMs)
  }
  expect(world.fatal).toEqual([])
  world.threads.at(-1)!.end()
  expect(world.fatal).toEqual(['compute threads die again and again'])
})

test('a thread that cannot load again what is served ends the replica', async () => {
  const { compute, lease, threads, fatal } = makeCompute(1)
  const taken = await lease(pooled('a'))
  compute.onHeld(0, [1])
  taken.release()
  threads[0]!.end()
  threads[1]!.loaded({ code: 'DIGEST_MISMATCH', detail: 'changed' })
  expect(fatal).toEqual(['a compute thread cannot load again: changed'])
})

test('a prepare goes on when the thread dies that was loading for it', async () => {
  const { acquire, threads } = makeCompute(1)
  const version = pooled('a')
  const acquired = acquire(planOf(version))
  threads[0]!.end()
  threads[1]!.loaded()
  expect(grantOf((await acquired)!, version).pool).toBe(1)
})

test('close() has all threads end, and replaces none', async () => {
  const { compute, lease, threads, ended } = makeCompute(2)
  await lease(pooled('a'))
  compute.close()
  for (const thread of threads) thread.end()
  expect([threads.length, ended(), compute.living.size]).toEqual([2, 2, 0])
})
