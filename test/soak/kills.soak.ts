/**
 * A gateway under load whose processes die, one after the other and in any order. After each death
 * everything serves again, and nothing was lost but what was in flight on the process that died.
 *
 * SLUICE_TEST_RUNS_FACTOR=1000 makes it 200 blows, SLUICE_TEST_SEED repeats those of another run.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { spreadOf } from '../../bench/measure/statistics.ts'
import { BLAME_MS } from '../../src/control/blame/blame.ts'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { copyExample, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { processesNaming, signal } from '../helpers/reaper.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { until } from '../helpers/until.ts'

const CLIENTS = 8
const BODY = JSON.stringify({ features: FLIGHT })

/** What happens: a signal to a replica, the death of control, or another champion. */
const BLOWS = ['SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGSTOP', 'control', 'alias'] as const
type Blow = (typeof BLOWS)[number]

const blow = fc.oneof(
  ...BLOWS.map((name) => ({ weight: name === 'SIGSTOP' ? 1 : 6, arbitrary: fc.constant(name) })),
)

interface World {
  gateway: TestGateway
  readonly repository: string
  champion: number
  /** When replicas died of a fault, in milliseconds. */
  faultsMs: number[]
}

/** A third fault within the time of blame makes the champion poison (test/fault/poison.test.ts). */
const withoutBlame = (world: World, name: Blow): Blow => {
  if (name !== 'SIGSEGV') return name
  const nowMs = performance.now()
  world.faultsMs = world.faultsMs.filter((atMs) => nowMs - atMs <= BLAME_MS)
  if (world.faultsMs.length === 2) return 'SIGKILL'
  world.faultsMs.push(nowMs)
  return name
}

/** A new control takes over the folder, the port and the replicas of the one that died. */
const replaceControl = async (world: World): Promise<void> => {
  const { gateway, repository } = world
  const before = await gateway.replicaPids()
  await gateway.killControl()
  const { stateDir, httpPort, grpcPort } = gateway
  world.gateway = await startGateway({ repository, stateDir, httpPort, grpcPort })
  expect(await world.gateway.replicaPids()).toEqual(before)
}

const moveAlias = async (world: World): Promise<void> => {
  const { gateway, repository } = world
  const { epoch } = await gateway.status()
  world.champion = 3 - world.champion
  const aliases = join(repository, 'flight-delay', 'aliases.json')
  writeFileSync(aliases, JSON.stringify({ champion: world.champion }))
  gateway.reload()
  await until(async () => (await gateway.status()).epoch > epoch, { what: 'a new epoch' })
}

const hitReplica = async (gateway: TestGateway, index: number, name: Blow): Promise<void> => {
  const before = (await gateway.replicaPids()).get(index)!
  signal(before, name as NodeJS.Signals)
  await until(async () => ![undefined, before].includes((await gateway.replicaPids()).get(index)), {
    what: `a successor of replica ${index} after ${name}`,
    timeoutMs: 60_000,
  })
}

const isOfReplica = (name: Blow): boolean => name.startsWith('SIG')

const play = async (world: World, name: Blow, index: number): Promise<number> => {
  const load = startClosedLoop(
    { port: world.gateway.httpPort, path: '/predict', body: BODY },
    CLIENTS,
  )
  await load.answered(100)
  const startedMs = performance.now()
  if (name === 'control') await replaceControl(world)
  else if (name === 'alias') await moveAlias(world)
  else await hitReplica(world.gateway, index, name)
  await world.gateway.untilSettled()
  const tookMs = performance.now() - startedMs
  await load.answered(100)
  const { answers, broken } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  // A client that connects again at once may meet the listener of the same dying process.
  expect(broken, `${name} ${index}`).toBeLessThanOrEqual(isOfReplica(name) ? 2 * CLIENTS : 0)
  expect(answers.at(-1)!.version).toBe(String(world.champion))
  return tookMs
}

test('deaths in any order lose nothing but what was in flight', async () => {
  const steps = fc.sample(fc.tuple(blow, fc.nat({ max: 1 })), { numRuns: propertyRuns(0.2) })
  console.log(`${steps.length} blows, seed ${fc.readConfigureGlobal().seed}`)
  const repository = copyExample()
  const gateway = await startGateway({ repository })
  const world: World = { gateway, repository, champion: 1, faultsMs: [] }
  const tookMs = new Map<Blow, number[]>()
  for (const [number, [drawn, index]] of steps.entries()) {
    const name = withoutBlame(world, drawn)
    const ms = await play(world, name, index)
    tookMs.set(name, [...(tookMs.get(name) ?? []), ms])
    console.log(`${number + 1}: ${name} ${isOfReplica(name) ? index : ''} ${ms.toFixed(0)} ms`)
  }
  for (const [name, all] of tookMs) {
    const { median, highest } = spreadOf(all)
    console.log(
      `${name} x${all.length}: median ${median.toFixed(0)}, most ${highest.toFixed(0)} ms`,
    )
  }
  const { stateDir } = world.gateway
  expect(await world.gateway.stop()).toEqual({ code: 0, signal: null })
  expect(processesNaming(stateDir)).toEqual([])
})
