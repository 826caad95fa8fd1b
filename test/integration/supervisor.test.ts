import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { create } from '@bufbuild/protobuf'
import { expect, onTestFinished, test } from 'vitest'
import { StatisticsRequestSchema } from '../../proto/gen/control_pb.ts'
import type { ConnectedReplica, ReplicaDeath } from '../../src/control/connected-replica.ts'
import { findLivingReplicas } from '../../src/control/replica-files.ts'
import { openStateDir, type StateDir } from '../../src/control/state-dir.ts'
import { Supervisor } from '../../src/control/supervisor.ts'
import { type Clock, systemClock } from '../../src/shared/clock.ts'
import type { ReplicaSettings } from '../../src/shared/epoch-plan.ts'
import { createLogger } from '../../src/shared/logger.ts'
import { findIdentity } from '../../src/shared/process-identity.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import type { PuppetManner } from '../helpers/puppet-replica.ts'
import { PUPPET_ENTRY, puppetSettings } from '../helpers/puppet-settings.ts'
import { openTestState, stateFolder } from '../helpers/state-folder.ts'
import { until } from '../helpers/until.ts'

const CONTROL = fileURLToPath(new URL('../helpers/supervisor-process.ts', import.meta.url))

interface Troupe {
  readonly supervisor: Supervisor
  readonly deaths: ReplicaDeath[]
  readonly arrivals: ConnectedReplica[]
  readonly reports: string[]
  /** Resolves when so many replicas are connected. */
  connected(count: number): Promise<ConnectedReplica[]>
}

interface TroupeOptions {
  readonly replicas?: number
  readonly clock?: Clock
  readonly threads?: number
  readonly drainMsMax?: number
  readonly entry?: string
  manner?(index: number, incarnation: number): PuppetManner
}

/** A supervisor of puppets; abandoned when the test ends, which kills what the run files name. */
const makeTroupe = (stateDir: StateDir, options: TroupeOptions = {}): Troupe => {
  const { replicas = 1, clock = systemClock, threads = 1, drainMsMax = 5000 } = options
  const { entry = PUPPET_ENTRY, manner = () => 'obedient' } = options
  const deaths: ReplicaDeath[] = []
  const arrivals: ConnectedReplica[] = []
  const reports: string[] = []
  const settingsFor = (replica: number, incarnation: number): ReplicaSettings =>
    puppetSettings(stateDir, { replica, incarnation, threads, drainMsMax }, manner)
  const supervisor = new Supervisor({
    stateDir,
    replicas,
    clock,
    entry,
    logger: createLogger({ level: 'silent', component: 'control' }),
    settingsFor,
    handlers: {
      onConnected: (replica) => void arrivals.push(replica),
      onDied: (death) => void deaths.push(death),
      onReport: (_, { event }) => void reports.push(event),
    },
  })
  onTestFinished(() => supervisor.abandonAll())
  const connected = (count: number) =>
    until(
      () => {
        const now = supervisor.connected()
        return now.length === count ? now : null
      },
      { what: `${count} connected replicas` },
    )
  return { supervisor, deaths, arrivals, reports, connected }
}

const isRunning = (pid: number): boolean => findIdentity(pid) !== null

const readRunFile = (stateDir: StateDir, index: number) =>
  JSON.parse(readFileSync(join(stateDir.runPath, `replica-${index}.json`), 'utf8'))

