import { readdirSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readReplicaFiles } from '../../src/control/replicas/replica-files.ts'
import { openStateDir } from '../../src/control/state/state-dir.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { startFirstControl } from '../helpers/first-control.ts'
import { openTestState, stateFolder } from '../helpers/state-folder.ts'
import { isRunning, makeTroupe, readRunFile, runFileOf } from '../helpers/troupe.ts'
import { until } from '../helpers/until.ts'

test('start() adopts the replicas of a control that was killed, and sees them die', async () => {
  const path = stateFolder()
  const first = await startFirstControl(path, { replicas: 2 })
  const locked = `Process ${first.pid} uses this state folder`
  await expect(openStateDir(path)).rejects.toThrow(locked)
  await first.kill()
  const next = makeTroupe(await openTestState(path), { replicas: 2 })
  await next.supervisor.start()
  expect(next.supervisor.connected().map(({ pid }) => pid)).toEqual(first.pids)
  expect(next.deaths).toEqual([])

  process.kill(first.pids[1]!, 'SIGKILL')
  await until(() => next.deaths.length === 1, { what: 'the death' })
  expect(next.deaths[0]).toMatchObject({ index: 1, pid: first.pids[1], isAdopted: true })
  const after = await next.connected(2)
  expect(after[0]!.pid).toBe(first.pids[0])
  expect(after[1]!.incarnation).toBeGreaterThan(2)
  await next.supervisor.drainAll(5000)
  expect(first.pids.map(isRunning)).toEqual([false, false])
})

test('start() starts what is missing beside what it adopts, and tells of the dead', async () => {
  const path = stateFolder()
  const first = await startFirstControl(path, { replicas: 2 })
  await first.kill()
  process.kill(first.pids[0]!, 'SIGKILL')
  await until(() => !isRunning(first.pids[0]!), { what: 'the death' })
  const later = await openTestState(path)
  const next = makeTroupe(later, { replicas: 2 })
  await next.supervisor.start()
  // Its figures are missing from the sums: only the first control had heard them.
  expect(next.deaths).toMatchObject([{ index: 0, incarnation: 1, isAdopted: true }])
  const after = await next.connected(2)
  expect(after[0]!.pid).not.toBe(first.pids[0])
  expect(after[1]!.pid).toBe(first.pids[1])
  expect(readdirSync(later.runPath).sort()).toEqual(['replica-0-3.json', 'replica-1-2.json'])
})

test('start() drains surplus replicas', async () => {
  const path = stateFolder()
  const first = await startFirstControl(path, { replicas: 3 })
  await first.kill()
  const later = await openTestState(path)
  const next = makeTroupe(later, { replicas: 1 })
  await next.supervisor.start()
  await until(() => next.deaths.length === 2, { what: 'two deaths' })
  expect(next.deaths.map(({ index }) => index).sort()).toEqual([1, 2])
  expect(next.supervisor.connected().map(({ pid }) => pid)).toEqual([first.pids[0]])
  expect(next.supervisor.states()).toHaveLength(1)
  expect(readdirSync(later.runPath)).toEqual(['replica-0-1.json'])
})

test('start() gives adopted replicas 2 s to dial, then kills and replaces them', async () => {
  const path = stateFolder()
  const first = await startFirstControl(path, { manner: 'mute' })
  await first.kill()
  const [pid] = first.pids
  const clock = new FakeClock()
  const next = makeTroupe(await openTestState(path), { clock })
  const started = next.supervisor.start()
  await until(() => next.supervisor.states()[0]?.pid === pid, { what: 'the adoption' })
  await clock.advance(1999)
  expect(isRunning(pid!)).toBe(true)
  await clock.advance(1)
  await until(() => !isRunning(pid!), { what: 'its end' })
  await clock.advance(50)
  await started
  await clock.advance(100)
  expect((await next.connected(1))[0]!.pid).not.toBe(pid)
})

test('start() adopts a replica whose control died before it knew the pid', async () => {
  const path = stateFolder()
  const first = await startFirstControl(path)
  await first.kill()
  const later = await openTestState(path)
  const file = { ...readRunFile(later, 0), identity: null }
  writeFileSync(runFileOf(later, 0), JSON.stringify(file))
  const next = makeTroupe(later)
  await next.supervisor.start()
  expect(next.supervisor.connected().map(({ pid }) => pid)).toEqual(first.pids)
  expect(readReplicaFiles(later.runPath).living[0]?.identity?.pid).toBe(first.pids[0])
})

test('start() has a replica end whose run file is damaged', async () => {
  const path = stateFolder()
  const first = await startFirstControl(path)
  await first.kill()
  const later = await openTestState(path)
  writeFileSync(runFileOf(later, 0), 'damaged')
  const next = makeTroupe(later)
  await next.supervisor.start()
  expect(next.deaths).toMatchObject([{ index: 0, incarnation: 1, isAdopted: true }])
  const [after] = await next.connected(1)
  expect(after!.pid).not.toBe(first.pids[0])
  await until(() => !isRunning(first.pids[0]!), { what: 'the end of the unknown replica' })
})
