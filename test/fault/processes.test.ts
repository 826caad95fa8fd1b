import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type LoopAnswer, startClosedLoop } from '../helpers/closed-loop.ts'
import { copyExample, EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { isAlive, processesNaming, signal } from '../helpers/reaper.ts'
import { until } from '../helpers/until.ts'

const BODY = JSON.stringify({ features: FLIGHT })
const REQUEST = `POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`

const loadOn = (gateway: TestGateway, clients = 8) =>
  startClosedLoop({ port: gateway.httpPort, path: '/predict', body: BODY }, clients)

const failures = (answers: readonly LoopAnswer[]) =>
  answers.filter(({ status, requestId, sentId }) => status !== 200 || requestId !== sentId)

const untilReplicas = (gateway: TestGateway, count: number) =>
  until(async () => (await gateway.replicaPids()).size === count && gateway.isReady(), {
    what: `${count} replicas that serve`,
  })

test.each(['SIGKILL', 'SIGSEGV'] as const)(
  'a single replica hit by %s is replaced',
  async (name) => {
    const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY, replicas: 1, threads: 2 })
    const load = loadOn(gateway)
    await load.answered(100)
    const killed = await gateway.killReplica(0, name)
    const killedMs = performance.now()
    await load.answered(100)
    // 1.5 s where nobody else works; a second back-off or a lost event takes far longer than this.
    expect(performance.now() - killedMs).toBeLessThan(8000)
    const { answers } = await load.stop()
    expect(failures(answers)).toEqual([])
    const pids = await gateway.replicaPids()
    expect([...pids.values()]).not.toContain(killed)
    const { replicas } = await gateway.status()
    expect(replicas[0]).toMatchObject({ state: 'serving', restarts: 1 })
  },
)

test('with two replicas the death of one loses only what was in flight', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const load = loadOn(gateway, 16)
  await load.answered(200)
  await gateway.killReplica(1)
  await load.answered(500)
  await untilReplicas(gateway, 2)
  const { answers, broken } = await load.stop()
  expect(failures(answers)).toEqual([])
  // One request a client was under way at most; then it asks the living.
  expect(broken).toBeLessThanOrEqual(16)
})

test('replicas serve on without control, and a new control adopts them', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  await untilReplicas(gateway, 2)
  const before = await gateway.replicaPids()
  const { epoch } = await gateway.status()
  const load = loadOn(gateway)
  await load.answered(100)
  await gateway.killControl()
  await load.answered(300)
  const { stateDir, httpPort, grpcPort } = gateway
  const successor = await startGateway({
    repository: EXAMPLE_REPOSITORY,
    stateDir,
    httpPort,
    grpcPort,
  })
  await untilReplicas(successor, 2)
  await load.answered(100)
  const { answers, broken } = await load.stop()
  expect(broken).toBe(0)
  expect(failures(answers)).toEqual([])
  expect(await successor.replicaPids()).toEqual(before)
  expect((await successor.status()).epoch).toBe(epoch)
  const requests = (await successor.status()).endpoints[0]!.variants[0]!.requests
  await until(
    async () => {
      const status = await successor.status()
      return status.endpoints[0]!.variants[0]!.requests >= answers.length
    },
    { what: `all ${answers.length} requests to be counted, not ${requests}` },
  )
})

test('replicas end when control stays away', async () => {
  const gateway = await startGateway({
    repository: EXAMPLE_REPOSITORY,
    env: { SLUICE_CONTROL_ABSENCE_MAX: '1' },
  })
  expect(processesNaming(gateway.stateDir).length).toBeGreaterThanOrEqual(3)
  await gateway.killControl()
  await until(() => processesNaming(gateway.stateDir).length === 0, {
    what: 'the replicas to end',
  })
})

/** Asks over one connection, again and again, until an answer says that it is closed. */
const askUntilClosed = async (port: number, onAnswer: () => void): Promise<number[]> => {
  const client = await RawClient.open(port)
  const statuses: number[] = []
  for (;;) {
    await client.send(REQUEST)
    const { status, headers } = await client.answer()
    statuses.push(status)
    onAnswer()
    if (headers.get('connection')?.toLowerCase() === 'close') return statuses
  }
}

test('SIGTERM to control and replicas at once loses no answer, leaves nobody and exits 0', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  await untilReplicas(gateway, 2)
  const pids = [...(await gateway.replicaPids()).values()]
  let answered = 0
  const clients = Array.from({ length: 16 }, () =>
    askUntilClosed(gateway.httpPort, () => {
      answered++
    }),
  )
  await until(() => answered > 200, { what: 'load' })
  const stopped = gateway.stop()
  for (const pid of pids) signal(pid, 'SIGTERM')
  const statuses = (await Promise.all(clients)).flat()
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect(await stopped).toEqual({ code: 0, signal: null })
  expect(processesNaming(gateway.stateDir)).toEqual([])
  expect(gateway.logs()).not.toContain('uv_loop_close')
})

test('a replica that hangs is found and replaced', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const pid = (await gateway.replicaPids()).get(0)!
  signal(pid, 'SIGSTOP')
  await until(() => !isAlive(pid), { what: 'the stopped replica to be killed', timeoutMs: 30_000 })
  await untilReplicas(gateway, 2)
})

test('an alias moved under load changes the version without a failure, one epoch per answer', async () => {
  const repository = copyExample()
  const gateway = await startGateway({ repository })
  const load = loadOn(gateway, 16)
  await load.answered(200)
  const aliases = join(repository, 'flight-delay', 'aliases.json')
  for (const champion of [2, 1, 2]) {
    writeFileSync(aliases, JSON.stringify({ champion }))
    const { epoch } = await gateway.status()
    gateway.reload()
    await until(async () => (await gateway.status()).epoch > epoch, { what: 'a new epoch' })
    await load.answered(200)
  }
  const { answers, broken } = await load.stop()
  expect(broken).toBe(0)
  expect(failures(answers)).toEqual([])
  const versionsByEpoch = new Map<string, Set<string>>()
  for (const { epoch, version } of answers) {
    versionsByEpoch.set(epoch, (versionsByEpoch.get(epoch) ?? new Set()).add(version))
  }
  const perEpoch = [...versionsByEpoch.values()].map((versions) => [...versions])
  expect(perEpoch).toEqual([['1'], ['2'], ['1'], ['2']])
})
