/** More connections than there may be: those inside are served, and control answers. */

import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { identity } from '../helpers/models.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { makeTree } from '../helpers/tree.ts'
import { until } from '../helpers/until.ts'

/** Of a replica; half of it is a thread's. */
const CONNECTIONS_MAX = 40
const THREADS = 4
const BODY = '{"features": {"x": [1, 2]}}'
const REQUEST = `POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`

/** Clients that connect, say nothing and stay; `closed` counts those that were not let in. */
const flood = (port: number, count: number) => {
  const sockets: Socket[] = []
  const seen = { open: 0, refused: 0 }
  for (let i = 0; i < count; i++) {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => seen.open++)
    socket.once('error', () => seen.refused++)
    sockets.push(socket)
  }
  const end = () => sockets.forEach((socket) => void socket.destroy())
  atEnd(end)
  return { seen, end }
}

const threadsOf = async (gateway: TestGateway) =>
  (await gateway.status()).replicas.flatMap(({ threads }) => threads)

test.each(['uws', 'node'])('a flood of connections harms nobody inside, on %s', async (engine) => {
  const folder = makeTree({
    'models/m/1/model.onnx': identity('FP32'),
    'sluice.yaml': `model_repository: models\nlimits: {connections_max: ${CONNECTIONS_MAX}}\n`,
  })
  const config = join(folder, 'sluice.yaml')
  const gateway = await startGateway({ config, flags: ['--http', engine] })
  const inside = await Promise.all(
    Array.from({ length: 8 }, () => RawClient.open(gateway.httpPort)),
  )
  let isOver = false
  let answered = 0
  const serving = Promise.all(
    inside.map(async (client) => {
      while (!isOver) {
        await client.send(REQUEST)
        expect((await client.answer()).status).toBe(200)
        answered++
      }
    }),
  )
  const { seen, end } = flood(gateway.httpPort, 400)
  await until(
    async () => (await threadsOf(gateway)).every(({ accepting }) => accepting === 'full'),
    { what: 'every thread to be full' },
  )
  const threads = await threadsOf(gateway)
  expect(threads).toHaveLength(THREADS)
  for (const { connections } of threads) {
    expect(connections).toBeLessThanOrEqual(CONNECTIONS_MAX / 2)
  }
  await until(() => seen.refused > 200, { what: 'most to be refused' })
  const before = answered
  await until(() => answered > before + 100, { what: 'those inside to be answered' })
  // Control has a port of its own.
  expect((await fetch(`${gateway.controlUrl}/livez`)).status).toBe(200)
  expect(await gateway.metrics()).toMatch(
    /sluice_accept_pauses_total\{replica="0",thread="0",reason="full"\} [1-9]/,
  )
  end()
  await until(
    async () => (await threadsOf(gateway)).every(({ accepting }) => accepting === 'open'),
    { what: 'every thread to accept again' },
  )
  for (let i = 0; i < 20; i++) expect((await gateway.post('/predict', BODY)).status).toBe(200)
  isOver = true
  await serving
})
