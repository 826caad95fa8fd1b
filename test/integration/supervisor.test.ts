import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { StatisticsRequestSchema } from '../../proto/gen/control_pb.ts'
import type { Supervisor } from '../../src/control/replicas/supervisor.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { openTestState, stateFolder } from '../helpers/state-folder.ts'
import { isRunning, makeTroupe, readRunFile } from '../helpers/troupe.ts'
import { until } from '../helpers/until.ts'

test('start() starts the wanted replicas detached, with files for a later control', async () => {
  const stateDir = await openTestState()
  const { supervisor, connected } = makeTroupe(stateDir, { replicas: 2 })
  await supervisor.start()
  const replicas = await connected(2)
  expect(replicas.map(({ index }) => index)).toEqual([0, 1])
  expect(new Set(replicas.map(({ incarnation }) => incarnation))).toEqual(new Set([1, 2]))
  for (const { index, pid, incarnation } of replicas) {
    expect(readRunFile(stateDir, index)).toMatchObject({
      format: { name: 'sluice.replica', version: 1 },
      replica: index,
      incarnation,
      identity: { pid },
    })
    const log = readFileSync(join(stateDir.logsPath, `replica-${index}.log`), 'utf8')
    expect(log).toBe(`puppet ${index} of incarnation ${incarnation}\n`)
  }
  await supervisor.drainAll(5000)
  expect(replicas.map(({ pid }) => isRunning(pid))).toEqual([false, false])
  expect(readdirSync(stateDir.runPath)).toEqual([])
  expect(existsSync(stateDir.socketPath)).toBe(false)
})

test('Supervisor calls a replica and hears its reports', async () => {
  const { supervisor, reports, connected } = makeTroupe(await openTestState(), {
    manner: () => 'reporting',
  })
  await supervisor.start()
  const [replica] = await connected(1)
  const value = create(StatisticsRequestSchema)
  const answer = await replica!.link.call({ case: 'statisticsRequest', value }, 5000)
  expect(answer.case).toBe('statistics')
  expect(reports).toEqual(['thread_silent'])
})

test('Supervisor starts a successor 100 ms after a replica was killed', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths, arrivals, connected } = makeTroupe(await openTestState(), { clock })
  await supervisor.start()
  const [first] = await connected(1)
  process.kill(first!.pid, 'SIGKILL')
  await until(() => deaths.length === 1, { what: 'the death' })
  expect(deaths[0]).toMatchObject({ index: 0, pid: first!.pid, detail: 'signal SIGKILL' })
  expect(supervisor.connected()).toEqual([])
  await clock.advance(99)
  expect(supervisor.states()[0]).toMatchObject({ state: 'dead', pid: 0, restarts: 0 })
  await clock.advance(1)
  expect(supervisor.states()[0]).toMatchObject({ state: 'starting', restarts: 1 })
  const [second] = await connected(1)
  expect(second!.incarnation).toBe(first!.incarnation + 1)
  expect(arrivals).toEqual([first, second])
})

test('Supervisor doubles the delay at every death and never reuses an incarnation', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths } = makeTroupe(await openTestState(), {
    clock,
    manner: () => 'brittle',
  })
  await supervisor.start()
  const delays: (number | null)[] = []
  for (let n = 1; n <= 5; n++) {
    await until(() => deaths.length === n, { what: `death ${n}` })
    const next = supervisor.states()[0]!
    expect(next.state).toBe('dead')
    delays.push(await nextStart(clock, supervisor))
  }
  expect(delays).toEqual([100, 200, 400, 800, 1600])
  expect(deaths.map(({ incarnation }) => incarnation)).toEqual([1, 2, 3, 4, 5])
})

/** Lets time pass until the replica is started; how long that was. */
const nextStart = async (clock: FakeClock, supervisor: Supervisor): Promise<number> => {
  const startMs = clock.monotonic()
  while (supervisor.states()[0]!.state === 'dead') await clock.advance(100)
  return clock.monotonic() - startMs
}

test('Supervisor tells when every replica exits with 78 and none has ever served', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths, fatal } = makeTroupe(await openTestState(), {
    clock,
    replicas: 2,
    manner: (index, incarnation) => (index === 0 || incarnation > 2 ? 'doomed' : 'mute'),
  })
  await supervisor.start()
  await until(() => deaths.length === 1, { what: 'the death of the first' })
  expect(deaths[0]).toMatchObject({ index: 0, detail: 'exit code 78', isFatal: true })
  expect(fatal).toEqual([])
  process.kill(supervisor.states()[1]!.pid, 'SIGKILL')
  await until(() => deaths.length === 2, { what: 'the death of the second' })
  expect(fatal).toEqual([])
  await clock.advance(100)
  await until(() => fatal.length > 0, { what: 'the news' })
  expect(fatal[0]).toBe('exit code 78')
})

test('Supervisor tries again after exit code 78 once a replica has served', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths, fatal, connected } = makeTroupe(await openTestState(), {
    clock,
    // A stranger takes the port for a while.
    manner: (_, incarnation) => ([2, 3].includes(incarnation) ? 'doomed' : 'obedient'),
  })
  await supervisor.start()
  const [first] = await connected(1)
  process.kill(first!.pid, 'SIGKILL')
  const delays: number[] = []
  for (const count of [1, 2, 3]) {
    await until(() => deaths.length === count, { what: `death ${count}` })
    delays.push(await nextStart(clock, supervisor))
  }
  expect(delays).toEqual([100, 200, 400])
  expect((await connected(1))[0]!.incarnation).toBe(4)
  expect(fatal).toEqual([])
})

