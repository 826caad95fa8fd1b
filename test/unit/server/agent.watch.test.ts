import { expect, test } from 'vitest'
import { Account } from '../../../src/server/account.ts'
import { THREAD_STATE, THREAD_WORDS } from '../../../src/shared/shared-memory.ts'
import { type AgentWorld, makeAgent } from '../../helpers/agents.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'

const version = (model: string, number: number) => plannedVersion({ model, version: number })

/** Looks twice a second for `ms`, while the threads named beat. */
const watchFor = async (world: AgentWorld, ms: number, beating: readonly number[] = []) => {
  for (let passedMs = 0; passedMs < ms; passedMs += 500) {
    await world.clock.advance(500)
    for (const thread of beating) world.threads[thread]!.words[THREAD_WORDS.BEAT]! += 1
    world.agent.watch()
  }
}

const accountOf = (world: AgentWorld, thread: number) =>
  new Account(world.threads[thread]!.memory.threads[thread]!)

test('watch() reports a silent thread once and ends the replica when it is dead', async () => {
  const world = makeAgent()
  await watchFor(world, 2500, [1])
  expect(world.reports).toEqual([])
  await watchFor(world, 2000, [1])
  expect(world.reports).toEqual(['thread_silent: thread 0: idle'])
  expect(world.exits).toEqual([])
  await watchFor(world, 8000, [1])
  expect(world.reports.slice(1)).toEqual(['thread_dead: thread 0: idle'])
  expect(world.exits).toEqual(['1 a data thread hangs; thread 0: idle'])
})

test('watch() goes on while the replica drains, and leaves out what has ended', async () => {
  const world = makeAgent()
  void world.agent.drain(60_000)
  world.threads[1]!.end()
  accountOf(world, 0).running(0)
  await watchFor(world, 31_000)
  expect(world.exits).toEqual(['1 a data thread hangs; thread 0: run'])
})

test('watch() names the version that runs, whichever plan is served by now', async () => {
  const world = makeAgent()
  await world.serve(epochPlan(1, [version('first', 1), version('guilty', 4)]))
  const number = world.threads[0]!.last('prepare').versionNumbers[1]!
  accountOf(world, 0).running(number)
  await world.serve(epochPlan(2, [version('other', 1), version('innocent', 2)]))
  await watchFor(world, 31_000, [1])
  expect(world.exits).toEqual(['1 a data thread hangs; thread 0: run guilty v4'])
})

test('watch() names the version that is being loaded out of the plan that is being prepared', async () => {
  const world = makeAgent()
  await world.serve(epochPlan(1, [version('innocent', 1)]))
  void world.agent.prepare(epochPlan(2, [version('guilty', 2), version('innocent', 1)]))
  accountOf(world, 0).loading(world.threads[0]!.last('prepare').versionNumbers[0]!)
  await watchFor(world, 61_000, [1])
  expect(world.reports).toEqual(['thread_dead: thread 0: load guilty v2'])
})

test('watch() suspects no version of a thread that is idle or decodes', async () => {
  const world = makeAgent()
  await world.serve(epochPlan(1, [version('innocent', 1)]))
  const account = accountOf(world, 0)
  account.running(1)
  account.idle()
  await watchFor(world, 3000, [1])
  expect(world.reports).toEqual(['thread_silent: thread 0: idle'])
  world.threads[0]!.words[THREAD_WORDS.STATE] = THREAD_STATE.DECODE
  await watchFor(world, 9000, [1])
  expect(world.exits).toEqual(['1 a data thread hangs; thread 0: decode'])
})

test('watch() judges each of many loads by itself', async () => {
  const limits = { reportMs: 500, idleMsMax: 10_000, runMsMax: 30_000, loadMsMax: 1000 }
  const world = makeAgent({ threads: 1, watchdog: limits })
  const account = accountOf(world, 0)
  for (let load = 1; load <= 40; load++) {
    account.loading(load)
    await watchFor(world, 1000)
  }
  expect(world.exits).toEqual([])
  await watchFor(world, 1000)
  expect(world.exits).toHaveLength(1)
})

test('watch() blames no thread when the process as a whole stood still', async () => {
  const world = makeAgent()
  await watchFor(world, 3000, [0, 1])
  await world.clock.advance(12_000)
  world.agent.watch()
  await watchFor(world, 1500)
  expect(world.reports).toEqual([])
  await watchFor(world, 1000)
  expect(world.reports).toHaveLength(2)
})

test('watch() of a run that took long does not judge what follows by its time', async () => {
  const world = makeAgent({ threads: 1 })
  const account = accountOf(world, 0)
  account.running(0)
  await watchFor(world, 25_000)
  account.idle()
  await watchFor(world, 9000)
  expect(world.exits).toEqual([])
})
