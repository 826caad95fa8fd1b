import { expect, test } from 'vitest'
import { SLOT_DOUBLES, slotKeyText } from '../../../src/shared/counters.ts'
import type { PrepareFailure } from '../../../src/shared/epoch-plan.ts'
import { COMMITTED_WORD, COUNTER_SLOTS } from '../../../src/shared/shared-memory.ts'
import { FIXED_KEYS } from '../../../src/shared/slot-keys.ts'
import { claimSlot, publishSlot, TRACE, wordAt } from '../../../src/shared/trace-ring.ts'
import { makeAgent } from '../../helpers/agents.ts'
import { answerKey } from '../../helpers/counted-slots.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { settle } from '../../helpers/fake-clock.ts'

const planOf = (epoch: number, ...models: string[]) =>
  epochPlan(
    epoch,
    models.map((model) => plannedVersion({ model, version: 1 })),
  )

const FAILURE: PrepareFailure = {
  model: 'a',
  version: 1,
  code: 'DIGEST_MISMATCH',
  detail: 'changed',
}

test('prepare() resolves when every thread is ready, with what failed', async () => {
  const { agent, threads } = makeAgent()
  const prepared = agent.prepare(planOf(1, 'a'))
  threads[0]!.prepared()
  threads[1]!.prepared([FAILURE])
  expect(await prepared).toEqual([FAILURE])
  expect(await agent.commit(1)).toBe(false)
})

test('prepare() tells every thread the same version numbers and slots', async () => {
  const { agent, threads } = makeAgent()
  void agent.prepare(planOf(1, 'a', 'b'))
  const [first, second] = threads.map((thread) => thread.last('prepare'))
  expect(second).toEqual(first)
  expect(first!.versionNumbers).toEqual([1, 2])
  expect(new Set(Object.values(first!.slots)).size).toBe(FIXED_KEYS.length + 4)
})

test('prepare() keeps number and slot of a version over epochs, wherever the plan names it', async () => {
  const { agent, threads, serve } = makeAgent()
  await serve(planOf(1, 'a', 'b'))
  const before = threads[0]!.last('prepare')
  void agent.prepare(planOf(2, 'new', 'b', 'a'))
  const after = threads[0]!.last('prepare')
  expect(after.versionNumbers).toEqual([3, 2, 1])
  const slot = slotKeyText(answerKey('b'))
  expect(after.slots[slot]).toBe(before.slots[slot])
})

test('prepare() begun before the last was ready takes its place', async () => {
  const { agent, threads } = makeAgent()
  const first = agent.prepare(planOf(7, 'a'))
  const second = agent.prepare(planOf(7, 'b'))
  for (const thread of threads) {
    for (const { number } of thread.tolds('prepare')) thread.prepared([], number)
  }
  expect(await first).toBeNull()
  expect(await second).toEqual([])
  const committed = agent.commit(7)
  await settle()
  for (const thread of threads) thread.listening()
  expect(await committed).toBe(true)
  expect(agent.plan?.endpoints[0]?.model).toBe('b')
})

test('prepare() takes no answer that was given to an earlier plan of the same epoch', async () => {
  const { agent, threads } = makeAgent()
  const first = agent.prepare(planOf(7, 'a'))
  const old = threads[0]!.last('prepare').number
  const second = agent.prepare(planOf(7, 'b'))
  for (const thread of threads) thread.prepared([], old)
  expect(await first).toBeNull()
  expect(await agent.commit(7)).toBe(false)
  for (const thread of threads) thread.prepared([FAILURE])
  expect(await second).toEqual([FAILURE, FAILURE])
})

test('commit() refuses an epoch that was never prepared and changes nothing', async () => {
  const { agent, threads, serve } = makeAgent()
  expect(await agent.commit(1)).toBe(false)
  await serve(planOf(1, 'a'))
  const word = threads[0]!.memory.words[COMMITTED_WORD]
  expect(await agent.commit(2)).toBe(false)
  expect(threads[0]!.memory.words[COMMITTED_WORD]).toBe(word)
  expect(agent.plan?.epoch).toBe(1)
})

test('commit() publishes the number of the prepare, not the epoch', async () => {
  const { threads, serve } = makeAgent()
  await serve(planOf(1_000_000, 'a'))
  expect(threads[0]!.memory.words[COMMITTED_WORD]).toBe(threads[0]!.last('prepare').number)
})

