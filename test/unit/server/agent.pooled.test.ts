import { expect, test } from 'vitest'
import { loadKey, type PlannedVersion } from '../../../src/shared/epoch-plan.ts'
import { mapReplicaMemory, THREAD_STATE, THREAD_WORDS } from '../../../src/shared/shared-memory.ts'
import { makeAgent } from '../../helpers/agents.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { settle } from '../../helpers/fake-clock.ts'

const PLACEMENT = { kind: 'pooled', instances: 1, reason: 'told so' } as const

const pooled = (model: string): PlannedVersion =>
  plannedVersion({ model, version: 1, placement: PLACEMENT })

const planOf = (...models: string[]) => epochPlan(1, models.map(pooled))

test('prepare() asks data threads when compute threads have loaded, with their pools', async () => {
  const { agent, threads, computeThreads } = makeAgent()
  const prepared = agent.prepare(planOf('a'))
  await settle()
  expect(threads[0]!.tolds('prepare')).toEqual([])
  computeThreads[0]!.loaded()
  await settle()
  const { pools } = threads[0]!.last('prepare')
  expect(pools).toEqual({
    [loadKey(pooled('a'))]: expect.objectContaining({ pool: 1, hosts: [0] }),
  })
  for (const thread of threads) thread.prepared()
  expect(await prepared).toEqual([])
})

test('prepare() begun while the last one loads takes its place, and what only that named goes', async () => {
  const { agent, threads, computeThreads } = makeAgent()
  const first = agent.prepare(planOf('a'))
  const second = agent.prepare(planOf('b'))
  computeThreads[0]!.loaded()
  await settle()
  for (const thread of threads) thread.prepared()
  expect([await first, await second]).toEqual([null, []])
  expect(threads[0]!.tolds('prepare')).toHaveLength(1)
  expect(computeThreads[0]!.tolds('unload').map(({ pool }) => pool)).toContain(1)
})

test('drain() ends compute threads when all data threads have ended', async () => {
  const { agent, threads, computeThreads } = makeAgent()
  const prepared = agent.prepare(planOf('a'))
  computeThreads[0]!.loaded()
  await settle()
  for (const thread of threads) thread.prepared()
  await prepared
  let isDrained = false
  void agent.drain(5000).then(() => {
    isDrained = true
  })
  threads[0]!.end()
  expect(computeThreads[0]!.tolds('close')).toEqual([])
  threads[1]!.end()
  expect(computeThreads[0]!.tolds('close')).toHaveLength(1)
  await settle()
  expect([isDrained, agent.mustBeKilled]).toEqual([false, true])
  computeThreads[0]!.end()
  await settle()
  expect([isDrained, agent.mustBeKilled]).toEqual([true, false])
})

test('watch() ends the replica when a run of a compute thread never returns', async () => {
  const { agent, clock, threads, computeThreads, exits, reports } = makeAgent()
  void agent.prepare(planOf('a'))
  computeThreads[0]!.loaded()
  const { memory } = computeThreads[0]!.start
  const { words } = mapReplicaMemory(memory, 2, 1).computeThreads[0]!
  words[THREAD_WORDS.VERSION] = 1
  words[THREAD_WORDS.STATE] = THREAD_STATE.RUN
  for (let ms = 0; ms < 31_000; ms += 500) {
    for (const { words: own } of threads) own[THREAD_WORDS.BEAT]!++
    agent.watch()
    await clock.advance(500)
  }
  expect(reports[0]).toBe('thread_silent: compute thread 0: run a v1')
  expect(exits).toEqual(['1 a compute thread hangs; compute thread 0: run a v1'])
})