test('start() starts the wanted replicas detached, with files for a later control', async () => {
  const stateDir = openTestState()
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
  const { supervisor, reports, connected } = makeTroupe(openTestState(), {
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
  const { supervisor, deaths, arrivals, connected } = makeTroupe(openTestState(), { clock })
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
  const { supervisor, deaths } = makeTroupe(openTestState(), { clock, manner: () => 'brittle' })
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

test('Supervisor does not start again what exits with 78', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths } = makeTroupe(openTestState(), { clock, manner: () => 'doomed' })
  await supervisor.start()
  await until(() => deaths.length === 1, { what: 'the death' })
  expect(deaths[0]).toMatchObject({ detail: 'exit code 78', isFatal: true })
  await clock.advance(120_000)
  expect(supervisor.states()[0]).toMatchObject({ state: 'dead', restarts: 0 })
  await supervisor.drainAll(1000)
})

test.each(['mute', 'foreign', 'babbling'] as const)(
  'Supervisor kills and replaces a replica that is %s for 10 s',
  async (manner) => {
    const clock = new FakeClock()
    const { supervisor, deaths, connected } = makeTroupe(openTestState(), {
      clock,
      manner: (_, incarnation) => (incarnation === 1 ? manner : 'obedient'),
    })
    await supervisor.start()
    const { pid } = supervisor.states()[0]!
    const isRefused = manner === 'foreign'
    if (!isRefused) {
      await clock.advance(9_999)
      expect(isRunning(pid)).toBe(true)
      await clock.advance(1)
    }
    await until(() => deaths.length === 1, { what: 'the death' })
    expect(deaths[0]!.detail).toBe(isRefused ? 'exit code 1' : 'signal SIGKILL')
    await clock.advance(100)
    expect((await connected(1))[0]!.incarnation).toBe(2)
  },
)

test('Supervisor goes on when Node cannot start the entry', async () => {
  const entry = fileURLToPath(new URL('no-such-replica.ts', import.meta.url))
  const { supervisor, deaths } = makeTroupe(openTestState(), { entry })
  await supervisor.start()
  await until(() => deaths.length >= 2, { what: 'two deaths' })
  expect(deaths[0]!.detail).toBe('exit code 1')
  await supervisor.drainAll(1000)
})

test('replace() kills a silent replica at once and starts another', async () => {
  const { supervisor, deaths, connected } = makeTroupe(openTestState())
  await supervisor.start()
  const [first] = await connected(1)
  process.kill(first!.pid, 'SIGSTOP')
  supervisor.replace(0, 'silent')
  await until(() => deaths.length === 1, { what: 'the death' })
  expect((await connected(1))[0]!.pid).not.toBe(first!.pid)
  expect(supervisor.restarts(0)).toBe(1)
})

test('replace() with a grace lets the replica end by itself', async () => {
  const { supervisor, deaths, connected } = makeTroupe(openTestState())
  await supervisor.start()
  await connected(1)
  supervisor.replace(0, 'recycled', 5000)
  await until(() => deaths.length === 1, { what: 'the death' })
  expect(deaths[0]!.detail).toBe('exit code 0')
  await connected(1)
})

test('drainAll() kills what has not ended in time', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths, connected } = makeTroupe(openTestState(), {
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

/** One control after another on the same state folder, as after a crash of the first. */
const succeed = async (first: Troupe, stateDir: StateDir, options: TroupeOptions) => {
  await first.supervisor.abandonAll()
  stateDir.close()
  const later = openTestState(stateDir.path)
  return { later, next: makeTroupe(later, options) }
}

test('start() adopts the replicas of an earlier control and sees them die', async () => {
  const stateDir = openTestState()
  const first = makeTroupe(stateDir, { replicas: 2 })
  await first.supervisor.start()
  const before = await first.connected(2)
  const { next } = await succeed(first, stateDir, { replicas: 2 })
  await next.supervisor.start()
  const pidsOf = (replicas: ConnectedReplica[]) => replicas.map(({ pid }) => pid)
  expect(pidsOf(next.supervisor.connected())).toEqual(pidsOf(before))
  expect(next.deaths).toEqual([])

  process.kill(before[1]!.pid, 'SIGKILL')
  await until(() => next.deaths.length === 1, { what: 'the death' })
  expect(next.deaths[0]).toMatchObject({ index: 1, pid: before[1]!.pid })
  const after = await next.connected(2)
  expect(after[0]!.pid).toBe(before[0]!.pid)
  expect(after[1]!.incarnation).toBeGreaterThan(before[1]!.incarnation)
})

test('start() adopts what a control that was killed has started', async () => {
  const path = stateFolder()
  const control = spawn(process.execPath, [CONTROL, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: control.stdout })[Symbol.asyncIterator]()
  const { value } = await lines.next()
  const pids = JSON.parse(String(value)) as number[]
  expect(pids).toHaveLength(2)
  expect(() => openStateDir(path)).toThrow(`Process ${control.pid} uses this state folder`)
  control.kill('SIGKILL')
  await once(control, 'exit')
  const next = makeTroupe(openTestState(path), { replicas: 2 })
  await next.supervisor.start()
  expect(next.supervisor.connected().map(({ pid }) => pid)).toEqual(pids)
  await next.supervisor.drainAll(5000)
  expect(pids.map(isRunning)).toEqual([false, false])
})

test('start() starts what is missing beside what it adopts, and forgets the dead', async () => {
  const stateDir = openTestState()
  const first = makeTroupe(stateDir, { replicas: 2 })
  await first.supervisor.start()
  const before = await first.connected(2)
  await first.supervisor.abandonAll()
  process.kill(before[0]!.pid, 'SIGKILL')
  await until(() => !isRunning(before[0]!.pid), { what: 'the death' })
  const { next } = await succeed(first, stateDir, { replicas: 2 })
  await next.supervisor.start()
  const after = await next.connected(2)
  expect(after[0]!.pid).not.toBe(before[0]!.pid)
  expect(after[1]!.pid).toBe(before[1]!.pid)
})

test('start() drains surplus replicas', async () => {
  const stateDir = openTestState()
  const first = makeTroupe(stateDir, { replicas: 3 })
  await first.supervisor.start()
  const before = await first.connected(3)
  const { next, later } = await succeed(first, stateDir, { replicas: 1 })
  await next.supervisor.start()
  await until(() => next.deaths.length === 2, { what: 'two deaths' })
  expect(next.deaths.map(({ index }) => index).sort()).toEqual([1, 2])
  expect(next.supervisor.connected().map(({ pid }) => pid)).toEqual([before[0]!.pid])
  expect(next.supervisor.states()).toHaveLength(1)
  expect(readdirSync(later.runPath)).toEqual(['replica-0.json'])
})

test('start() replaces replicas with other settings, one at a time', async () => {
  const stateDir = openTestState()
  const first = makeTroupe(stateDir, { replicas: 2 })
  await first.supervisor.start()
  const before = await first.connected(2)
  const { next } = await succeed(first, stateDir, { replicas: 2, threads: 2 })
  await next.supervisor.start()
  await until(() => next.arrivals.length === 4, { what: 'two successors' })
  const order = [...next.deaths, ...next.arrivals.slice(2)].map(({ index }) => index)
  expect(order).toEqual([0, 1, 0, 1])
  const [successor] = next.arrivals.slice(2)
  expect(successor!.connectedAtMs).toBeGreaterThan(0)
  for (const { pid } of before) expect(isRunning(pid)).toBe(false)
  expect(await next.connected(2)).toHaveLength(2)
  expect(next.supervisor.states().map(({ restarts }) => restarts)).toEqual([1, 1])
})

test('start() gives adopted replicas 2 s to dial, then kills and replaces them', async () => {
  const stateDir = openTestState()
  const first = makeTroupe(stateDir, { manner: () => 'mute' })
  await first.supervisor.start()
  const { pid } = first.supervisor.states()[0]!
  const clock = new FakeClock()
  const { next } = await succeed(first, stateDir, { clock })
  const started = next.supervisor.start()
  await until(() => next.supervisor.states()[0]?.pid === pid, { what: 'the adoption' })
  await clock.advance(1999)
  expect(isRunning(pid)).toBe(true)
  await clock.advance(1)
  await until(() => !isRunning(pid), { what: 'its end' })
  await clock.advance(50)
  await started
  await clock.advance(100)
  expect((await next.connected(1))[0]!.pid).not.toBe(pid)
})

test('start() adopts a replica whose control died before it knew the pid', async () => {
  const stateDir = openTestState()
  const first = makeTroupe(stateDir)
  await first.supervisor.start()
  const [before] = await first.connected(1)
  await first.supervisor.abandonAll()
  const file = { ...readRunFile(stateDir, 0), identity: null }
  writeFileSync(join(stateDir.runPath, 'replica-0.json'), JSON.stringify(file))
  const { next, later } = await succeed(first, stateDir, {})
  await next.supervisor.start()
  expect(next.supervisor.connected().map(({ pid }) => pid)).toEqual([before!.pid])
  expect(findLivingReplicas(later.runPath)[0]?.identity?.pid).toBe(before!.pid)
})

test('start() has a replica end that no run file names', async () => {
  const stateDir = openTestState()
  const first = makeTroupe(stateDir)
  await first.supervisor.start()
  const [before] = await first.connected(1)
  await first.supervisor.abandonAll()
  writeFileSync(join(stateDir.runPath, 'replica-0.json'), 'damaged')
  const { next } = await succeed(first, stateDir, {})
  await next.supervisor.start()
  const [after] = await next.connected(1)
  expect(after!.pid).not.toBe(before!.pid)
  await until(() => !isRunning(before!.pid), { what: 'the end of the unknown replica' })
})

test('start() removes a dead socket file and refuses one that is answered', async () => {
  const stateDir = openTestState()
  writeFileSync(stateDir.socketPath, '')
  const { supervisor, connected } = makeTroupe(stateDir)
  await supervisor.start()
  await connected(1)

  const other = openTestState(stateFolder())
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(other.socketPath, resolve))
  onTestFinished(() => void server.close())
  await expect(makeTroupe(other).supervisor.start()).rejects.toMatchObject({
    code: 'STATE_DIR_LOCKED',
  })
  expect(existsSync(other.socketPath)).toBe(true)
})
