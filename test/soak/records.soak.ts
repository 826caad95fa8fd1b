/**
 * A gateway under load that writes its predictions down, and whose processes die one after the
 * other: replicas, the shipper, control, some of them at once, or hang. After each death everything
 * serves and ships again; under `process` nothing that was answered is lost, and under every
 * durability it is known of each sequence number what became of it.
 *
 * SLUICE_TEST_RUNS_FACTOR=1000 makes it 100 blows each, SLUICE_TEST_SEED repeats those of another
 * run.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signal } from '../helpers/reaper.ts'
import { expectAccounted, expectKept, untilRead, untilShipped } from '../helpers/records/books.ts'
import { type RecordedGateway, startRecorded } from '../helpers/records/recorded-gateway.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { until } from '../helpers/until.ts'

const BLOWS: Readonly<Record<string, (world: RecordedGateway, index: number) => Promise<void>>> = {
  replica: (world, index) => world.killReplica(index),
  shipper: (world) => world.killShipper(),
  control: (world) => world.replaceControl(),
  'shipper and replica': async (world, index) => {
    signal(world.shipperPid(), 'SIGKILL')
    await world.killReplica(index)
  },
  'control while the shipper hangs': async (world) => {
    const hanging = await until(() => world.shipperPid(), { what: 'a shipper' })
    signal(hanging, 'SIGSTOP')
    await world.replaceControl()
    await until(() => ![0, hanging].includes(world.shipperPid()), {
      what: 'another shipper',
      timeoutMs: 60_000,
    })
  },
  'replica in order': async (world, index) => {
    const before = (await world.gateway.replicaPids()).get(index)!
    signal(before, 'SIGTERM')
    await until(
      async () => ![undefined, before].includes((await world.gateway.replicaPids()).get(index)),
      { what: 'its successor', timeoutMs: 60_000 },
    )
  },
  everything: async (world) => {
    signal(world.shipperPid(), 'SIGKILL')
    for (const pid of (await world.gateway.replicaPids()).values()) signal(pid, 'SIGKILL')
    await world.replaceControl()
  },
}

const NAMES = Object.keys(BLOWS)

/** Blows between two looks at the books. */
const BLOWS_A_LOOK = 5

const look = async (world: RecordedGateway, keepsAll: boolean): Promise<void> => {
  await untilRead(world.gateway, 60_000)
  const books = await untilShipped(world.gateway, 60_000)
  await expectAccounted(world.path, world.stateDir, books)
  if (!keepsAll) return
  expect(books.undurable).toBe(0)
  await expectKept(world.ids, world.path, world.stateDir)
}

const blow = async (world: RecordedGateway, name: string, index: number): Promise<void> => {
  const load = world.load()
  await load.answered(100)
  const startMs = performance.now()
  console.log(`${name} ...`)
  await BLOWS[name]!(world, index)
  await world.gateway.untilSettled(60_000)
  console.log(`${name} ${index}: ${(performance.now() - startMs).toFixed(0)} ms`)
  await load.answered(100)
  const { refused } = await load.stop()
  expect(refused).toEqual([])
}

const run = async (durability: string): Promise<void> => {
  const step = fc.tuple(fc.constantFrom(...NAMES), fc.nat({ max: 1 }))
  const steps = fc.sample(step, { numRuns: propertyRuns(0.1) })
  console.log(`${durability}: ${steps.length} blows, seed ${fc.readConfigureGlobal().seed}`)
  const world = await startRecorded({ records: { DURABILITY: durability } })
  for (const [number, [name, index]] of steps.entries()) {
    await blow(world, name, index)
    if ((number + 1) % BLOWS_A_LOOK === 0) await look(world, durability !== 'memory')
  }
  await look(world, durability !== 'memory')
  await world.stop()
  await expectAccounted(world.path, null)
  console.log(`${world.ids.length} answers`)
}

for (const durability of ['process', 'memory', 'power']) {
  test(`deaths in any order under \`${durability}\` leave nothing unexplained`, () =>
    run(durability))
}
