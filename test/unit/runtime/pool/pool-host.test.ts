import { expect, test } from 'vitest'
import { DEFAULT_QUEUE } from '../../../../src/shared/queue-policy.ts'
import { THREAD_WORDS } from '../../../../src/shared/shared-memory.ts'
import type { Tensor } from '../../../../src/shared/tensor.ts'
import { collect } from '../../../helpers/collect.ts'
import { CountingSession } from '../../../helpers/counting-session.ts'
import { type PoolMember, PoolWorld } from '../../../helpers/pool-world.ts'

let lastId = 0

const member = (rows: number, more: Partial<PoolMember> = {}): PoolMember => ({
  ...{ id: ++lastId, rows, priority: 0, deadlineMs: Infinity, timeoutMs: Infinity },
  ...{ wantsInputs: true, values: new Array<number>(rows * 2).fill(1) },
  ...more,
})

test('a version that was unloaded takes nothing any more, whatever timers it has set', () => {
  const session = new CountingSession()
  const options = { dataThreads: 1, computeThreads: 1, session: () => session }
  const world = new PoolWorld(options)
  world.admit(0, member(1, { deadlineMs: world.nowMs + 50 }), 'place')
  world.settle(2)
  world.unload(0)
  world.admit(0, member(3), 'place') // of the version that has the memory now
  world.pass(60)
  world.settle(2)
  expect([session.runs, world.left.size]).toEqual([[1], 1])
})

test('tensors of a request that is past its deadline are let go', async () => {
  const world = new PoolWorld({ dataThreads: 1, computeThreads: 1 })
  const late = member(20, { deadlineMs: world.nowMs + 5 })
  world.admit(0, late, 'tensors')
  const sent = new WeakRef(world.computes[0]!.ports[0]!.inbox.at(-1) as object)
  world.pass(6)
  world.settle(2)
  expect(world.left.get(late.id)).toMatchObject([{ code: 'DEADLINE_EXPIRED' }])
  await collect()
  expect(sent.deref()).toBe(undefined)
})

test('whatever a thread works at, another one is woken', () => {
  let onRun = () => {}
  class Busy extends CountingSession {
    override run(...inputs: Parameters<CountingSession['run']>) {
      onRun()
      return super.run(...inputs)
    }
  }
  const world = new PoolWorld({ dataThreads: 1, computeThreads: 2, session: () => new Busy() })
  const woken: number[] = []
  for (const awake of [1, 0]) {
    // Tensors are sent to one thread after the other, and wake it by themselves.
    world.admit(0, member(20), 'tensors')
    onRun = () => {
      onRun = () => {}
      world.admit(0, member(1), 'place')
      woken.push(world.posted(1 - awake))
    }
    world.hear(awake)
    world.turn(awake)
    world.settle(10)
  }
  expect([woken, world.left.size]).toEqual([[1, 1], 4])
})

test('a thread that loads a version counts as awake, and sleeps afterwards', () => {
  const world = new PoolWorld({ dataThreads: 1, computeThreads: 2 })
  world.settle(2)
  let posted: number[] = []
  world.computes[0]!.load = () => {
    world.admit(0, member(1), 'place')
    posted = [world.posted(0), world.posted(1)]
    throw new Error('no such file')
  }
  world.load(0, 2, { ...world.planned, version: 2 })
  world.settle(2)
  expect([posted, world.left.size]).toEqual([[0, 1], 1])
  expect(world.computes.map(({ words }) => words[THREAD_WORDS.BELL])).toEqual([0, 0])
})

test('tensors that a thread hears of before the version are kept for it', () => {
  const world = new PoolWorld({ dataThreads: 1, computeThreads: 1 })
  world.unload(0)
  const [early, gone] = [member(20), member(30)]
  for (const each of [early, gone]) world.admit(0, each, 'tensors')
  world.hear(0)
  world.queues[0]!.cancel(gone)
  world.hear(0)
  world.load(0)
  world.settle(10)
  expect(world.left.get(early.id)).toMatchObject([{ values: early.values.map((v) => v * 2) }])
  expect(world.served).toEqual([8, 8, 4])
})

test('the lowest level that waits has a twentieth of the work, and not more', () => {
  const queue = { ...DEFAULT_QUEUE, levels: 3, defaultLevel: 1 }
  const batching = { rowsMax: 1, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 }
  const runs: number[] = []
  class Slow extends CountingSession {
    override run(inputs: readonly Tensor[]) {
      runs.push(inputs[0]!.data[0] as number)
      world.nowMs += 2
      return super.run(inputs)
    }
  }
  const planned = { queue, batching, runUsByRows: [[1, 2000]] as const }
  const world: PoolWorld = new PoolWorld({
    ...{ dataThreads: 1, computeThreads: 1, session: () => new Slow(), planned },
  })
  const arrive = (priority: number) =>
    world.admit(0, member(1, { priority, values: [priority, 1] }), 'place')
  const shareOfLowest = (count: number) => {
    const before = runs.length
    while (runs.length < before + count) {
      arrive(1)
      world.hear(0)
      world.turn(0)
      world.look(0)
    }
    return runs.slice(before).filter((priority) => priority === 3).length / count
  }
  arrive(1)
  expect(shareOfLowest(100)).toBe(0) // nobody waits there
  for (let i = 0; i < 100; i++) arrive(3)
  const share = shareOfLowest(1000)
  expect(share).toBeGreaterThan(0.04)
  expect(share).toBeLessThan(0.055)
})
