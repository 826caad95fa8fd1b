import { expect, test } from 'vitest'
import { FakeClock } from '../../../helpers/fake-clock.ts'
import { epochsOf } from '../../../helpers/planning-parts.ts'
import { PlanningWorld, settledWorld } from '../../../helpers/planning-world.ts'

const READING_MS = 0.01

/** As Node's: time passes from one reading to the next, and timers go off a moment early. */
class RestlessClock extends FakeClock {
  readonly #earlyMs: number
  #passedMs = 0

  constructor(earlyMs: number) {
    super()
    this.#earlyMs = earlyMs
  }

  override monotonic(): number {
    this.#passedMs += READING_MS
    return super.monotonic() + this.#passedMs
  }

  override setTimer(delayMs: number, task: () => void): () => void {
    return super.setTimer(delayMs - this.#earlyMs, task)
  }
}

test('Planning makes one epoch of a start, whoever comes first', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  expect(world.answering('a')).toBe(1)
  expect(epochsOf(world)).toEqual([1])
  expect(world.replicas.map(({ served }) => served?.epoch)).toEqual([1, 1])
  expect(world.planning.isSettled).toBe(true)
})

test('start() refuses a repository that cannot be read when nothing is served', () => {
  const world = new PlanningWorld()
  world.isReadable = false
  expect(() => world.planning.start(null)).toThrow('It cannot be read')
})

test('start() serves on what replicas serve when the repository cannot be read', async () => {
  const before = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  const world = new PlanningWorld({ epoch: 1, endpoints: before.written[0]!.endpoints })
  world.connect(0, before.publisher.plan)
  world.isReadable = false
  world.planning.start(null)
  world.connect(1)
  await world.clock.advance(2000)
  expect(world.written).toEqual([])
  expect(world.replicas.map(({ served }) => served?.epoch)).toEqual([1, 1])
  expect(world.planning.warnings()).toEqual([
    'It cannot be read; what was served before is served on',
  ])
  world.isReadable = true
  world.put('a', 1, 'sound')
  world.put('a', 2, 'sound')
  await world.reload()
  expect(world.answering('a')).toBe(2)
  expect(world.planning.warnings()).toEqual([])
})

test('rescan() while it starts makes no epoch without endpoints', async () => {
  const world = new PlanningWorld()
  world.put('a', 1, 'sound')
  world.isProvingSlow = true
  world.connect(0)
  world.planning.start(null)
  await world.clock.advance(100)
  await world.reload(3000)
  expect(world.written).toEqual([])
  world.finishAllProving()
  await world.clock.advance(100)
  expect(world.written.map(({ endpoints }) => endpoints.length)).toEqual([1])
})

test('rescan() coalesces: many wishes are one scan', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  world.proved.length = 0
  for (let i = 0; i < 10; i++) world.planning.rescan(null)
  await world.clock.advance(1000)
  expect(world.proved).toEqual(['a v1'])
})

test('rescan() again and again keeps no version from being proved', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  world.put('a', 2, 'sound')
  world.isProvingSlow = true
  world.proved.length = 0
  for (let i = 0; i < 1000; i++) {
    world.planning.rescan(null)
    await world.clock.advance(5)
  }
  // Version 2 and the one that serves, once a second.
  expect(world.proved.length).toBeLessThanOrEqual(12)
  world.finishAllProving()
  await world.clock.advance(5)
  expect(world.catalog.models.get('a')?.versions.get(2)).toMatchObject({ failure: null })
  world.isProvingSlow = false
  await world.clock.advance(2000)
  expect(world.answering('a')).toBe(2)
})

test('a reload while no replica lives is carried out when one connects', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'), 1)
  world.put('a', 2, 'sound')
  world.kill(world.replicas[0]!.incarnation)
  world.planning.rescan(null)
  await world.clock.advance(50)
  expect(world.replicas).toEqual([])
  expect(world.answering('a')).toBe(1)
  await world.clock.advance(3000)
  expect(world.answering('a')).toBe(2)
  expect(world.replicas[0]!.served?.epoch).toBe(world.publisher.plan?.epoch)
})

test('a version that hangs while it is proved holds up no other', async () => {
  const world = new PlanningWorld()
  world.put('a', 1, 'sound')
  world.put('b', 1, 'sound')
  world.connect(0)
  world.isProvingSlow = true
  world.planning.start(null)
  world.finishProving(0)
  await world.clock.advance(999)
  expect(world.written).toEqual([])
  await world.clock.advance(20)
  expect(world.written).toMatchObject([{ endpoints: [{ name: 'a' }], unavailable: ['b'] }])
  world.finishAllProving()
  await world.clock.advance(100)
  expect(world.written[1]).toMatchObject({ unavailable: [] })
})

