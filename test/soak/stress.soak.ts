/**
 * Everything at once, for minutes (Triton's L0_long_running_stress): steady clients of models good
 * and bad, clients that crash, send nonsense or cannot wait, while versions are swapped and
 * replicas killed. Every request that was accepted gets exactly one answer, its own; counters add
 * up; memory is back.
 *
 * SLUICE_SOAK_STRESS_SECONDS takes another length, SLUICE_TEST_SEED repeats another run.
 */

import { renameSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BLAME_MS } from '../../src/control/blame/blame.ts'
import { abortMany } from '../helpers/aborting-clients.ts'
import { type LoopAnswer, startClosedLoop } from '../helpers/closed-loop.ts'
import { type Random, randomOf } from '../helpers/fuzz/random.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { metricSum, residentMib, untilQuiet } from '../helpers/gateway-figures.ts'
import { mlp, scaleAdd } from '../helpers/models.ts'
import { processesNaming } from '../helpers/reaper.ts'
import { makeRepository, writeTree } from '../helpers/repository.ts'
import { nanModel, slowModel, TRIGGER, throwingModel } from '../helpers/slow-models.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const SECONDS = Number(process.env['SLUICE_SOAK_STRESS_SECONDS'] ?? 600)
const CLIENTS = 4
/** Of both replicas, over what they had when all of it had gone on for a tenth of the time. */
const GROWTH_MIB_MAX = 96
const EPILOGUE = 200
/** Control sees a death later than we do. */
const FAULT_SEEN_MS = 5_000

const rowOf = (...row: readonly number[]): string =>
  JSON.stringify({ inputs: [{ name: 'x', shape: [1, row.length], datatype: 'FP32', data: row }] })

const dataOf = (answer: LoopAnswer): string =>
  JSON.stringify(JSON.parse(answer.body).outputs?.[0]?.data ?? null)

interface Actor {
  readonly name: string
  readonly model: string
  readonly body: string
  /** Whether an answer is one that this request may have. */
  isRight(answer: LoopAnswer): boolean
}

const isOk = (answer: LoopAnswer, data: string): boolean =>
  answer.status === 200 && dataOf(answer) === data

const ACTORS: readonly Actor[] = [
  { name: 'scale', model: 'scale', body: rowOf(1, 2), isRight: (a) => isOk(a, '[3,5]') },
  { name: 'slow', model: 'slow', body: rowOf(4, 5), isRight: (a) => isOk(a, '[4,5]') },
  { name: 'pooled', model: 'pooled', body: rowOf(6, 7), isRight: (a) => isOk(a, '[6,7]') },
  { name: 'swapped', model: 'swapped', body: rowOf(1, 2, 3), isRight: (a) => a.status === 200 },
  { name: 'nan', model: 'nan', body: rowOf(TRIGGER, 1), isRight: (a) => a.status === 500 },
  { name: 'nan beside', model: 'nan', body: rowOf(8, 9), isRight: (a) => isOk(a, '[8,9]') },
  { name: 'throws', model: 'throws', body: rowOf(TRIGGER, 1), isRight: (a) => a.status === 500 },
  { name: 'throws beside', model: 'throws', body: rowOf(1, 9), isRight: (a) => isOk(a, '[1,9]') },
  { name: 'unknown', model: 'nosuch', body: rowOf(1), isRight: (a) => a.status === 404 },
  { name: 'no JSON', model: 'scale', body: '{"inputs": [}', isRight: (a) => a.status === 400 },
  { name: 'wide', model: 'scale', body: rowOf(1, 2, 3), isRight: (a) => a.status === 400 },
]

const pathOf = (model: string): string => `/v2/models/${model}/infer`

interface World {
  readonly gateway: TestGateway
  readonly repository: string
  readonly random: Random
  version: number
  swaps: number
  kills: number
  /** When a replica last died as a fault of native code would have it. Monotonic. */
  faultAtMs: number
}

const publish = (): string =>
  makeRepository({
    'scale/1/model.onnx': scaleAdd(2),
    'slow/1/model.onnx': slowModel({ usPerRow: 2000 }),
    'slow/model.yaml': 'placement: inline\n',
    'pooled/1/model.onnx': slowModel({ usPerRow: 2000, usPerRun: 1000 }),
    'pooled/model.yaml': 'placement: pooled\n',
    'swapped/1/model.onnx': mlp([3, 16, 1], 1),
    'nan/1/model.onnx': nanModel(),
    'throws/1/model.onnx': throwingModel(),
  })

/** Another version of `swapped`, complete at once, that answers from then on. */
const swap = async (world: World): Promise<void> => {
  const { gateway, repository } = world
  world.version++
  const fresh = makeTempDir('fresh')
  writeTree(fresh, { 'v/model.onnx': mlp([3, 16, 1], world.version) })
  renameSync(join(fresh, 'v'), join(repository, 'swapped', String(world.version)))
  gateway.reload()
  await until(
    async () => {
      const answer = await gateway.post(pathOf('swapped'), rowOf(1, 2, 3))
      const { model_version: version } = (await answer.json()) as { model_version?: string }
      return version === String(world.version)
    },
    { what: `version ${world.version}`, timeoutMs: 60_000 },
  )
  world.swaps++
}

