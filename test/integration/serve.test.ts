/** How `sluice serve` begins, is told things, and ends. */

import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { untilListening } from '../helpers/caught-signals.ts'
import { sluice } from '../helpers/cli.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { scaleAdd, slow } from '../helpers/models.ts'
import { processesNaming, signal } from '../helpers/reaper.ts'
import { makeRepository, writeTree } from '../helpers/repository.ts'
import { until } from '../helpers/until.ts'

const lines = ({ stderr }: TestGateway): Record<string, unknown>[] =>
  stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))

const oneModel = () => makeRepository({ 'a/1/model.onnx': scaleAdd(2) })

test('says where it serves in one line, whatever log.level is', async () => {
  const repository = oneModel()
  const env = { SLUICE_LOG__LEVEL: 'error' }
  const gateway = await startGateway({ repository, env })
  await until(() => lines(gateway).length > 0, { what: 'a line' })
  const { httpUrl, grpcPort, controlUrl, stateDir } = gateway
  expect(lines(gateway)).toMatchObject([
    {
      event: 'ready',
      predict: `${httpUrl}/predict/a`,
      grpc: `127.0.0.1:${grpcPort}`,
      grpcPort,
      control: controlUrl,
      metrics: `${controlUrl}/metrics`,
      metricsListen: null,
      stateDir,
      models: ['a v1'],
      replicas: 2,
      epoch: 1,
      node: process.versions.node,
      onnxRuntime: expect.stringMatching(/^\d+\.\d+/),
      warnings: [expect.stringMatching(/^a v1: no manifest.json/)],
    },
  ])
  expect(gateway.stdout).toBe('')
})

test('starts replicas that neither compile nor collect with more than their share', async () => {
  const gateway = await startGateway({ repository: oneModel() })
  const pids = [...(await gateway.replicaPids()).values()]
  expect(pids).toHaveLength(2)
  for (const pid of pids) {
    const flags = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(1, 3)
    expect(flags).toEqual([
      expect.stringMatching(/^--v8-pool-size=[1-4]$/),
      '--max-semi-space-size=8',
    ])
  }
})

test('SIGTERM in its first moments ends it well, and leaves nobody', async () => {
  const gateway = await startGateway({ repository: oneModel(), isReadyAwaited: false })
  await untilListening(gateway.controlPid)
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  expect(processesNaming(gateway.stateDir)).toEqual([])
  expect(existsSync(join(gateway.stateDir, 'epoch.json'))).toBe(false)
})

test('more signals while it drains neither kill it nor shorten the drain', async () => {
  const repository = makeRepository({ 'slow/1/model.onnx': slow(2000) })
  const gateway = await startGateway({ repository, replicas: 1, threads: 1 })
  const inputs = [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }]
  const response = gateway.post('/v2/models/slow/infer', { inputs })
  const inFlight = async () => (await gateway.status()).replicas[0]?.threads[0]?.inFlight
  await until(async () => (await inFlight()) === 1, { what: 'the request to be under way' })
  signal(gateway.controlPid, 'SIGINT')
  await until(() => lines(gateway).some(({ event }) => event === 'stopping'), { what: 'the drain' })
  for (const name of ['SIGTERM', 'SIGHUP', 'SIGTERM'] as const) signal(gateway.controlPid, name)
  expect(await gateway.ended).toEqual({ code: 0, signal: null })
  expect((await response).status).toBe(200)
})

test('Ctrl-C while it drains ends everything at once', async () => {
  const gateway = await startGateway({ repository: oneModel(), replicas: 1 })
  // It cannot even begin to drain.
  for (const pid of (await gateway.replicaPids()).values()) signal(pid, 'SIGSTOP')
  let isEnded = false
  void gateway.ended.then(() => {
    isEnded = true
  })
  const press = () => {
    signal(gateway.controlPid, 'SIGINT')
    return isEnded
  }
  await until(press, { what: 'the end', everyMs: 100 })
  expect(await gateway.ended).toEqual({ code: 130, signal: null })
  expect(processesNaming(gateway.stateDir)).toEqual([])
})

test('ends, with the reason, when no replica can ever listen', async () => {
  const gateway = await startGateway({ repository: oneModel(), isReadyAwaited: false })
  // Control has found the port free; before its replicas take it, a stranger does.
  const run = join(gateway.stateDir, 'run', 'replica-0-1.json')
  const anyRun = () => existsSync(run) || existsSync(join(gateway.stateDir, 'control.sock'))
  await until(anyRun, { what: 'replicas to be started', everyMs: 1 })
  const stranger = createServer().listen({ host: '127.0.0.1', port: gateway.httpPort })
  onTestFinished(() => void stranger.close())
  expect(await gateway.ended).toEqual({ code: 1, signal: null })
  expect(gateway.stderr).toMatch(/✖ PORT_IN_USE: Port \d+ on 127.0.0.1 is in use by .*pid \d+/)
  expect(processesNaming(gateway.stateDir)).toEqual([])
})

test('starts nothing, with the flag to change, when the port of gRPC is taken', async () => {
  const stranger = createServer().listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => void stranger.close())
  await once(stranger, 'listening')
  const { port: grpcPort } = stranger.address() as AddressInfo
  const gateway = await startGateway({ repository: oneModel(), grpcPort, isReadyAwaited: false })
  expect(await gateway.ended).toEqual({ code: 1, signal: null })
  expect(gateway.stderr).toContain(`✖ PORT_IN_USE: Port ${grpcPort} on 127.0.0.1 is in use by `)
  expect(gateway.stderr).toContain('choose another port: --grpc-port 0 takes a free one')
  expect(existsSync(join(gateway.stateDir, 'run', 'replica-0-1.json'))).toBe(false)
  expect(processesNaming(gateway.stateDir)).toEqual([])
})

