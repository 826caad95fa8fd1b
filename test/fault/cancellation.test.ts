/** Clients that go before they are answered: Triton's L0_request_cancellation, over HTTP. */

import { beforeAll, describe, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { metricSum, untilQuiet } from '../helpers/gateway-figures.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { makeRepository } from '../helpers/repository.ts'
import { slowModel } from '../helpers/slow-models.ts'
import { until } from '../helpers/until.ts'

const MS_PER_ROW = 50
const WAITING = 40
const MANY = 400
/** Answers after which the others are sure to have been read. */
const SERVED = 3

const BODY = JSON.stringify({
  inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }],
})

const requestOf = (model: string): string =>
  `POST /v2/models/${model}/infer HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`

let gateway: TestGateway

/** One thread, so that all requests wait in one queue. */
const startOn = async (engine: string, placement: string): Promise<void> => {
  const yaml = `placement: ${placement}\n`
  gateway = await startGateway({
    repository: makeRepository({
      'slow/1/model.onnx': slowModel({ usPerRow: MS_PER_ROW * 1000 }),
      'slow/model.yaml': yaml,
      'quick/1/model.onnx': slowModel({ usPerRow: 2000 }),
      'quick/model.yaml': yaml,
    }),
    replicas: 1,
    threads: 1,
    flags: ['--http', engine],
    env: { SLUICE_LIMITS__QUEUE_WORK_MS_MAX: '60000' },
  })
}

/** Connections that the server has accepted, and not only its kernel. */
const connect = async (count: number): Promise<RawClient[]> => {
  const clients = await Promise.all(
    Array.from({ length: count }, () => RawClient.open(gateway.httpPort)),
  )
  await until(async () => (await metricSum(gateway, 'sluice_connections')) === count, {
    what: `${count} connections to be accepted`,
  })
  return clients
}

const askFrom = async (model: string, count: number): Promise<RawClient[]> => {
  const clients = await connect(count)
  for (const client of clients) client.socket.write(requestOf(model))
  return clients
}

/** By a reset: a client that only closes its side may still want its answer, says `node:http`. */
const go = (clients: readonly RawClient[]): Promise<unknown> => {
  for (const { socket } of clients) socket.resetAndDestroy()
  return Promise.all(clients.map(({ closed }) => closed))
}

const statusOf = async (client: RawClient): Promise<number> => (await client.answer()).status

interface Counts {
  readonly rowsRun: number
  readonly ok: number
  readonly aborted: number
  readonly all: number
}

const countsOf = async (): Promise<Counts> => {
  const requests = (labels: Readonly<Record<string, string>>) =>
    metricSum(gateway, 'sluice_requests_total', labels)
  return {
    rowsRun: await metricSum(gateway, 'sluice_batch_rows_sum'),
    ok: await requests({ outcome: 'ok' }),
    aborted: await requests({ outcome: 'aborted' }),
    all: await requests({}),
  }
}

/** What `act` adds to the counters, once nothing is under way any more. */
const countedIn = async (act: () => Promise<void>): Promise<Counts> => {
  const before = await countsOf()
  await act()
  await untilQuiet(gateway, ['sluice_connections'])
  const after = await countsOf()
  const difference = (name: keyof Counts) => after[name] - before[name]
  return {
    rowsRun: difference('rowsRun'),
    ok: difference('ok'),
    aborted: difference('aborted'),
    all: difference('all'),
  }
}

/** Everything was sent at once, and the thread has read its sockets since: the others wait. */
const untilServed = (clients: readonly RawClient[]): Promise<number[]> =>
  Promise.all(clients.slice(0, SERVED).map(statusOf))

describe.each([
  ['uws', 'inline'],
  ['uws', 'pooled'],
  ['node', 'inline'],
])('on %s, placed %s', (engine, placement) => {
  beforeAll(() => startOn(engine, placement))

  test('what is cancelled in the queue is never run, and those who wait are answered', async () => {
    const counts = await countedIn(async () => {
      const clients = await askFrom('slow', WAITING)
      const statuses = await untilServed(clients)
      await go(clients.slice(WAITING / 2))
      statuses.push(...(await Promise.all(clients.slice(SERVED, WAITING / 2).map(statusOf))))
      expect(statuses).toEqual(Array(WAITING / 2).fill(200))
      await go(clients)
    })
    expect(counts).toMatchObject({ ok: WAITING / 2, aborted: WAITING / 2, all: WAITING })
    expect(counts.rowsRun).toBe(WAITING / 2)
  })

  test('what is cancelled while it runs costs that run and no more', async () => {
    const asked = SERVED + 4
    const counts = await countedIn(async () => {
      const clients = await askFrom('slow', asked)
      await untilServed(clients)
      await go(clients.slice(SERVED, SERVED + 1)) // it runs now
      const others = clients.slice(SERVED + 1)
      expect(await Promise.all(others.map(statusOf))).toEqual([200, 200, 200])
      await go(clients)
    })
    // Inline, the thread sees that it has gone behind the answer: that counts as given.
    expect(counts.ok + counts.aborted).toBe(asked)
    expect(counts.ok).toBeGreaterThanOrEqual(asked - 1)
    expect(counts.rowsRun).toBeLessThanOrEqual(asked)
  })

  test('what is cancelled before its body is complete is never run', async () => {
    const counts = await countedIn(async () => {
      const clients = await connect(1)
      await clients[0]!.send(requestOf('quick').slice(0, -10))
      clients[0]!.socket.destroy() // no reset: what was sent is read before
    })
    expect(counts).toEqual({ ok: 0, aborted: 1, all: 1, rowsRun: 0 })
  })

  test('many who go at once leave nothing behind', async () => {
    const counts = await countedIn(async () => {
      const clients = await askFrom('quick', MANY)
      await untilServed(clients)
      await go(clients)
    })
    expect(counts.ok + counts.aborted).toBe(MANY)
    expect(counts.all).toBe(MANY)
    // Those whose run was over or begun when they went.
    expect(counts.rowsRun - counts.ok).toBeLessThanOrEqual(MANY / 20)
    const client = await RawClient.open(gateway.httpPort)
    await client.send(requestOf('quick'))
    expect(await statusOf(client)).toBe(200)
    await go([client])
  })
})
