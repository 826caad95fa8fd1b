import { expect, test } from 'vitest'
import { FakeClock } from '../helpers/fake-clock.ts'
import { openTestState } from '../helpers/state-folder.ts'
import { isRunning, makeTroupe } from '../helpers/troupe.ts'
import { until } from '../helpers/until.ts'

test('Supervisor starts a successor at once beside a replica that drains by itself', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths, connected } = makeTroupe(await openTestState(), {
    clock,
    manner: (_, incarnation) => (incarnation === 1 ? 'lingering' : 'obedient'),
  })
  await supervisor.start()
  const [first] = await connected(1)
  process.kill(first!.pid, 'SIGTERM')
  await until(() => first!.isLeaving, { what: 'the report' })
  const [second] = await connected(1)
  expect(second!.incarnation).toBe(2)
  expect(supervisor.linked().map(({ incarnation }) => incarnation)).toEqual([1, 2])
  expect(supervisor.states()).toMatchObject([{ state: 'connected', incarnation: 2, restarts: 1 }])
  expect(deaths).toEqual([])
  // Its time to drain and to end, by its settings.
  await clock.advance(5999)
  expect(isRunning(first!.pid)).toBe(true)
  await clock.advance(1)
  await until(() => deaths.length === 1, { what: 'its end' })
  expect(await connected(1)).toEqual([second])
})

test('Supervisor counts it as a death when what has never served drains by itself', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths } = makeTroupe(await openTestState(), {
    clock,
    isServing: () => false,
  })
  await supervisor.start()
  await until(() => supervisor.connected()[0], { what: 'Hello' })
  process.kill(supervisor.connected()[0]!.pid, 'SIGTERM')
  await until(() => deaths.length === 1, { what: 'the death' })
  await clock.advance(99)
  expect(supervisor.states()[0]!.state).toBe('dead')
  await clock.advance(1)
  expect(supervisor.states()[0]!.state).toBe('starting')
})

test('Supervisor takes the last figures of a replica that ends in order, before its death', async () => {
  const { supervisor, finals, events, connected } = makeTroupe(await openTestState(), {
    replicas: 2,
  })
  await supervisor.start()
  const replicas = await connected(2)
  process.kill(replicas[0]!.pid, 'SIGTERM')
  await until(() => finals.size === 1, { what: 'the figures' })
  await connected(2)
  await supervisor.drainAll(5000)
  expect(
    [...finals].sort().map(([incarnation, { cpuSeconds }]) => [incarnation, cpuSeconds]),
  ).toEqual([
    [1, 1],
    [2, 2],
    [3, 3],
  ])
  expect(events.filter((event) => event.endsWith('died'))).toHaveLength(3)
})

test('Supervisor lets a replica drain that speaks another protocol, and starts another', async () => {
  const clock = new FakeClock()
  const { supervisor, deaths, connected } = makeTroupe(await openTestState(), {
    clock,
    manner: (_, incarnation) => (incarnation === 1 ? 'foreign' : 'obedient'),
  })
  await supervisor.start()
  const { pid } = supervisor.states()[0]!
  await until(() => supervisor.states()[0]!.state === 'draining', { what: 'the refusal' })
  await clock.advance(100)
  expect((await connected(1))[0]!.incarnation).toBe(2)
  await clock.advance(5899)
  expect(isRunning(pid)).toBe(true)
  await clock.advance(1)
  await until(() => deaths.length === 1, { what: 'its end' })
  expect(deaths[0]).toMatchObject({ pid, detail: 'signal SIGKILL' })
})