test('Supervisor does not blame a replica for time in which the machine stood still', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths } = makeTroupe(await openTestState(), { clock, manner: () => 'mute' })
  await supervisor.start()
  const { pid } = supervisor.states()[0]!
  await clock.advance(4000)
  await clock.standStill(60_000)
  expect(isRunning(pid)).toBe(true)
  await clock.advance(9_999)
  expect(isRunning(pid)).toBe(true)
  await clock.advance(60_000)
  await until(() => deaths.length >= 1, { what: 'the death' })
})

test.each(['mute', 'babbling'] as const)(
  'Supervisor kills and replaces a replica that is %s for 10 s',
  async (manner) => {
    const clock = new FakeClock()
    const { supervisor, deaths, connected } = makeTroupe(await openTestState(), {
      clock,
      manner: (_, incarnation) => (incarnation === 1 ? manner : 'obedient'),
    })
    await supervisor.start()
    const { pid } = supervisor.states()[0]!
    await clock.advance(9_999)
    expect(isRunning(pid)).toBe(true)
    await clock.advance(1)
    await until(() => deaths.length === 1, { what: 'the death' })
    expect(deaths[0]!.detail).toBe('signal SIGKILL')
    await clock.advance(100)
    expect((await connected(1))[0]!.incarnation).toBe(2)
  },
)

test('Supervisor keeps why it cannot start a replica, and starts it once it can', async () => {
  const clock = new FakeClock()
  const stateDir = await openTestState()
  const { supervisor, deaths, connected } = makeTroupe(stateDir, { clock })
  const inTheWay = join(stateDir.path, 'incarnation.json')
  mkdirSync(inTheWay)
  await supervisor.start()
  const [state] = supervisor.states()
  expect(state).toMatchObject({ state: 'dead', pid: 0, restarts: 0 })
  const detail = /^incarnation\.json in the state folder cannot be written: .*--state-dir$/
  expect(state?.lastDeath?.detail).toMatch(detail)
  rmSync(inTheWay, { recursive: true })
  const log = join(stateDir.logsPath, 'replica-0.log')
  mkdirSync(log)
  await clock.advance(100)
  expect(supervisor.states()[0]?.lastDeath?.detail).toBe('not started (EISDIR)')
  rmSync(log, { recursive: true })
  await clock.advance(200)
  await connected(1)
  expect(deaths).toEqual([])
})

test('Supervisor goes on when Node cannot start the entry', async () => {
  const entry = fileURLToPath(new URL('no-such-replica.ts', import.meta.url))
  const { supervisor, deaths } = makeTroupe(await openTestState(), { entry })
  await supervisor.start()
  await until(() => deaths.length >= 2, { what: 'two deaths' })
  expect(deaths[0]!.detail).toBe('exit code 1')
  await supervisor.drainAll(1000)
})

test('replace() kills a silent replica at once and starts another', async () => {
  const { supervisor, deaths, connected } = makeTroupe(await openTestState())
  await supervisor.start()
  const [first] = await connected(1)
  process.kill(first!.pid, 'SIGSTOP')
  supervisor.replace(first!, 'silent')
  await until(() => deaths.length === 1, { what: 'the death' })
  expect((await connected(1))[0]!.pid).not.toBe(first!.pid)
  expect(supervisor.states()).toMatchObject([{ restarts: 1 }])
})

test('replace() says nothing about another process of the same place', async () => {
  const { supervisor, deaths, connected } = makeTroupe(await openTestState())
  await supervisor.start()
  const [first] = await connected(1)
  supervisor.replace({ ...first!, incarnation: first!.incarnation + 1 }, 'silent')
  supervisor.replace({ ...first!, index: 1 }, 'silent')
  expect(first!.isLeaving).toBe(false)
  expect(deaths).toEqual([])
})

test('drainAll() kills what has not ended in time', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths, connected } = makeTroupe(await openTestState(), {
    clock,
    manner: () => 'stubborn',
  })
  await supervisor.start()
  await connected(1)
  const drained = supervisor.drainAll(2000)
  await clock.advance(2999)
  expect(deaths).toEqual([])
  expect(supervisor.states()[0]!.state).toBe('draining')
  await clock.advance(1)
  await drained
  expect(deaths[0]!.detail).toBe('signal SIGKILL')
})

test('start() removes a dead socket file and refuses one that is answered', async () => {
  const stateDir = await openTestState()
  writeFileSync(stateDir.socketPath, '')
  const { supervisor, connected } = makeTroupe(stateDir)
  await supervisor.start()
  await connected(1)

  const other = await openTestState(stateFolder())
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(other.socketPath, resolve))
  atEnd(() => void server.close())
  await expect(makeTroupe(other).supervisor.start()).rejects.toMatchObject({
    code: 'STATE_DIR_LOCKED',
  })
  expect(existsSync(other.socketPath)).toBe(true)
})
