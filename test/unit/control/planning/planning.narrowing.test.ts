/** Who is to blame is found out also where the present epoch itself cannot be loaded any more. */

import { expect, test } from 'vitest'
import { type PlanningWorld, settledWorld } from '../../../helpers/planning-world.ts'

/** Many tries. */
const LONG_MS = 100_000

const kill = (world: PlanningWorld, index: number): void =>
  world.kill(world.replicas.find((each) => each.index === index)!.incarnation)

/**
 * `b v1` has cost two replicas, by chance, and is in the present epoch. So is `x v1`, which cannot
 * be loaded any more, and nobody serves either.
 */
const stranded = async (): Promise<PlanningWorld> => {
  const world = await settledWorld((empty) => {
    // Versions are held back from the end.
    empty.put('a', 1, 'bad')
    empty.put('x', 1, 'sound')
  })
  world.loadMs = 1000
  world.put('b', 1, 'sound')
  await world.reload(500)
  kill(world, 0)
  // Two seconds later it is tried again: one replica has loaded it, the other is at it.
  await world.clock.advance(3500)
  kill(world, 1)
  await world.clock.advance(10)
  expect(world.publisher.plan?.versions).toHaveLength(2)
  kill(world, 0)
  world.damage('x', 1, true)
  world.loadMs = 0
  // Their deaths are known, their successors not there yet.
  await world.clock.advance(50)
  return world
}

test('a version that was suspected once is no shelter for one that kills', async () => {
  const world = await stranded()
  world.put('a', 1, 'deadly')
  await world.reload(LONG_MS)
  expect(world.planning.isSettled).toBe(true)
  expect([world.answering('a'), world.answering('b')]).toEqual([null, 1])
  expect(world.catalog.models.get('a')?.versions.get(1)).toMatchObject({
    failure: { detail: 'A replica died while it loaded the version' },
  })
})

test('what serves on without its files comes back after it was held back', async () => {
  const world = await stranded()
  world.put('b', 1, 'bad')
  world.put('a', 1, 'sound')
  world.put('c', 1, 'deadly')
  await world.reload(LONG_MS)
  expect(world.planning.isSettled).toBe(true)
  expect(['a', 'b', 'c'].map((name) => world.answering(name))).toEqual([1, 1, null])
  // The first of three was tried alone.
  expect(world.written.map(({ unavailable }) => unavailable)).toContainEqual(['x', 'b', 'c'])
  const serving = world.publisher.plan?.versions.map(({ provenSha256 }) => provenSha256)
  expect(serving).toEqual(['a/1/sound/5', 'b/1/sound/3'])
})

test('what answers again is not held back any more', async () => {
  const world = await stranded()
  world.put('a', 1, 'sound')
  world.put('c', 1, 'deadly')
  await world.reload(100)
  // One replica has died of three suspects. Its successor will load all that served.
  world.damage('x', 1)
  await world.reload(LONG_MS)
  expect(world.planning.isSettled).toBe(true)
  expect(['a', 'b', 'c', 'x'].map((name) => world.answering(name))).toEqual([1, 1, null, 1])
  expect(world.written.flatMap(({ unavailable }) => unavailable)).not.toContain('b')
})
