import { expect, test } from 'vitest'
import { DRAINING_WORD } from '../../../src/shared/shared-memory.ts'
import { makeAgent } from '../../helpers/agents.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { settle } from '../../helpers/fake-clock.ts'

const PLAN = epochPlan(1, [plannedVersion({ model: 'a', version: 1 })])

/** Whether it has been fulfilled, whenever asked. */
const watched = (promise: Promise<void>) => {
  const state = { isDone: false }
  void promise.then(() => {
    state.isDone = true
  })
  return state
}

test('drain() resolves when the last thread has ended', async () => {
  const { agent, threads, clock } = makeAgent()
  const drained = watched(agent.drain(5000))
  expect(agent.isDraining).toBe(true)
  expect(threads[0]!.memory.words[DRAINING_WORD]).toBe(1)
  expect(threads.map((thread) => thread.tolds('drain').length)).toEqual([1, 1])
  threads[0]!.end()
  await settle()
  expect(drained.isDone).toBe(false)
  threads[1]!.end()
  await settle()
  expect(drained.isDone).toBe(true)
  expect(agent.mustBeKilled).toBe(false)
  expect(clock.pending).toBe(0)
})

test('drain() asked for twice tells the threads once, and none stands in for another', async () => {
  const { agent, threads } = makeAgent()
  const drains = [agent.drain(5000), agent.drain(5000)].map(watched)
  expect(threads.map((thread) => thread.tolds('drain').length)).toEqual([1, 1])
  threads[0]!.end()
  await settle()
  expect(drains.map(({ isDone }) => isDone)).toEqual([false, false])
  threads[1]!.end()
  await settle()
  expect(drains.map(({ isDone }) => isDone)).toEqual([true, true])
})

test.each([
  [5000, 2000],
  [2000, 5000],
])('drain() for %i ms and then for %i ms closes by the earlier deadline', async (first, second) => {
  const { agent, threads, clock } = makeAgent()
  void agent.drain(first)
  void agent.drain(second)
  await clock.advance(1999)
  expect(threads[0]!.tolds('close')).toHaveLength(0)
  await clock.advance(1)
  expect(threads.map((thread) => thread.tolds('close').length)).toEqual([1, 1])
  await clock.advance(10_000)
  expect(threads.map((thread) => thread.tolds('close').length)).toEqual([1, 1])
})

test('drain() resolves although a thread hangs, and says that it has not ended', async () => {
  const { agent, threads, clock } = makeAgent()
  const drained = watched(agent.drain(1000))
  threads[0]!.end()
  await clock.advance(1000)
  expect(drained.isDone).toBe(false)
  await clock.advance(500)
  expect(drained.isDone).toBe(true)
  expect(agent.mustBeKilled).toBe(true)
})

test('a draining agent takes no plan, and a commit makes it listen no more', async () => {
  const { agent, threads } = makeAgent()
  const prepared = agent.prepare(PLAN)
  for (const thread of threads) thread.prepared()
  await prepared
  void agent.drain(5000)
  expect(await agent.prepare(PLAN)).toBeNull()
  expect(await agent.commit(1)).toBe(true)
  expect(threads[0]!.tolds('listen')).toEqual([])
})

test('threads that end while draining are no fault', async () => {
  const { agent, threads, exits } = makeAgent()
  void agent.drain(5000)
  for (const thread of threads) thread.end()
  expect(exits).toEqual([])
})