test('a champion that is still being proved keeps its place from others', async () => {
  const world = new PlanningWorld()
  world.put('a', 1, 'sound')
  world.put('a', 2, 'sound')
  world.alias('a', 1)
  world.isProvingSlow = true
  world.connect(0)
  world.planning.start(null)
  world.finishProving(1)
  await world.clock.advance(3000)
  expect(world.written).toEqual([])
  world.finishAllProving()
  await world.clock.advance(100)
  expect(world.answering('a')).toBe(1)
})

test('revisions go on over a cold restart, and what served last is what is fallen back to', async () => {
  const before = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  before.put('a', 2, 'sound')
  await before.reload()
  const { epoch, endpoints } = before.written.at(-1)!
  expect(endpoints).toMatchObject([{ name: 'a', revision: 2 }])
  const world = new PlanningWorld({ epoch, endpoints })
  world.put('a', 2, 'sound')
  world.put('a', 3, 'bad')
  world.connect(0)
  world.planning.start(null)
  await world.clock.advance(2000)
  expect(world.written).toMatchObject([{ epoch: 3, endpoints: [{ revision: 2 }] }])
  expect(world.answering('a')).toBe(2)
})

test('a champion that does not exist moves no traffic, at a restart neither', async () => {
  const before = await settledWorld((empty) => {
    for (const version of [3, 4, 5]) empty.put('a', version, 'sound')
    empty.alias('a', 3)
  })
  expect(before.answering('a')).toBe(3)
  before.alias('a', 30)
  await before.reload()
  expect(before.answering('a')).toBe(3)
  const world = new PlanningWorld({ epoch: 1, endpoints: before.written[0]!.endpoints })
  for (const version of [5, 4, 3]) world.put('a', version, 'sound')
  world.alias('a', 30)
  world.isProvingSlow = true
  world.connect(0)
  world.planning.start(null)
  world.finishProving(world.proved.indexOf('a v5'))
  await world.clock.advance(3000)
  expect(world.answering('a')).toBeNull()
  world.finishAllProving()
  await world.clock.advance(1000)
  expect(world.written.map(() => world.answering('a'))).toEqual([3])
})

test('a disk that is full leaves the present epoch, and is tried again', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  world.put('a', 2, 'sound')
  world.isDiskFull = true
  await world.reload(10_000)
  expect(world.answering('a')).toBe(1)
  expect(world.planning.warnings()).toEqual(['The present epoch stays: The disk is full'])
  world.isDiskFull = false
  await world.clock.advance(3000)
  expect(world.answering('a')).toBe(2)
  expect(world.planning.warnings()).toEqual([])
})

test('a default endpoint that names nothing is said, one that is unavailable is kept', async () => {
  const world = await settledWorld((empty) => {
    empty.put('a', 1, 'sound')
    empty.put('b', 1, 'bad')
  })
  world.planning.rescan('b')
  await world.clock.advance(2000)
  expect(world.publisher.plan).toMatchObject({ defaultEndpoint: 'b', unavailable: ['b'] })
  world.planning.rescan('c')
  await world.clock.advance(2000)
  expect(world.publisher.plan?.defaultEndpoint).toBeNull()
  expect(world.planning.warnings()).toEqual(["default_endpoint 'c' names no endpoint"])
})

test('close() lets nothing be written or committed any more', async () => {
  const world = await settledWorld((empty) => empty.put('a', 1, 'sound'))
  world.put('a', 2, 'sound')
  world.planning.rescan(null)
  // Both replicas are asked, none has answered yet.
  await world.clock.advance(2)
  const closed = world.planning.close()
  await world.clock.advance(100_000)
  await closed
  expect(epochsOf(world)).toEqual([1])
  expect(world.replicas.map(({ served }) => served?.epoch)).toEqual([1, 1])
})

test('what is tried again later is tried, however early its timer goes off', async () => {
  for (let readings = 1; readings <= 30; readings++) {
    const world = new PlanningWorld(null, new RestlessClock(readings * READING_MS))
    world.put('a', 1, 'sound')
    world.connect(0)
    world.planning.start(null)
    await world.clock.advance(2000)
    world.put('a', 2, 'sound')
    // Nobody knows of its death yet: it is asked to prepare, in vain.
    world.kill(world.replicas[0]!.incarnation)
    await world.reload(10_000)
    expect([readings, world.answering('a')]).toEqual([readings, 2])
  }
})
