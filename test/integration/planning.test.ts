/** From the folder to an epoch, with real processes: what goes wrong takes nothing away. */

import { chmodSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { untilListening } from '../helpers/caught-signals.ts'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { endless, scaleAdd } from '../helpers/models.ts'
import { processesNaming, signal } from '../helpers/reaper.ts'
import { makeRepository, writeTree } from '../helpers/repository.ts'
import { until } from '../helpers/until.ts'

const GARBAGE = Buffer.from('<html>404</html>')
const BODY = JSON.stringify({
  inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }],
})

const infer = (gateway: TestGateway, model = 'a') => gateway.post(`/v2/models/${model}/infer`, BODY)

/** Version that answers; 0 when none does. */
const answering = async (gateway: TestGateway, model = 'a'): Promise<number> => {
  const response = await infer(gateway, model)
  await response.arrayBuffer()
  return response.status === 200 ? Number(response.headers.get('x-sluice-version')) : 0
}

const untilServing = (gateway: TestGateway, count = 2) =>
  until(async () => (await gateway.replicaPids()).size === count && gateway.isReady(), {
    what: `${count} replicas that serve`,
  })

test('a repository that cannot be read ends a start with a sentence, and leaves nobody', async () => {
  const repository = join(makeRepository({}), 'absent')
  const gateway = await startGateway({ repository, isReadyAwaited: false })
  expect(await gateway.ended).toEqual({ code: 3, signal: null })
  expect(gateway.stderr).toMatch(/✖ REPOSITORY_UNREADABLE: The model repository does not exist/)
  expect(gateway.stderr).not.toMatch(/^\s+at /m)
  expect(processesNaming(gateway.stateDir)).toEqual([])
})

test('adopted replicas serve on while the repository cannot be read', async () => {
  const repository = makeRepository({ 'a/1/model.onnx': scaleAdd(2) })
  const gateway = await startGateway({ repository })
  await untilServing(gateway)
  await gateway.killControl()
  renameSync(repository, `${repository}-away`)
  const { stateDir, httpPort, grpcPort } = gateway
  const successor = await startGateway({ repository, stateDir, httpPort, grpcPort })
  await untilServing(successor)
  const status = await successor.status()
  expect(status).toMatchObject({ ready: true, epoch: 1 })
  expect(status.warnings.join()).toMatch(/The model repository does not exist; what was served/)
  expect(await answering(successor)).toBe(1)
  renameSync(`${repository}-away`, repository)
  writeTree(repository, { 'a/2/model.onnx': scaleAdd(2) })
  successor.reload()
  await until(async () => (await answering(successor)) === 2, { what: 'the new version' })
  expect((await successor.status()).warnings.join()).not.toMatch(/does not exist/)
})

test('SIGHUP while a new control starts up under load fails nobody', async () => {
  const repository = makeRepository({ 'a/1/model.onnx': scaleAdd(2) })
  const gateway = await startGateway({ repository })
  await untilServing(gateway)
  const target = { port: gateway.httpPort, path: '/v2/models/a/infer', body: BODY }
  const load = startClosedLoop(target, 8)
  await load.answered(100)
  await gateway.killControl()
  const { stateDir, httpPort, grpcPort } = gateway
  const beganMs = performance.now()
  const successor = await startGateway({
    repository,
    stateDir,
    httpPort,
    grpcPort,
    isReadyAwaited: false,
  })
  writeTree(repository, { 'a/2/model.onnx': scaleAdd(2) })
  await untilListening(successor.controlPid)
  await until(
    async () => {
      successor.reload()
      return (await answering(successor)) === 2
    },
    // A load without end leaves the proving run little of two cores.
    { what: 'the new version', everyMs: 5, timeoutMs: 20_000 },
  )
  await load.answered(100)
  // However often it is asked, what control does by time has its turn in between.
  const reloadsMax = (performance.now() - beganMs) / 100 + 1
  expect(successor.stderr.match(/"reload"/g)?.length).toBeLessThan(reloadsMax)
  const { answers, broken } = await load.stop()
  expect(broken).toBe(0)
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
})

