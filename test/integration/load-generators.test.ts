/** The generators of the benches, against servers that answer, refuse, hang and break off. */

import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { phasedArrivals } from '../../bench/load/arrivals.ts'
import type { OpenPlan, StreamPlan } from '../../bench/load/open-plan.ts'
import { runCancelling, runOpenLoop, runReconnecting } from '../../bench/load/run-load.ts'
import { atEnd } from '../helpers/clean-up.ts'

const HOUR_MS = 3_600_000
const SEED = 3

/** A server whose answer depends on the path; `/hold` has none. */
const ANSWERS: Readonly<Record<string, number>> = { '/ok': 200, '/refuse': 503, '/fail': 500 }

const listen = async (listener: RequestListener): Promise<Server> => {
  const server = createServer({ keepAlive: true }, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(() => {
    server.closeAllConnections()
    server.close()
  })
  return server
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port

const answering = (): Promise<Server> =>
  listen((request, response) => {
    request.resume().on('end', () => {
      if (request.url === '/break') request.socket.destroy()
      const status = ANSWERS[request.url ?? '']
      if (status !== undefined) response.writeHead(status, { 'content-length': 2 }).end('{}')
    })
  })

const targetOf = (server: Server, path: string) => ({
  ...{ port: portOf(server), path, body: '{}', headers: [] },
})

const streamOf = (server: Server, path: string, deadlineMs = HOUR_MS): StreamPlan => ({
  ...{ name: path, target: targetOf(server, path), deadlineMs },
  phases: [
    { seconds: 0.2, perSecond: 100 },
    { seconds: 0.2, perSecond: 400 },
  ],
})

/** How many requests a stream has: the seed decides. */
const dueOf = ({ phases }: StreamPlan, seed: number): number => {
  const next = phasedArrivals(phases, seed)
  let due = 0
  while (next() < Number.POSITIVE_INFINITY) due++
  return due
}

const planOf = (streams: readonly StreamPlan[], connections: number): OpenPlan => ({
  ...{ streams, connections, seed: SEED, binMs: 50 },
})

test('the open loop sends what is due, whatever becomes of it', async () => {
  const server = await answering()
  const paths = ['/ok', '/refuse', '/fail', '/break']
  const streams = paths.map((path) => streamOf(server, path))
  const result = await runOpenLoop(planOf(streams, 500))
  const due = streams.map((stream, i) => dueOf(stream, SEED + 1000 * i))
  const counts = result.streams.map(({ good, refused, failed }) => [good, refused, failed])
  expect(result.streams.map((stream) => stream.due)).toEqual(due)
  expect(counts).toEqual([
    [due[0], 0, 0],
    [0, due[1], 0],
    [0, 0, due[2]],
    [0, 0, due[3]],
  ])
  expect(result.firstFailure).not.toBeNull()
})

test('the open loop stays open where nobody answers: requests without a connection are missed', async () => {
  const server = await answering()
  const stream = streamOf(server, '/hold', 1)
  const due = dueOf(stream, SEED)
  const result = await runOpenLoop(planOf([stream], 5))
  expect(result.streams[0]).toMatchObject({ due, good: 0, late: 5, missed: due - 5 })
})

test('an answer behind the deadline is late', async () => {
  const server = await answering()
  const stream = streamOf(server, '/ok', 0)
  const result = await runOpenLoop(planOf([stream], 100))
  expect(result.streams[0]).toMatchObject({ good: 0, late: dueOf(stream, SEED) })
})

const FIVE_REQUESTS = { requestsPerConnection: 5, deadlineMs: HOUR_MS }

test('reconnecting clients use a connection for so many requests, and come again when refused', async () => {
  const server = await answering()
  const plan = { clients: 4, seconds: 0.3, settleSeconds: 0, ...FIVE_REQUESTS }
  const ok = await runReconnecting({ ...plan, target: targetOf(server, '/ok') })
  expect([ok.late, ok.refused, ok.failed, ok.broken]).toEqual([0, 0, 0, 0])
  expect(ok.connected).toBeGreaterThan(4)
  expect(ok.good).toBeLessThanOrEqual(5 * ok.connected)
  expect(ok.good).toBeGreaterThan(5 * (ok.connected - 4) - 1)
  const cut = await runReconnecting({ ...plan, target: targetOf(server, '/break') })
  expect([cut.good, cut.failed]).toEqual([0, 0])
  expect(cut.broken).toBeGreaterThan(4)
})

test('of cancelling clients every second one goes, and the others wait', async () => {
  const waiting: (() => void)[] = []
  let gone = 0
  const server = await listen((request, response) => {
    response.on('close', () => {
      if (response.writableFinished) return
      gone++
      if (gone === 3) for (const answer of waiting) answer()
    })
    waiting.push(() => response.writeHead(200, { 'content-length': 2 }).end('{}'))
    request.resume()
  })
  const plan = { target: targetOf(server, '/'), clients: 6, cancelAfterMs: 1 }
  expect(await runCancelling(plan)).toEqual({ answered: 3, cancelled: 3, failed: 0 })
})
