import { expect, test } from 'vitest'
import type { ReplicaSettings } from '../../src/shared/epoch-plan.ts'
import { epochPlan } from '../helpers/epoch-plans.ts'
import { endless, scaleAdd, slow, slowAsTold } from '../helpers/models.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { signal } from '../helpers/reaper.ts'
import { provenVersion, type ReplicaProcess, startReplica } from '../helpers/replica-process.ts'
import { until } from '../helpers/until.ts'

const KILLED = { code: null, signal: 'SIGKILL' }
const NEVER_MS = 600_000
/** Looks at threads, but finds none dead: what ends the replica is something else. */
const LENIENT = {
  reportMs: NEVER_MS,
  idleMsMax: NEVER_MS,
  runMsMax: NEVER_MS,
  loadMsMax: NEVER_MS,
}

const requestOf = (path: string, value: number) => {
  const body = JSON.stringify({ features: { x: [value, 0] } })
  return `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

/** Asks for a run that never ends, and waits until a thread is in it. */
const hang = async (replica: ReplicaProcess, path: string): Promise<void> => {
  const client = await RawClient.open(replica.settings.httpPort)
  await client.send(requestOf(path, 1e9))
  await until(
    async () => (await replica.statistics()).threads.some(({ state }) => state === 'run'),
    { what: 'a thread in a run' },
  )
}

const startHanging = async (given: Partial<ReplicaSettings>) => {
  const replica = await startReplica({ watchdog: LENIENT, drainMsMax: 1000, ...given })
  await replica.serve(epochPlan(1, [provenVersion('slow', 1, slowAsTold())]))
  await hang(replica, '/predict')
  return replica
}

test('a replica in a hanging run is no orphan when control stays away', async () => {
  const replica = await startHanging({ controlAbsenceMsMax: 500 })
  replica.loseControl()
  expect(await replica.ended).toEqual(KILLED)
})

test('a replica in a hanging run ends after its deadline and hands its figures over', async () => {
  const replica = await startHanging({})
  signal(replica.pid, 'SIGTERM')
  expect(await replica.ended).toEqual(KILLED)
  expect(replica.finals).toHaveLength(1)
})

test('a run that hangs is found while the replica drains', async () => {
  const watchdog = { reportMs: 1000, idleMsMax: 5000, runMsMax: 5000, loadMsMax: NEVER_MS }
  const replica = await startHanging({ watchdog, drainMsMax: NEVER_MS })
  replica.drain(NEVER_MS)
  expect(await replica.ended).toEqual(KILLED)
  expect(replica.reports.at(-1)).toMatch(/^thread_dead: thread [01]: run slow v1$/)
})

test('a run that hangs is blamed on its version after a change of epoch', async () => {
  const watchdog = { reportMs: 1000, idleMsMax: 5000, runMsMax: 5000, loadMsMax: NEVER_MS }
  const replica = await startReplica({ watchdog })
  const guilty = provenVersion('guilty', 3, slowAsTold())
  const innocent = provenVersion('innocent', 1, scaleAdd(2))
  await replica.serve(epochPlan(1, [guilty, innocent]))
  await replica.serve(epochPlan(2, [provenVersion('new', 1, scaleAdd(2)), innocent, guilty]))
  await hang(replica, '/predict/guilty')
  expect(await replica.ended).toEqual(KILLED)
  const reports = replica.reports.map((report) => report.replace(/thread [01]/, 'it'))
  // On a busy machine a thread may be silent though it does nothing.
  const blamed = reports.filter((report) => report !== 'thread_silent: it: idle')
  expect(blamed).toEqual(['thread_silent: it: run guilty v3', 'thread_dead: it: run guilty v3'])
})

test('a load that hangs is blamed on the version that is prepared', async () => {
  const watchdog = { ...LENIENT, loadMsMax: 5000 }
  const replica = await startReplica({ watchdog })
  const innocent = provenVersion('innocent', 1, scaleAdd(2))
  await replica.serve(epochPlan(1, [innocent]))
  const plan = epochPlan(2, [provenVersion('guilty', 2, endless()), innocent])
  replica.prepare(plan).catch(() => {}) // it ends instead of answering
  expect(await replica.ended).toEqual(KILLED)
  expect(replica.reports.at(-1)).toMatch(/^thread_dead: thread [01]: load guilty v2$/)
})

test('many small loads are no long one', async () => {
  // Each takes 20 ms or more: together they are over the limit of one.
  const replica = await startReplica({ watchdog: { ...LENIENT, loadMsMax: 2000 } })
  const versions = Array.from({ length: 120 }, (_, i) => provenVersion(`m${i}`, 1, slow(10)))
  await replica.serve(epochPlan(1, versions))
  expect(replica.reports).toEqual([])
})
