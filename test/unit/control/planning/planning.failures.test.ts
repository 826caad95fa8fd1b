/** Versions that cannot serve take nothing away from those that can. */

import { expect, test } from 'vitest'
import { epochsOf } from '../../../helpers/planning-parts.ts'
import { PlanningWorld, settledWorld } from '../../../helpers/planning-world.ts'

test.each(['bad', 'faulty', 'selfish', 'unloadable', 'deadly', 'hanging'] as const)(
  'a newer version that is %s takes nothing away',
  async (nature) => {
    const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
    world.put('a', 2, nature)
    world.put('b', 1, 'sound')
    await world.reload(400_000)
    expect(world.answering('a')).toBe(1)
    expect(world.answering('b')).toBe(1)
    expect(world.planning.isSettled).toBe(true)
    expect(world.replicas.map(({ served }) => served?.epoch)).toEqual(
      world.replicas.map(() => world.publisher.plan?.epoch),
    )
    for (const plan of world.written) expect(plan.unavailable).not.toContain('a')
  },
)

test.each(['bad', 'faulty', 'selfish', 'unloadable', 'deadly', 'hanging'] as const)(
  'at a cold start the highest version that is not %s is served',
  async (nature) => {
    const world = await settledWorld((empty) => {
      empty.put('a', 1, 'sound')
      empty.put('a', 2, nature)
      empty.put('a', 3, nature)
      empty.put('b', 1, 'sound')
    })
    await world.clock.advance(400_000)
    expect([world.answering('a'), world.answering('b')]).toEqual([1, 1])
  },
)

test('a deadly version kills one replica at a time where replicas serve', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'), 3)
  const before = world.replicas.map(({ incarnation }) => incarnation)
  world.put('a', 2, 'deadly')
  await world.reload(60_000)
  const survivors = world.replicas.filter(({ incarnation }) => before.includes(incarnation))
  expect(survivors.length).toBeGreaterThanOrEqual(1)
  expect(world.catalog.models.get('a')?.versions.get(2)).toMatchObject({
    failure: { code: 'PREPARE_FAILED', detail: 'A replica died while it loaded the version' },
  })
})

test('one deadly version among many is found, and the others serve', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const world = await settledWorld((empty) => {
    for (const name of names) empty.put(name, 1, name === 'e' ? 'deadly' : 'sound')
  }, 1)
  await world.clock.advance(120_000)
  expect(names.filter((name) => world.answering(name) === null)).toEqual(['e'])
})

test('a replica that needs longer than a minute for all versions together comes up', async () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const world = await settledWorld((empty) => {
    for (const name of names) empty.put(name, 1, 'sound')
    empty.loadMs = 10_000
  }, 1)
  await world.clock.advance(70_000)
  expect(names.map((name) => world.answering(name))).toEqual(names.map(() => 1))
  expect(epochsOf(world)).toEqual([1])
  world.kill(world.replicas[0]!.incarnation)
  await world.clock.advance(71_000)
  expect(world.replicas.map(({ incarnation, served }) => [incarnation, served?.epoch])).toEqual([
    [2, 1],
  ])
})

test('a load that hung and was named costs one process, and the others are served', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'), 1)
  world.put('b', 1, 'hanging')
  world.put('c', 1, 'sound')
  await world.reload(61_000)
  // Its own watchdog ends it, long before control's limit for two loads.
  const replica = world.replicas[0]!
  world.planning.onSilent(replica, 'thread 0: load b v1')
  world.kill(replica.incarnation)
  await world.clock.advance(1000)
  expect(['a', 'b', 'c'].map((name) => world.answering(name))).toEqual([1, null, 1])
  expect(world.replicas.map(({ incarnation }) => incarnation)).toEqual([2])
  expect(world.catalog.models.get('b')?.versions.get(1)).toMatchObject({
    failure: { detail: 'A replica fell silent while it loaded the version' },
  })
})

test('a run that was silent puts no blame on the load of what replaces its version', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'), 1)
  world.put('a', 1, 'sound')
  world.loadMs = 1000
  await world.reload(500)
  const replica = world.replicas[0]!
  world.planning.onSilent(replica, 'thread 0: run a v1')
  world.kill(replica.incarnation)
  await world.clock.advance(10_000)
  expect(world.publisher.plan?.versions).toMatchObject([{ provenSha256: 'a/1/sound/2' }])
  expect(world.replicas.map(({ served }) => served?.epoch)).toEqual([world.publisher.plan?.epoch])
})

test('a version overwritten in place with garbage serves on as it was', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  world.put('a', 1, 'bad')
  await world.reload()
  expect(world.answering('a')).toBe(1)
  expect(epochsOf(world)).toEqual([1])
  expect(world.publisher.plan?.versions).toMatchObject([{ provenSha256: 'a/1/sound/1' }])
  const failure = { code: 'MODEL_INVALID' }
  expect(world.catalog.models.get('a')?.versions.get(1)).toMatchObject({ failure })
})

