import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import type { Statistics } from '../../proto/gen/control_pb.ts'
import { requestsIndex, slotKeyText } from '../../src/shared/counters.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { answerKey } from '../helpers/counted-slots.ts'
import { epochPlan } from '../helpers/epoch-plans.ts'
import { scaleAdd } from '../helpers/models.ts'
import { findFreePort } from '../helpers/ports.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { signal } from '../helpers/reaper.ts'
import { provenVersion, type ReplicaProcess, startReplica } from '../helpers/replica-process.ts'
import { until } from '../helpers/until.ts'

const ENGINES = ['uws', 'node'] as const
const BODY = JSON.stringify({ features: { x: [1, 2] } })
const HEAD = `POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n`
const READY = 'GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n'

/** An orderly end: neither a signal, nor an abort by what was left open. */
const CLEAN = { code: 0, signal: null }

const servedPlan = (epoch = 1) => epochPlan(epoch, [provenVersion('m', 1, scaleAdd(2))])

const startServing = async (httpEngine: 'uws' | 'node' = 'uws') => {
  const replica = await startReplica({ httpEngine })
  await replica.serve(servedPlan())
  return replica
}

const connect = async (replica: ReplicaProcess, ...pieces: string[]) => {
  const client = await RawClient.open(replica.settings.httpPort)
  await client.send(...pieces)
  return client
}

const untilConnections = (replica: ReplicaProcess, count: number) =>
  until(
    async () => {
      const { threads } = await replica.statistics()
      return threads.reduce((sum, { connections }) => sum + connections, 0) === count
    },
    { what: `${count} connections to be accepted` },
  )

const isClosing = ({ headers }: { headers: ReadonlyMap<string, string> }) =>
  headers.get('connection')?.toLowerCase() === 'close'

const answeredIn = (statistics: Statistics | undefined): number => {
  const slot = statistics?.slots.find(({ key }) => key === slotKeyText(answerKey('m')))
  return slot?.values[slot.indices.indexOf(requestsIndex(0, 0))] ?? 0
}

test.each(ENGINES)('half a body at SIGTERM is awaited and answered (%s)', async (engine) => {
  const replica = await startServing(engine)
  const client = await connect(replica, HEAD, BODY.slice(0, 5))
  await untilConnections(replica, 1)
  signal(replica.pid, 'SIGTERM')
  await until(() => replica.reports.includes('draining: SIGTERM'), { what: 'the report' })
  await client.send(BODY.slice(5))
  expect((await client.answer()).status).toBe(200)
  expect(await replica.ended).toEqual(CLEAN)
})

test.each(ENGINES)(
  'an idle connection learns of a drain by its next answer (%s)',
  async (engine) => {
    const replica = await startServing(engine)
    const client = await connect(replica, READY)
    expect(isClosing(await client.answer())).toBe(false)
    replica.drain(5000)
    const statuses: number[] = []
    await until(
      async () => {
        await client.send(READY)
        const answer = await client.answer()
        statuses.push(answer.status)
        return isClosing(answer)
      },
      { what: 'an answer that closes' },
    )
    expect(statuses.at(-1)).toBe(503)
    expect(await replica.ended).toEqual(CLEAN)
  },
)

test.each(ENGINES)('connections that stay idle hold no drain up (%s)', async (engine) => {
  const replica = await startServing(engine)
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect(replica, READY)))
  for (const client of clients) await client.answer()
  replica.drain(60_000)
  expect(await replica.ended).toEqual(CLEAN)
})

test('two drains at once end in order, and the last figures are handed over once', async () => {
  const replica = await startServing()
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect(replica, HEAD + BODY)))
  for (const client of clients) expect((await client.answer()).status).toBe(200)
  replica.drain(8000)
  signal(replica.pid, 'SIGTERM')
  signal(replica.pid, 'SIGTERM')
  expect(await replica.ended).toEqual(CLEAN)
  expect(replica.finals.map(answeredIn)).toEqual([8])
})

test('a refused replica answers what is under way and exits with 0', async () => {
  const replica = await startServing()
  const client = await connect(replica, HEAD, BODY.slice(0, 5))
  await untilConnections(replica, 1)
  replica.refusal = 'no such replica is wanted'
  replica.hangUp()
  await until(() => replica.hellos.length === 2, { what: 'the second Hello' })
  await client.send(BODY.slice(5))
  expect((await client.answer()).status).toBe(200)
  expect(await replica.ended).toEqual(CLEAN)
  expect(replica.hellos).toHaveLength(2)
})

test('a replica says again that it drains when its link was lost', async () => {
  const replica = await startServing()
  const client = await connect(replica, HEAD, BODY.slice(0, 5))
  await untilConnections(replica, 1)
  replica.drain(60_000)
  replica.hangUp()
  await until(() => replica.reports.includes('draining: '), { what: 'the report' })
  await client.send(BODY.slice(5))
  expect((await client.answer()).status).toBe(200)
  expect(await replica.ended).toEqual(CLEAN)
  expect(replica.finals.map(answeredIn)).toEqual([1])
})

test('a replica that cannot listen exits with 78', async () => {
  const port = await findFreePort()
  const owner = createServer()
  await new Promise<void>((resolve) => owner.listen(port, '127.0.0.1', resolve))
  atEnd(() => void owner.close())
  const replica = await startReplica({ httpPort: port })
  await replica.prepare(servedPlan())
  replica.commit(1).catch(() => {}) // it ends instead of answering
  expect(await replica.ended).toEqual({ code: 78, signal: null })
})

test('of two prepares at once the second counts, and the first cannot be committed', async () => {
  const replica = await startReplica()
  const other = epochPlan(1, [provenVersion('other', 1, scaleAdd(2))])
  const answers = await Promise.all([replica.prepare(servedPlan()), replica.prepare(other)])
  expect(answers).toEqual([
    { epoch: 0, failures: [] },
    { epoch: 1, failures: [] },
  ])
  expect(await replica.commit(2)).toBe(0)
  expect(await replica.commit(1)).toBe(1)
  const client = await connect(replica, 'GET /v2/models/other HTTP/1.1\r\nhost: a\r\n\r\n')
  expect((await client.answer()).status).toBe(200)
})

test('a commit of what was never prepared is refused, and the plan stays', async () => {
  const replica = await startServing()
  expect(await replica.commit(2)).toBe(0)
  expect(await replica.commit(1)).toBe(1)
  expect(Number((await replica.statistics()).epoch)).toBe(1)
})

test('versions in which nothing was counted are left out of the figures', async () => {
  const replica = await startReplica()
  const idle = Array.from({ length: 20 }, (_, i) => provenVersion(`idle${i}`, 1, scaleAdd(2)))
  await replica.serve(epochPlan(1, [provenVersion('m', 1, scaleAdd(2)), ...idle]))
  expect((await replica.statistics()).slots).toEqual([])
  const client = await connect(replica, HEAD.replace('/predict', '/predict/m') + BODY)
  expect((await client.answer()).status).toBe(200)
  // An answer leaves before it is counted.
  const statistics = await until(
    async () => {
      const present = await replica.statistics()
      return answeredIn(present) === 1 ? present : undefined
    },
    { what: 'the answer to be counted' },
  )
  expect(statistics.slots.map(({ key }) => key)).toEqual([slotKeyText(answerKey('m'))])
  expect(statistics.slots[0]!.values.length).toBeLessThan(20)
})