const kill = async (world: World): Promise<void> => {
  const { gateway, random } = world
  // Two faults within a minute while the same version runs make it poison, and rightly so.
  const mayFault = performance.now() - world.faultAtMs > BLAME_MS + FAULT_SEEN_MS
  const name = random.pick(['SIGKILL', 'SIGTERM', mayFault ? 'SIGSEGV' : 'SIGKILL'] as const)
  const index = random.below(2)
  const before = (await gateway.replicaPids()).get(index)
  await gateway.killReplica(index, name)
  await until(async () => ![undefined, before].includes((await gateway.replicaPids()).get(index)), {
    what: `a successor of replica ${index}`,
    timeoutMs: 60_000,
  })
  world.kills++
  if (name === 'SIGSEGV') world.faultAtMs = performance.now()
}

const crash = ({ gateway, random }: World): Promise<void> =>
  abortMany(gateway.httpPort, 200, random, (choices) => {
    const { model, body } = choices.pick(ACTORS)
    const head = `POST ${pathOf(model)} HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}`
    return `${head}\r\n\r\n${body}`
  })

const impatient = async ({ gateway }: World): Promise<void> => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, async (_, i) => {
      const headers = { 'x-sluice-timeout-ms': String(1 + i) }
      const response = await gateway.post(pathOf('slow'), rowOf(4, 5), headers)
      await response.arrayBuffer()
      return response.status
    }),
  )
  expect(answers.filter((status) => status !== 200 && status !== 503)).toEqual([])
}

/** Kills are rare: what is in flight on a replica that dies is lost, and little else is seen. */
const STEPS = [swap, swap, crash, crash, crash, impatient, impatient, kill] as const

const startLoops = (gateway: TestGateway, wrong: string[]) =>
  ACTORS.map((actor) => {
    const target = { port: gateway.httpPort, path: pathOf(actor.model), body: actor.body }
    return startClosedLoop(target, CLIENTS, (answer) => {
      const isOwn = answer.requestId === answer.sentId
      if (isOwn && actor.isRight(answer)) return
      wrong.push(`${actor.name}: ${answer.status} ${answer.requestId} ${answer.body.slice(0, 200)}`)
    })
  })

test('everything at once, for long', async () => {
  const seed = fc.readConfigureGlobal().seed ?? 1
  const repository = publish()
  const gateway = await startGateway({ repository, readyTimeoutMs: 60_000 })
  const world: World = {
    ...{ gateway, repository, random: randomOf(seed), version: 1, swaps: 0, kills: 0 },
    faultAtMs: Number.NEGATIVE_INFINITY,
  }
  const wrong: string[] = []
  const loops = startLoops(gateway, wrong)
  const startMs = performance.now()
  const passed = () => (performance.now() - startMs) / 1000
  let baseMib = 0
  for (let step = 0; passed() < SECONDS; step++) {
    await world.random.pick(STEPS)(world)
    await gateway.untilSettled(60_000)
    if (baseMib === 0 && passed() > SECONDS / 10) baseMib = await residentMib(gateway)
    if (step % 20 === 0) {
      const mib = await residentMib(gateway)
      console.log(
        `${passed().toFixed(0)} s: ${world.swaps} swaps, ${world.kills} kills, ${mib} MiB`,
      )
    }
  }
  const results = await Promise.all(loops.map((loop) => loop.stop()))
  const answered = results.reduce((sum, one) => sum + one.answered, 0)
  const broken = results.reduce((sum, one) => sum + one.broken, 0)
  console.log(`seed ${seed}: ${answered} answers, ${broken} broken, ${world.kills} kills`)
  expect(wrong.slice(0, 20)).toEqual([])
  // A client may be in flight on the replica that dies, and meet its listener once more.
  expect(broken).toBeLessThanOrEqual(2 * CLIENTS * ACTORS.length * world.kills)
  await untilQuiet(gateway, ['sluice_connections'])
  expect((await residentMib(gateway)) - baseMib).toBeLessThan(GROWTH_MIB_MAX)
  await expectExact(gateway)
  const { stateDir } = gateway
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  expect(processesNaming(stateDir)).toEqual([])
})

/** When all is quiet again, counters are exact: each request once, by what became of it. */
const expectExact = async (gateway: TestGateway): Promise<void> => {
  const countOf = (outcome: string) => metricSum(gateway, 'sluice_requests_total', { outcome })
  const counts = async () => Promise.all(['ok', 'failed', 'aborted'].map(countOf))
  const before = await counts()
  for (let i = 0; i < EPILOGUE; i++) {
    const row = i % 2 === 0 ? rowOf(1, i) : rowOf(TRIGGER, i)
    const response = await gateway.post(pathOf('throws'), row)
    await response.arrayBuffer()
    expect(response.status).toBe(i % 2 === 0 ? 200 : 500)
  }
  await untilQuiet(gateway)
  const after = await counts()
  const risen = after.map((count, i) => count - before[i]!)
  expect(risen).toEqual([EPILOGUE / 2, EPILOGUE / 2, 0])
}
