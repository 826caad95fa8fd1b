import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { ConnectedReplica } from '../../src/control/connected-replica.ts'
import { findLivingReplicas } from '../../src/control/replica-files.ts'
import { openStateDir, type StateDir } from '../../src/control/state-dir.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { openTestState, stateFolder } from '../helpers/state-folder.ts'
import {
  isRunning,
  makeTroupe,
  readRunFile,
  type Troupe,
  type TroupeOptions,
} from '../helpers/troupe.ts'
import { until } from '../helpers/until.ts'

const CONTROL = fileURLToPath(new URL('../helpers/supervisor-process.ts', import.meta.url))

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