test('commit() moves traffic to another plan of the epoch that is served', async () => {
  const { agent, threads, serve } = makeAgent()
  await serve(planOf(3, 'a'))
  const before = threads[0]!.memory.words[COMMITTED_WORD]!
  await serve(planOf(3, 'b'))
  expect(threads[0]!.memory.words[COMMITTED_WORD]).toBeGreaterThan(before)
  expect(agent.plan?.endpoints[0]?.model).toBe('b')
  expect(await agent.commit(3)).toBe(true)
})

test('commit() listens once, and says with which engine', async () => {
  const { agent, threads, serve } = makeAgent({ httpPort: 4711, grpcPort: 4712 })
  expect(agent.httpEngine).toBe('')
  await serve(planOf(1, 'a'))
  await serve(planOf(2, 'a'))
  expect(threads.map((thread) => thread.tolds('listen'))).toMatchObject([
    [{ port: 4711, grpcPort: 4712 }],
    [{ port: 4711, grpcPort: 4712 }],
  ])
  expect(agent.httpEngine).toBe('uws')
})

test('commit() closes all threads before the replica exits because one cannot listen', async () => {
  const { agent, threads, clock, exits } = makeAgent()
  const prepared = agent.prepare(planOf(1, 'a'))
  for (const thread of threads) thread.prepared()
  await prepared
  void agent.commit(1)
  await settle()
  threads[0]!.listening()
  threads[1]!.listening('Cannot listen on 127.0.0.1:1')
  await clock.advance(0)
  expect(threads.map((thread) => thread.tolds('close').length)).toEqual([1, 1])
  expect(exits).toEqual([])
  for (const thread of threads) thread.end()
  await settle()
  expect(exits).toEqual(['78 Cannot listen on 127.0.0.1:1'])
  expect(agent.mustBeKilled).toBe(false)
})

test('prepare() reports when there are not enough counter slots', async () => {
  const { agent, threads, reports, serve } = makeAgent({ threads: 1 })
  const models = Array.from({ length: COUNTER_SLOTS / 2 }, (_, i) => `m${i}`)
  await serve(planOf(5, ...models))
  expect(reports).toEqual(['slots_exhausted: 2 counter slots of epoch 5 are not to be had'])
  expect(new Set(Object.values(threads[0]!.last('prepare').slots)).size).toBe(COUNTER_SLOTS)
  expect(agent.plan?.epoch).toBe(5)
})

test('statistics() gives the epoch that is served and what the threads counted', async () => {
  const { agent, threads, serve } = makeAgent()
  expect(agent.statistics().epoch).toBe(0n)
  await serve(planOf(9, 'a'))
  const slot = threads[0]!.last('prepare').slots[slotKeyText(answerKey('a'))]!
  for (const { counters } of threads) counters[slot * SLOT_DOUBLES] = 2
  const { epoch, slots } = agent.statistics()
  expect(epoch).toBe(9n)
  expect(slots).toMatchObject([
    { key: slotKeyText(answerKey('a')), indices: [0], values: [4], doubles: SLOT_DOUBLES },
  ])
})

test('an agent ends the replica when a thread fails or ends unasked', async () => {
  const { threads, exits } = makeAgent()
  threads[0]!.fail(new Error('torn'))
  threads[0]!.end()
  expect(exits).toEqual(['1 a data thread failed', '1 a data thread ended'])
})

test('takeTraces() has what the threads left, under the keys of the plan', async () => {
  const { agent, threads } = makeAgent()
  const prepared = agent.prepare(planOf(1, 'a'))
  for (const thread of threads) thread.prepared()
  await prepared
  expect(agent.takeTraces()).toBeNull()
  const key = slotKeyText(answerKey('a'))
  const slot = threads[1]!.last('prepare')!.slots[key]!
  const { traces } = threads[1]!.memory.threads[1]!
  traces.words[wordAt(claimSlot(traces)) + TRACE.COUNTER_SLOT] = slot
  publishSlot(traces)
  expect(agent.takeTraces()).toMatchObject({ requests: [{ thread: 1, key: 0 }], keys: [key] })
  expect(agent.takeTraces()).toBeNull()
})
