import { expect, test } from 'vitest'
import { FakeClock } from '../../../helpers/fake-clock.ts'
import { PlanningWorld } from '../../../helpers/planning-world.ts'

/** An explicit world of one replica with models a and b, of which nothing is loaded. */
const explicitWorld = async (loadModels: readonly string[] = []): Promise<PlanningWorld> => {
  const world = new PlanningWorld(null, new FakeClock(), {
    settings: { mode: 'explicit', loadModels },
  })
  world.put('a', 1, 'sound')
  world.put('b', 1, 'sound')
  world.connect(0)
  world.planning.start(null)
  await world.clock.advance(2000)
  return world
}

const names = (world: PlanningWorld) => world.publisher.plan?.endpoints.map(({ name }) => name)

/** What becomes of a call within `ms`. */
const within = async <T>(world: PlanningWorld, call: Promise<T>, ms = 5000): Promise<T> => {
  let hasEnded = false
  void call.then(() => {
    hasEnded = true
  })
  await world.clock.advance(ms)
  if (!hasEnded) throw new Error(`There is no answer after ${ms} ms`)
  return call
}

test('load() answers once the model serves, and a load of what is loaded is cheap', async () => {
  const world = await explicitWorld()
  expect(names(world)).toEqual([])
  expect(await within(world, world.loads.load('a'))).toBe('')
  expect(names(world)).toEqual(['a'])
  expect(world.requests).toEqual({ loaded: ['a'], unloaded: [] })
  const { length } = world.written
  expect(await within(world, world.loads.load('a'))).toBe('')
  expect(world.written).toHaveLength(length)
})

test('load() of a model that was poison lets it in again', async () => {
  const world = await explicitWorld(['a'])
  world.poison.add('b')
  world.poison.add('c')
  expect(await within(world, world.loads.load('b'))).toBe('')
  expect(names(world)).toEqual(['a', 'b'])
  expect([...world.poison]).toEqual(['c'])
})

test('load() takes what has changed, and an unload the model away', async () => {
  const world = await explicitWorld(['a'])
  world.put('a', 2, 'sound')
  world.put('b', 2, 'sound')
  expect(await within(world, world.loads.load('a'))).toBe('')
  expect([world.answering('a'), world.answering('b')]).toEqual([2, null])
  expect(await within(world, world.loads.unload('a'))).toBe('')
  expect([names(world), world.publisher.plan?.unavailable]).toEqual([[], []])
  await world.reload()
  expect(names(world)).toEqual([])
})

test.each<[string, 'bad' | 'faulty' | 'selfish' | 'unloadable' | 'deadly', RegExp]>([
  ['that is bad', 'bad', /^failed to load 'c', version 1 is at UNAVAILABLE state: MODEL_INVALID/],
  ['with a torn manifest', 'faulty', /MANIFEST_INVALID/],
  ['that cannot keep its contract', 'selfish', /BINDING_FAILED/],
  ['that replicas cannot load', 'unloadable', /PREPARE_FAILED/],
  ['that kills replicas', 'deadly', /PREPARE_FAILED: A replica died/],
])('load() of a model %s says why, and leaves it unloaded', async (_, nature, message) => {
  const world = await explicitWorld(['a'])
  world.put('c', 1, nature)
  const refusal = await within(world, world.loads.load('c'), 60_000)
  expect(refusal).toMatchObject({ code: 'LOAD_FAILED', detail: expect.stringMatching(message) })
  await world.clock.advance(200_000)
  expect([names(world), world.publisher.plan?.unavailable]).toEqual([['a'], []])
  expect(world.planning.isSettled).toBe(true)
})

test.each(['bad', 'faulty', 'selfish', 'unloadable', 'deadly'] as const)(
  'load() of a new version that is %s leaves the old one serving',
  async (nature) => {
    const world = await explicitWorld(['a'])
    world.put('a', 2, nature)
    const refusal = await within(world, world.loads.load('a'), 60_000)
    expect(refusal).toMatchObject({ code: 'LOAD_FAILED' })
    expect(world.answering('a')).toBe(1)
    await world.clock.advance(200_000)
    expect(world.answering('a')).toBe(1)
  },
)

test('load() and unload() refuse what is not there, or has no name of a model', async () => {
  const world = await explicitWorld()
  for (const name of ['c', '../a', '']) {
    expect(await within(world, world.loads.load(name))).toEqual({
      code: 'LOAD_FAILED',
      detail: `failed to load '${name}', failed to poll from model repository`,
    })
    expect(await within(world, world.loads.unload(name))).toMatchObject({ code: 'LOAD_FAILED' })
  }
  expect(world.requests).toEqual({ loaded: [], unloaded: [] })
})