test('serves without gRPC where its port is null', async () => {
  const gateway = await startGateway({ repository: oneModel(), replicas: 1, grpcPort: null })
  expect((await gateway.status()).grpcPort).toBeNull()
  const ready = () => lines(gateway).find(({ event }) => event === 'ready')
  await until(() => ready() !== undefined, { what: 'the line' })
  expect(ready()).toMatchObject({ grpc: null, grpcPort: null })
})

test('metrics.listen lets others scrape, and nothing else, until the drain has ended', async () => {
  const flags = ['--metrics-listen', '0.0.0.0:0']
  const gateway = await startGateway({ repository: oneModel(), flags })
  const { metricsListen } = await gateway.status()
  const port = metricsListen?.port ?? 0
  // No name that the control port would answer to, and an address that it does not have.
  const scrape = (path: string) => fetch(`http://127.0.0.2:${port}${path}`)
  expect(await (await scrape('/metrics')).text()).toContain('sluice_replica_up{replica="1"} 1\n')
  expect(await (await scrape('/readyz')).text()).toBe('ok\n')
  expect((await scrape('/api/v1/status')).status).toBe(404)
  const ready = () => lines(gateway).find(({ event }) => event === 'ready')
  await until(() => ready() !== undefined, { what: 'the line' })
  const metrics = `http://localhost:${port}/metrics`
  expect(ready()).toMatchObject({ metrics, metricsListen: { host: '0.0.0.0', port } })
  const page = await sluice(['status'], { env: { SLUICE_SERVER: gateway.controlUrl } })
  expect(page.stdout).toContain(`  metrics ${metrics}  `)

  const pids = [...(await gateway.replicaPids()).values()]
  for (const pid of pids) signal(pid, 'SIGSTOP')
  const ended = gateway.stop()
  const readyz = async () => (await scrape('/readyz?verbose')).text()
  await until(async () => (await readyz()).includes('draining'), { what: 'the drain' })
  expect((await scrape('/metrics')).status).toBe(200)
  for (const pid of pids) signal(pid, 'SIGCONT')
  expect(await ended).toEqual({ code: 0, signal: null })
  await expect(scrape('/metrics')).rejects.toThrow()
})

test('ends, with the flag to change, when the port of metrics.listen is taken', async () => {
  const stranger = createServer().listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => void stranger.close())
  await once(stranger, 'listening')
  const { port } = stranger.address() as AddressInfo
  const flags = ['--metrics-listen', `127.0.0.1:${port}`]
  const gateway = await startGateway({ repository: oneModel(), flags, isReadyAwaited: false })
  expect(await gateway.ended).toEqual({ code: 1, signal: null })
  expect(gateway.stderr).toContain(`✖ PORT_IN_USE: Port ${port} on 127.0.0.1 is in use by `)
  expect(gateway.stderr).toContain('choose another port: --metrics-listen')
  expect(processesNaming(gateway.stateDir)).toEqual([])
})

test('ends when the state folder is of a later release, and answers nobody', async () => {
  const repository = oneModel()
  const first = await startGateway({ repository })
  await first.stop()
  const { stateDir } = first
  const format = { name: 'sluice.epoch', version: 99 }
  writeFileSync(join(stateDir, 'epoch.json'), JSON.stringify({ format }))
  const gateway = await startGateway({ repository, stateDir, isReadyAwaited: false })
  expect(await gateway.ended).toEqual({ code: 1, signal: null })
  expect(gateway.stderr).toMatch(/✖ STATE_TOO_NEW: epoch.json/)
  await expect(gateway.status()).rejects.toThrow()
})

test('SIGHUP says which changes need a restart, and applies the others', async () => {
  const repository = makeRepository({
    'a/1/model.onnx': scaleAdd(2),
    'b/1/model.onnx': scaleAdd(2),
  })
  const config = join(repository, '..', `${repository.split('/').pop()}.yaml`)
  writeFileSync(config, `model_repository: ${repository}\n`)
  const gateway = await startGateway({ config })
  expect((await gateway.status()).defaultEndpoint).toBeNull()
  const more = 'default_endpoint: b\nlimits:\n  json_depth_max: 7\nlog:\n  level: debug\n'
  writeFileSync(config, `model_repository: ${repository}\n${more}`)
  gateway.reload()
  await until(async () => (await gateway.status()).defaultEndpoint === 'b', { what: 'the reload' })
  const needed = lines(gateway).filter(({ event }) => event === 'restart_needed')
  expect(needed).toMatchObject([{ keys: ['limits.json_depth_max', 'log.level'] }])
  const { warnings } = await gateway.status()
  expect(warnings).toContain('limits.json_depth_max has changed, which needs a restart')

  writeTree(repository, { 'b/1/model.onnx': scaleAdd(2) })
  writeFileSync(config, `model_repository: ${repository}\ndefault_endpoint: c\n`)
  gateway.reload()
  const warned = async () => (await gateway.status()).warnings.join()
  await until(async () => (await warned()).includes("default_endpoint 'c' names no endpoint"), {
    what: 'the warning',
  })
  expect(await warned()).not.toMatch(/needs a restart/)

  writeFileSync(config, 'model_repository: [\n')
  gateway.reload()
  await until(async () => (await warned()).includes('the config is not taken over'), {
    what: 'the refusal',
  })
  expect((await gateway.status()).ready).toBe(true)
})
