import { expect, test } from 'vitest'
import type { ConnectedReplica } from '../../src/control/replicas/connected-replica.ts'
import type { Supervisor } from '../../src/control/replicas/supervisor.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { startFirstControl } from '../helpers/first-control.ts'
import { openTestState, stateFolder } from '../helpers/state-folder.ts'
import { isRunning, makeTroupe, type TroupeOptions } from '../helpers/troupe.ts'
import { until } from '../helpers/until.ts'

/** A control that was killed, and the next, with other settings. */
const succeed = async (replicas: number, options: TroupeOptions = {}) => {
  const path = stateFolder()
  const first = await startFirstControl(path, { replicas })
  await first.kill()
  const next = makeTroupe(await openTestState(path), { replicas, threads: 2, ...options })
  await next.supervisor.start()
  expect(next.supervisor.connected().map(({ pid }) => pid)).toEqual(first.pids)
  return { ...next, pids: first.pids }
}

test('start() replaces replicas with other settings one at a time, each by one that serves', async () => {
  const { supervisor, events, connected, pids } = await succeed(2)
  await until(() => events.length === 6, { what: 'two successors' })
  // The first two are the adoptions, in either order.
  expect(events.slice(2)).toEqual(['0.3 connected', '0.1 died', '1.4 connected', '1.2 died'])
  for (const pid of pids) expect(isRunning(pid)).toBe(false)
  expect((await connected(2)).map(({ incarnation }) => incarnation)).toEqual([3, 4])
  expect(supervisor.states().map(({ restarts }) => restarts)).toEqual([1, 1])
  expect(supervisor.warnings()).toEqual([])
})

test('start() leaves replicas of the same settings and release alone', async () => {
  const { supervisor, events } = await succeed(2, { threads: 1 })
  await supervisor.drainAll(5000)
  expect(events.filter((event) => event.endsWith('connected'))).toHaveLength(2)
})

test('a replica stays, alone in its place, until its successor serves', async () => {
  const serving = new Set([1])
  const isServing = ({ incarnation }: ConnectedReplica) => serving.has(incarnation)
  const { supervisor, events, connected, pids } = await succeed(1, { isServing })
  await connected(2)
  const [state] = supervisor.states()
  expect(state).toMatchObject({ pid: pids[0], state: 'connected', incarnation: 1 })
  expect(events).toEqual(['0.1 connected', '0.2 connected'])
  serving.add(2)
  await until(() => events.length === 3, { what: 'the end of the first' })
  expect(events[2]).toBe('0.1 died')
  expect(supervisor.states()).toMatchObject([{ state: 'connected', incarnation: 2, restarts: 1 }])
})

test('replicas serve on when the first successor can never listen, and control says so', async () => {
  const doomed = (_: number, incarnation: number) => (incarnation > 2 ? 'doomed' : 'obedient')
  const { supervisor, events, fatal, connected, pids } = await succeed(2, { manner: doomed })
  await until(() => supervisor.warnings().length === 1, { what: 'the warning' })
  expect(supervisor.warnings()[0]).toMatch(/earlier settings.*replica 0 .*exit code 78.*logs/)
  expect(events.slice(2)).toEqual(['0.3 died'])
  expect((await connected(2)).map(({ pid }) => pid)).toEqual(pids)
  expect(fatal).toEqual([])
})

test('replicas serve on when the first successor does not come to serve', async () => {
  const clock = new FakeClock()
  const isServing = ({ incarnation }: ConnectedReplica) => incarnation <= 2
  const prepareMsMax = () => 30_000
  const options = { clock, isServing, prepareMsMax }
  const { supervisor, events, connected, pids } = await succeed(2, options)
  await connected(3)
  await clock.advance(89_000)
  expect(supervisor.warnings()).toEqual([])
  await clock.advance(1_100)
  expect(supervisor.warnings()[0]).toContain('did not serve within 90 s')
  await until(() => events.includes('0.3 died'), { what: 'the end of the successor' })
  await clock.advance(10_000)
  expect((await connected(2)).map(({ pid }) => pid)).toEqual(pids)
  expect(events).toHaveLength(4)
})