test('a reload while no replica lives is carried out when one does', async () => {
  const repository = makeRepository({ 'a/1/model.onnx': scaleAdd(2) })
  const gateway = await startGateway({ repository, replicas: 1 })
  writeTree(repository, { 'a/2/model.onnx': scaleAdd(2) })
  const [pid] = (await gateway.replicaPids()).values()
  signal(pid!, 'SIGKILL')
  gateway.reload()
  await until(async () => (await answering(gateway)) === 2, { what: 'the new version' })
})

test('a proven copy that is damaged is made again for the replica that needs it', async () => {
  const repository = makeRepository({ 'a/1/model.onnx': scaleAdd(2) })
  const gateway = await startGateway({ repository })
  await untilServing(gateway)
  const proven = join(gateway.stateDir, 'proven')
  const copy = join(proven, readdirSync(proven).find((name) => name.endsWith('.onnx'))!)
  const whole = readFileSync(copy)
  chmodSync(copy, 0o600)
  writeFileSync(copy, whole.subarray(0, whole.length >> 1))
  const killed = await gateway.killReplica(1)
  const pids = async () => [...(await gateway.replicaPids()).values()]
  await until(async () => !(await pids()).includes(killed), { what: 'its end to be known' })
  await untilServing(gateway)
  expect(readFileSync(copy).equals(whole)).toBe(true)
  expect((await gateway.status()).epoch).toBe(1)
})

test('a restart with a bad newest version serves what served before', async () => {
  const repository = makeRepository({ 'a/1/model.onnx': scaleAdd(2) })
  const gateway = await startGateway({ repository })
  writeTree(repository, { 'a/2/model.onnx': scaleAdd(2) })
  gateway.reload()
  await until(async () => (await answering(gateway)) === 2, { what: 'version 2' })
  expect((await gateway.status()).endpoints[0]?.revision).toBe(2)
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  writeTree(repository, { 'a/3/model.onnx': GARBAGE })
  const again = await startGateway({ repository, stateDir: gateway.stateDir })
  expect(await answering(again)).toBe(2)
  expect((await again.status()).endpoints[0]?.revision).toBe(2)
  expect(await again.version('a', 3)).toMatchObject({ state: 'failed' })
})

test('a version that serves and is overwritten with garbage serves on, and says so', async () => {
  const repository = makeRepository({ 'a/1/model.onnx': scaleAdd(2) })
  const gateway = await startGateway({ repository })
  await untilServing(gateway)
  writeTree(repository, { 'a/1/model.onnx': GARBAGE })
  gateway.reload()
  const warned = async () => (await gateway.status()).warnings.join().includes('serves as it was')
  await until(warned, { what: 'the warning' })
  expect(await answering(gateway)).toBe(1)
  expect(await gateway.version('a', 1)).toMatchObject({ state: 'available', code: null })
  expect((await gateway.status()).epoch).toBe(1)
})

test('a neighbour that hangs while it is proved holds up nobody', async () => {
  const repository = makeRepository({
    'a/1/model.onnx': scaleAdd(2),
    'endless/1/model.onnx': endless(),
  })
  const gateway = await startGateway({ repository, isReadyAwaited: false })
  await until(async () => (await answering(gateway)) === 1, { what: 'the sound model' })
  const { ready, reasons } = await gateway.status()
  expect([ready, reasons]).toEqual([false, ['endless is still being proved']])
  expect(await gateway.version('endless', 1)).toMatchObject({ state: 'loading' })
  writeTree(repository, { 'a/2/model.onnx': scaleAdd(2) })
  gateway.reload()
  await until(async () => (await answering(gateway)) === 2, { what: 'the new version' })
  // SIGTERM ends what is proved: nobody waits for it, and no epoch follows.
  const { epoch } = await gateway.status()
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  expect(processesNaming(gateway.stateDir)).toEqual([])
  const stored = JSON.parse(readFileSync(join(gateway.stateDir, 'epoch.json'), 'utf8'))
  expect(stored.epoch).toBe(epoch)
})
