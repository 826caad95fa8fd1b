import { rmSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { processesNaming, signal } from '../helpers/reaper.ts'
import { until } from '../helpers/until.ts'

const BODY = JSON.stringify({ features: FLIGHT })
const repository = EXAMPLE_REPOSITORY

const loadOn = (gateway: TestGateway, clients = 8) =>
  startClosedLoop({ port: gateway.httpPort, path: '/predict', body: BODY }, clients)

const untilReplicas = (gateway: TestGateway, count: number) =>
  until(async () => (await gateway.replicaPids()).size === count && gateway.isReady(), {
    what: `${count} replicas that serve`,
    timeoutMs: 20_000,
  })

/** Predictions that were made, over all replicas that ever lived; asking for health is none. */
const counted = async (gateway: TestGateway): Promise<number> => {
  const lines = (await gateway.metrics()).split('\n')
  const ok = lines.filter((line) =>
    /^sluice_requests_total\{.*version="\d.*outcome="ok"/.test(line),
  )
  return ok.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

const askTimes = async (gateway: TestGateway, times: number): Promise<void> => {
  for (let i = 0; i < times; i++) {
    const response = await gateway.post('/predict', BODY)
    await response.arrayBuffer()
    expect(response.status).toBe(200)
  }
}

/** A new control beside the replicas of one that was killed. */
const succeed = async (gateway: TestGateway, threads = 2, replicas = 2): Promise<TestGateway> => {
  const { stateDir, httpPort, grpcPort } = gateway
  return startGateway({ repository, stateDir, httpPort, grpcPort, threads, replicas })
}

test('a setting that has changed is taken over without an outage by a single replica', async () => {
  const gateway = await startGateway({ repository, replicas: 1, threads: 1 })
  await untilReplicas(gateway, 1)
  const before = await gateway.replicaPids()
  const load = loadOn(gateway)
  await load.answered(100)
  await gateway.killControl()
  const next = await succeed(gateway, 2, 1)
  await until(async () => (await next.replicaPids()).get(0) !== before.get(0), {
    what: 'the successor',
  })
  await until(() => processesNaming(gateway.stateDir).length === 2, { what: 'the end of the old' })
  await load.answered(100)
  const { answers, broken } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  // Without a listener a client would be refused thousands of times.
  expect(broken).toBeLessThanOrEqual(8)
  expect((await next.status()).replicas[0]!.threads).toHaveLength(2)
})

test('a replica that is told to end by an operator is succeeded at once and loses no count', async () => {
  const gateway = await startGateway({ repository })
  await untilReplicas(gateway, 2)
  const load = loadOn(gateway)
  await load.answered(200)
  const pid = (await gateway.replicaPids()).get(1)!
  signal(pid, 'SIGTERM')
  await until(() => !processesNaming(gateway.stateDir).includes(pid), { what: 'its end' })
  await untilReplicas(gateway, 2)
  await load.answered(200)
  const { answers, broken } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(broken).toBe(0)
  // The living tell their figures when they are asked; the one that ended told its own before.
  expect(await counted(gateway)).toBe(answers.length)
})

test('a port that a stranger takes for a while is taken back', async () => {
  const gateway = await startGateway({ repository, replicas: 1 })
  await untilReplicas(gateway, 1)
  await gateway.killReplica(0)
  const stranger = createServer((socket) => socket.destroy())
  atEnd(() => void stranger.close())
  await until(
    () =>
      new Promise<boolean>((resolve) => {
        stranger.once('error', () => resolve(false))
        const place = { host: '127.0.0.1', port: gateway.httpPort, exclusive: true }
        stranger.listen(place, () => resolve(true))
      }),
    { what: 'the port', everyMs: 1 },
  )
  await until(() => gateway.stderr.includes('exit code 78'), { what: 'a replica that gives up' })
  await new Promise((resolve) => stranger.close(resolve))
  await untilReplicas(gateway, 1)
  await askTimes(gateway, 3)
})

test('counters begin again from zero when a replica and control die before the next', async () => {
  const gateway = await startGateway({ repository })
  await untilReplicas(gateway, 2)
  await askTimes(gateway, 40)
  await until(async () => (await counted(gateway)) === 40, { what: 'the count' })
  const pid = (await gateway.replicaPids()).get(0)!
  await gateway.killControl()
  signal(pid, 'SIGKILL')
  await until(() => !processesNaming(gateway.stateDir).includes(pid), { what: 'its end' })
  const next = await succeed(gateway)
  await untilReplicas(next, 2)
  // Part of a sum would be taken for requests that were never made.
  expect(await counted(next)).toBe(0)
  await askTimes(next, 10)
  expect(await counted(next)).toBe(10)
  await next.killControl()
  const last = await succeed(next)
  await untilReplicas(last, 2)
  expect(await counted(last)).toBe(10)
})

test('processes that stood still together are not to blame for it', async () => {
  const gateway = await startGateway({ repository })
  await untilReplicas(gateway, 2)
  const before = await gateway.replicaPids()
  const pids = processesNaming(gateway.stateDir)
  for (const pid of pids) signal(pid, 'SIGSTOP')
  const stoppedMs = performance.now()
  // Longer than a silent replica is borne with.
  await until(() => performance.now() - stoppedMs > 11_000, {
    what: 'time to pass',
    timeoutMs: 20_000,
    everyMs: 500,
  })
  // Control first: it must not judge the others before they can answer.
  for (const pid of pids.sort((a, b) => a - b)) signal(pid, 'SIGCONT')
  const { uptimeMs } = await gateway.status()
  await until(async () => (await gateway.status()).uptimeMs > uptimeMs + 4000, {
    what: 'several looks',
    everyMs: 200,
  })
  await untilReplicas(gateway, 2)
  expect(await gateway.replicaPids()).toEqual(before)
  await askTimes(gateway, 3)
})

test('a replica whose log cannot be written serves, and ends in order', async () => {
  const first = await startGateway({ repository, replicas: 1 })
  const log = join(first.stateDir, 'logs', 'replica-0.log')
  expect(await first.stop()).toEqual({ code: 0, signal: null })
  rmSync(log)
  symlinkSync('/dev/full', log)
  const gateway = await succeed(first, 2, 1)
  await untilReplicas(gateway, 1)
  await askTimes(gateway, 3)
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  expect(gateway.stderr).toContain('"ending":"exit code 0"')
})

test('control goes on when its log and its terminal are full', async () => {
  const gateway = await startGateway({ repository, outputFile: '/dev/full' })
  await untilReplicas(gateway, 2)
  const killed = await gateway.killReplica(0)
  await until(async () => ![killed, undefined].includes((await gateway.replicaPids()).get(0)), {
    what: 'the successor',
  })
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
  expect(processesNaming(gateway.stateDir)).toEqual([])
})