test('settings that cannot be read leave a model as it is, after a restart too', async () => {
  const before = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  before.models.get('a')!.isBroken = true
  await before.reload()
  expect(before.answering('a')).toBe(1)
  const world = new PlanningWorld()
  world.connect(0, before.publisher.plan)
  world.put('a', 1, 'sound')
  world.models.get('a')!.isBroken = true
  world.put('b', 1, 'sound')
  world.planning.start(null)
  await world.clock.advance(2000)
  expect([world.answering('a'), world.answering('b')]).toEqual([1, 1])
})

test('a damaged proven copy is made again, and the replica comes up', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  world.damage('a', 1)
  world.kill(world.replicas[1]!.incarnation)
  await world.clock.advance(3000)
  expect(world.replicas.map(({ served }) => served?.epoch)).toEqual([1, 1])
  expect(epochsOf(world)).toEqual([1])
})

test('a version that serves is not taken away because another replica cannot load it', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  world.damage('a', 1, true)
  world.kill(world.replicas[1]!.incarnation)
  await world.clock.advance(10_000)
  expect(world.answering('a')).toBe(1)
  expect(world.planning.warnings()).toEqual([
    'a v1 serves, but not every replica can load it: it is damaged',
  ])
})

test.each([0, 1])('replica %i, which cannot load what serves, hinders no epoch', async (index) => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  world.damage('a', 1, true)
  world.kill(world.replicas[index]!.incarnation)
  await world.clock.advance(10_000)
  world.put('b', 1, 'sound')
  await world.reload()
  expect([world.answering('a'), world.answering('b')]).toEqual([1, 1])
  expect(world.planning.isSettled).toBe(true)
})

test('replicas that are brought up in vain, one after the other, hinder no epoch', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'), 3)
  world.damage('a', 1, true)
  world.put('b', 1, 'sound')
  world.isDiskFull = true
  await world.reload()
  const [first, second] = world.replicas
  world.kill(first!.incarnation)
  await world.clock.advance(10_000)
  world.loadMs = 30_000
  await world.clock.advance(10_000)
  // While the first is loading: from now on one of the two always is.
  world.kill(second!.incarnation)
  await world.clock.advance(200_000)
  world.isDiskFull = false
  await world.clock.advance(300_000)
  expect([world.answering('a'), world.answering('b')]).toEqual([1, 1])
})

test('a version that serves and begins to kill whoever loads it is given up', async () => {
  const world = await settledWorld((empty) => {
    empty.put('a', 1, 'sound')
    empty.put('b', 1, 'sound')
  }, 1)
  world.lethal.add('a v1')
  world.kill(world.replicas[0]!.incarnation)
  await world.clock.advance(10_000)
  expect([world.answering('a'), world.answering('b')]).toEqual([null, 1])
  expect(world.replicas.map(({ served }) => served?.epoch)).toEqual([world.publisher.plan?.epoch])
})

test.each([
  { proving: 3, loads: 2, serves: 3 },
  { proving: 5, loads: 0, serves: 3 },
  { proving: 3, loads: 3, serves: 1 },
  { proving: 6, loads: 0, serves: 1 },
])(
  'with 5 retries, $proving failed proofs and $loads failed loads leave v$serves',
  async (each) => {
    const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
    world.put('a', 3, 'sound')
    world.flaws.set('a v3', each.proving)
    world.hitches.set('a v3', each.loads)
    await world.reload(400_000)
    expect(world.answering('a')).toBe(each.serves)
    expect(world.proved.filter((key) => key === 'a v3')).toHaveLength(6)
    // What was given up is tried again by the next scan.
    await world.reload()
    expect(world.answering('a')).toBe(3)
  },
)

/** Nobody serves `a` any more, its files hang, and successors load what it was the third time. */
const strand = (world: PlanningWorld): void => {
  for (const { incarnation } of world.replicas) world.kill(incarnation)
  world.hitches.set('a v3', 3)
  world.put('a', 3, 'hanging')
  world.loadMs = 59_000
}

test('a version that can be loaded again serves on, though it had failed before', async () => {
  const world = await settledWorld((empty) => {
    empty.put('a', 3, 'sound')
    empty.put('b', 1, 'sound')
  })
  strand(world)
  world.damage('b', 1)
  world.put('b', 1, 'sound')
  await world.clock.advance(1000)
  await world.reload(1_000_000)
  expect(world.written.flatMap(({ unavailable }) => unavailable)).toEqual([])
  expect(world.publisher.plan?.versions).toMatchObject([
    { provenSha256: 'a/3/sound/1' },
    { provenSha256: 'b/1/sound/4' },
  ])
})

test('an older version is proved once the one that served cannot be loaded any more', async () => {
  const world = await settledWorld((empty) => {
    empty.put('a', 1, 'sound')
    empty.put('a', 3, 'sound')
  })
  strand(world)
  await world.clock.advance(1000)
  await world.reload(1_000_000)
  expect(world.answering('a')).toBe(1)
})

test('work that is due for ever leaves the event loop its turns', async () => {
  const world = new PlanningWorld()
  Object.defineProperty(world.catalog, 'retryAtMs', { get: () => 0 })
  world.connect(0)
  world.planning.start(null)
  await world.clock.advance(100)
  const closed = world.planning.close()
  await world.clock.advance(100)
  await closed
})
