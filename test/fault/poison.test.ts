import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { hangingModel, slowModel, TRIGGER } from '../helpers/slow-models.ts'
import { until } from '../helpers/until.ts'

const bodyOf = (...data: number[]) =>
  JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data }] })

const GUILTY = 2
const PINNED = `/v2/models/m/versions/${GUILTY}/infer`

/** Version 1 of m is sound; nobody falls back to anything else. */
const repositoryWith = (guilty: Uint8Array) =>
  makeRepository({
    'm/1/model.onnx': scaleAdd(2),
    [`m/${GUILTY}/model.onnx`]: guilty,
    'm/aliases.json': { champion: GUILTY, spare: 1 },
  })

const untilPoison = (gateway: TestGateway) =>
  until(async () => (await gateway.version('m', GUILTY))?.state === 'poison', {
    what: 'poison',
    timeoutMs: 30_000,
    everyMs: 50,
  })

/** Kills a replica, and resolves when another serves in its place. */
const kill = async (gateway: TestGateway, index: number, name: NodeJS.Signals): Promise<void> => {
  const killed = await gateway.killReplica(index, name)
  const isReplaced = async () => {
    const pids = await gateway.replicaPids()
    return pids.size === 2 && pids.get(index) !== killed
  }
  await until(isReplaced, { what: 'the next replica', timeoutMs: 20_000, everyMs: 50 })
}

const answeredBy = async (gateway: TestGateway) => {
  const response = await gateway.post('/v2/models/m/infer', bodyOf(1, 2))
  await response.arrayBuffer()
  return [response.status, response.headers.get('x-sluice-version')]
}

test('a version that runs at two native faults is poison, for the next control too', async () => {
  // No model here ends its process by itself: the signal that a fault would raise is sent instead.
  const repository = repositoryWith(slowModel({ usPerRow: 10_000 }))
  const gateway = await startGateway({ repository })
  const target = { port: gateway.httpPort, path: PINNED, body: bodyOf(1, 2) }
  const load = startClosedLoop(target, 16)
  await load.answered(8)
  await kill(gateway, 0, 'SIGSEGV')
  await load.answered(8)
  expect((await gateway.version('m', GUILTY))?.state).toBe('available')
  await gateway.killReplica(1, 'SIGSEGV')
  await untilPoison(gateway)
  expect(await gateway.version('m', GUILTY)).toMatchObject({
    code: 'VERSION_POISONED',
    reason: expect.stringContaining('SIGSEGV'),
  })
  await load.stop()
  await until(async () => (await answeredBy(gateway))[1] === '1', {
    what: 'the fallback',
    timeoutMs: 30_000,
  })
  gateway.reload()
  await gateway.killControl()
  const { stateDir, httpPort, grpcPort } = gateway
  const next = await startGateway({ repository, stateDir, httpPort, grpcPort })
  expect((await next.version('m', GUILTY))?.state).toBe('poison')
  expect(await answeredBy(next)).toEqual([200, '1'])
  // Other files are another version.
  writeFileSync(join(repository, 'm', String(GUILTY), 'model.onnx'), slowModel({ usPerRow: 10 }))
  next.reload()
  await until(async () => (await answeredBy(next))[1] === String(GUILTY), {
    what: 'its return',
    timeoutMs: 30_000,
  })
})

test('a version whose runs never end is poison after two replicas', async () => {
  // By the watchdog's own limits: shorter ones end replicas that a busy machine keeps waiting.
  const gateway = await startGateway({ repository: repositoryWith(hangingModel()) })
  // One request hangs one replica; which one it reaches, if any, nobody knows.
  const hang = async () => {
    await gateway.post(PINNED, bodyOf(TRIGGER, 1)).catch(() => null)
    return (await gateway.version('m', GUILTY))?.state === 'poison'
  }
  await until(hang, { what: 'poison', timeoutMs: 45_000 })
  await until(async () => (await answeredBy(gateway))[1] === '1', {
    what: 'the fallback',
    timeoutMs: 30_000,
  })
})

test('replicas that an operator kills blame nobody', async () => {
  const gateway = await startGateway({
    repository: repositoryWith(slowModel({ usPerRow: 2_000 })),
  })
  const target = { port: gateway.httpPort, path: PINNED, body: bodyOf(1, 2) }
  const load = startClosedLoop(target, 16)
  for (const name of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
    await load.answered(8)
    await kill(gateway, 0, name)
  }
  await load.stop()
  expect((await gateway.version('m', GUILTY))?.state).toBe('available')
})
