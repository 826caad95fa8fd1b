import { expect, test } from 'vitest'
import { FakeClock } from '../../../helpers/fake-clock.ts'
import { PlanningWorld, settledWorld } from '../../../helpers/planning-world.ts'

const pollingWorld = async (): Promise<PlanningWorld> => {
  const world = new PlanningWorld(null, new FakeClock(), { settings: { mode: 'poll' } })
  world.put('a', 1, 'sound')
  world.put('b', 1, 'sound')
  world.connect(0)
  world.planning.start(null)
  await world.clock.advance(2000)
  return world
}

test('poll() reads nothing that has not changed, and proves nothing again', async () => {
  const world = await pollingWorld()
  const { reads } = world
  world.proved.length = 0
  await world.clock.advance(60_000)
  expect([world.reads, world.proved]).toEqual([reads, []])
  world.put('b', 2, 'sound')
  await world.clock.advance(16_000)
  expect([world.proved, world.answering('b')]).toEqual([['b v1', 'b v2'], 2])
  expect(world.reads).toBe(reads + 1)
  world.remove('b', 1)
  world.remove('b', 2)
  await world.clock.advance(16_000)
  expect(world.publisher.plan?.endpoints.map(({ name }) => name)).toEqual(['a'])
})

test('poll() survives a repository that cannot be read, and takes what came meanwhile', async () => {
  const world = await pollingWorld()
  world.isReadable = false
  world.put('a', 2, 'sound')
  await world.clock.advance(600_000)
  expect([world.answering('a'), world.planning.warnings().length]).toEqual([1, 1])
  world.isReadable = true
  await world.clock.advance(16_000)
  expect([world.answering('a'), world.planning.warnings()]).toEqual([2, []])
})

test('a version that is being copied is waited for, in every mode, and holds up no other', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  const copy = (content: 'sound' | 'bad') => world.put('a', 2, content, world.clock.now())
  copy('bad')
  world.put('b', 1, 'sound')
  world.planning.rescan(null)
  for (let i = 0; i < 20; i++) {
    await world.clock.advance(400)
    copy(i < 19 ? 'bad' : 'sound')
    expect([world.answering('a'), world.proved.includes('a v2')]).toEqual([1, false])
  }
  expect(world.answering('b')).toBe(1)
  await world.clock.advance(2500)
  expect(world.answering('a')).toBe(2)
})

test('a model of which nothing is whole yet is not in the epoch: it makes nobody unready', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  world.put('c', 1, 'sound', world.clock.now())
  world.planning.rescan(null)
  await world.clock.advance(900)
  expect(world.publisher.plan?.unavailable).toEqual([])
  await world.clock.advance(2000)
  expect(world.answering('c')).toBe(1)
})