test('a successor that dies is started again, and the old replica serves meanwhile', async () => {
  const clock = new FakeClock()
  const manner = (_: number, incarnation: number) => (incarnation === 2 ? 'brittle' : 'obedient')
  const { events, connected, pids } = await succeed(1, { clock, manner })
  await until(() => events.includes('0.2 died'), { what: 'the death of the first successor' })
  expect((await connected(1))[0]!.pid).toBe(pids[0])
  await clock.advance(100)
  await until(
    async () => {
      await clock.advance(50)
      return events.includes('0.1 died')
    },
    { what: 'the end of the old one' },
  )
  expect((await connected(1))[0]!.incarnation).toBe(3)
  expect(events.slice(1)).toEqual(['0.2 died', '0.3 connected', '0.1 died'])
})

test('a control that finds a replica and its successor goes on where the last one stopped', async () => {
  const path = stateFolder()
  await (await startFirstControl(path)).kill()
  const second = await startFirstControl(path, { threads: 2, isServing: false, awaited: 2 })
  await second.kill()
  const { supervisor, events, connected } = makeTroupe(await openTestState(path), { threads: 2 })
  await supervisor.start()
  await until(() => events.length === 3, { what: 'the end of the first' })
  expect(events.slice(0, 2).sort()).toEqual(['0.1 connected', '0.2 connected'])
  expect(events[2]).toBe('0.1 died')
  expect((await connected(1))[0]!.pid).toBe(second.pids[1])
})

const restartEnded = (supervisor: Supervisor, clock?: FakeClock) =>
  until(
    async () => {
      await clock?.advance(50)
      return supervisor.lastRestart?.state !== 'running'
    },
    { what: 'the end of the restart' },
  )

test('restart() replaces every replica, one at a time; a second wish meanwhile joins it', async () => {
  const { supervisor, events, connected } = makeTroupe(await openTestState(), { replicas: 2 })
  expect(supervisor.lastRestart).toBeNull()
  await supervisor.start()
  await connected(2)
  events.length = 0
  expect(supervisor.restart()).toMatchObject({ number: 1, state: 'running', replicas: 2 })
  expect(supervisor.restart()).toMatchObject({ number: 1, replaced: 0 })
  await restartEnded(supervisor)
  expect(events).toEqual(['0.3 connected', '0.1 died', '1.4 connected', '1.2 died'])
  expect(supervisor.lastRestart).toMatchObject({ state: 'done', replaced: 2, fault: null })
  expect(supervisor.restart()).toMatchObject({ number: 2, state: 'running', replaced: 0 })
  await restartEnded(supervisor)
  expect((await connected(2)).map(({ incarnation }) => incarnation)).toEqual([5, 6])
})

test('restart() ends with the first successor that dies again and again; the old serve on', async () => {
  const clock = new FakeClock()
  const manner = (_: number, incarnation: number) => (incarnation > 3 ? 'brittle' : 'obedient')
  const options = { replicas: 2, clock, manner } as const
  const { supervisor, connected } = makeTroupe(await openTestState(), options)
  await supervisor.start()
  await connected(2)
  supervisor.restart()
  await restartEnded(supervisor, clock)
  const { fault } = supervisor.lastRestart!
  expect(supervisor.lastRestart).toMatchObject({ state: 'failed', replaced: 1 })
  expect(fault).toMatch(/^the successor of replica 1 died 4 times \(exit code 1\); .*logs/)
  expect((await connected(2)).map(({ incarnation }) => incarnation)).toEqual([3, 2])
  await clock.advance(60_000)
  expect((await connected(2)).map(({ incarnation }) => incarnation)).toEqual([3, 2])
})

test('drainAll() in the middle of a restart ends everything in order', async () => {
  const isServing = ({ incarnation }: ConnectedReplica) => incarnation <= 2
  const options = { replicas: 2, isServing }
  const { supervisor, deaths, connected } = makeTroupe(await openTestState(), options)
  await supervisor.start()
  await connected(2)
  supervisor.restart()
  await connected(3)
  await supervisor.drainAll(5000)
  expect(deaths.map(({ detail }) => detail)).toEqual(Array(3).fill('exit code 0'))
  await restartEnded(supervisor)
  expect(supervisor.lastRestart).toMatchObject({ state: 'failed', fault: 'the gateway stops' })
  expect(supervisor.restart()).toMatchObject({ number: 2 })
  await restartEnded(supervisor)
  expect(deaths).toHaveLength(3)
})