test('load() of what serves leaves it serving, with a disk that is full', async () => {
  const world = await explicitWorld(['a'])
  await within(world, world.loads.load('b'))
  world.isDiskFull = true
  expect(await within(world, world.loads.load('a'))).toMatchObject({ code: 'LOAD_FAILED' })
  expect(await within(world, world.loads.load('b'))).toBe('')
  world.isDiskFull = false
  await world.reload()
  expect(names(world)).toEqual(['a', 'b'])
})

test('load() that fails leaves what the config wants wanted, and tried again', async () => {
  const world = await explicitWorld(['c'])
  world.put('c', 1, 'sound')
  world.flaws.set('c v1', 2)
  const loads = [world.loads.load('c'), world.loads.load('c')]
  for (const load of loads) {
    expect(await within(world, load, 500)).toMatchObject({ code: 'LOAD_FAILED' })
  }
  expect(world.requests).toEqual({ loaded: [], unloaded: [] })
  await world.clock.advance(5000)
  expect(names(world)).toEqual(['c'])
})

test('loads that fail together leave a model unwanted, and later ones start anew', async () => {
  const world = await explicitWorld(['a'])
  world.put('c', 1, 'bad')
  const loads = [world.loads.load('c'), world.loads.load('c')]
  for (const load of loads) {
    expect(await within(world, load)).toMatchObject({ code: 'LOAD_FAILED' })
  }
  expect([world.requests, world.control.isWanted('c')]).toEqual([
    { loaded: [], unloaded: [] },
    false,
  ])
  world.put('c', 2, 'sound')
  expect(await within(world, world.loads.load('c'))).toBe('')
  expect(world.requests).toEqual({ loaded: ['c'], unloaded: [] })
})

test('unload() that is not stored, or not done in time, says so', async () => {
  const world = await explicitWorld(['a'])
  world.isDiskFull = true
  expect(await within(world, world.loads.unload('a'))).toMatchObject({
    code: 'LOAD_FAILED',
    detail: expect.stringMatching(/^failed to unload 'a', .*disk is full/),
  })
  expect(world.control.isWanted('a')).toBe(true)
  world.isDiskFull = false
  world.loadMs = 20_000
  const loaded = world.loads.load('b')
  await world.clock.advance(100)
  expect(await within(world, world.loads.unload('a'), 10_000)).toEqual({
    code: 'LOAD_FAILED',
    detail: "failed to unload 'a', it still serves; it goes on",
  })
  expect(await within(world, loaded, 30_000)).toBe('')
  expect(names(world)).toEqual(['b'])
})

test('load() and unload() are for the explicit mode only', async () => {
  const world = new PlanningWorld()
  expect(await world.loads.load('a')).toMatchObject({ code: 'FORBIDDEN' })
  expect(await world.loads.unload('a')).toMatchObject({ code: 'FORBIDDEN' })
})

test('load() waits for a copy that is under way, and not for ever', async () => {
  const world = await explicitWorld()
  const copy = () => world.put('c', 1, 'sound', world.clock.now())
  copy()
  const loaded = world.loads.load('c')
  for (let i = 0; i < 10; i++) {
    await world.clock.advance(500)
    expect(names(world)).toEqual([])
    copy()
  }
  expect(await within(world, loaded)).toBe('')
  copy()
  const late = world.loads.load('c')
  for (let i = 0; i < 70; i++) {
    await world.clock.advance(500)
    copy()
  }
  expect(await late).toMatchObject({ detail: expect.stringMatching(/still being written/) })
  expect(names(world)).toEqual(['c'])
})

test('unload() at once after load() wins, and the load hears of it', async () => {
  const world = await explicitWorld()
  world.isProvingSlow = true
  const loaded = world.loads.load('a')
  await world.clock.advance(10)
  expect(await within(world, world.loads.unload('a'))).toBe('')
  world.finishAllProving()
  expect(await within(world, loaded)).toMatchObject({
    detail: "failed to load 'a', it was asked to unload meanwhile",
  })
  expect(names(world)).toEqual([])
})

test('what was asked for outlives control', async () => {
  const before = await explicitWorld(['a'])
  await within(before, before.loads.load('b'))
  await within(before, before.loads.unload('a'))
  const world = new PlanningWorld(null, new FakeClock(), {
    settings: { mode: 'explicit', loadModels: ['a'] },
    requests: before.requests,
  })
  world.put('a', 1, 'sound')
  world.put('b', 1, 'sound')
  world.connect(0, before.publisher.plan)
  world.planning.start(null)
  await world.clock.advance(2000)
  expect(names(world)).toEqual(['b'])
})

test('a disk that is full refuses a load, and lets a model go', async () => {
  const world = await explicitWorld(['a'])
  world.isDiskFull = true
  expect(await within(world, world.loads.load('b'))).toMatchObject({ code: 'LOAD_FAILED' })
  await world.clock.advance(3000)
  world.isDiskFull = false
  await world.clock.advance(3000)
  expect(names(world)).toEqual(['a'])
})
