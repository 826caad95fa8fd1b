/** Connections that end while they are in use, as they must: nobody notices. */

import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { sluice } from '../helpers/cli.ts'
import { startGateway } from '../helpers/gateway.ts'
import { keepAsking } from '../helpers/grpc-beside.ts'
import { GrpcClient, rawFloats } from '../helpers/grpc-client.ts'
import { call } from '../helpers/http2/frames.ts'
import { Http2Peer } from '../helpers/http2/peer.ts'
import { identity } from '../helpers/models.ts'
import { makeTree } from '../helpers/tree.ts'
import { until } from '../helpers/until.ts'

const REQUEST = rawFloats('m', [1, 2])

const start = (grpc = '') => {
  const folder = makeTree({
    'models/m/1/model.onnx': identity('FP32'),
    'sluice.yaml': `model_repository: models\n${grpc}`,
  })
  return startGateway({ config: join(folder, 'sluice.yaml') })
}

test('sluice restart replaces every replica, and no call fails', async () => {
  const gateway = await start()
  const before = [...(await gateway.replicaPids()).values()]
  const clients = Array.from({ length: 8 }, () => keepAsking(gateway.grpcPort))
  const answered = async (count: number) => {
    const marks = clients.map((client) => client.answered + count)
    await until(() => clients.every((client, i) => client.answered > marks[i]!), {
      what: 'all clients to be answered',
    })
  }
  await answered(20)
  const { code } = await sluice(['restart', '--server', gateway.controlUrl])
  expect(code).toBe(0)
  await answered(20)
  expect(clients.flatMap(({ failures }) => failures)).toEqual([])
  const after = [...(await gateway.replicaPids()).values()]
  expect(after.filter((pid) => before.includes(pid))).toEqual([])
})

test('connections that are old enough are told to go, and no call fails', async () => {
  const gateway = await start('grpc: {connection_age_seconds: 1, connection_grace_seconds: 1}\n')
  const clients = Array.from({ length: 8 }, () => keepAsking(gateway.grpcPort))
  const peers = await Promise.all(Array.from({ length: 4 }, () => Http2Peer.open(gateway.grpcPort)))
  for (const peer of peers) peer.send(call(1, REQUEST))
  // They see it happen; those who ask go elsewhere, several times.
  for (const peer of peers) {
    await peer.untilClosed()
    expect(peer.goAwayCode).toBe(0)
    expect(peer.hasEnded(1)).toBe(true)
  }
  const marks = clients.map(({ answered }) => answered + 300)
  await until(() => clients.every(({ answered }, i) => answered > marks[i]!), {
    what: 'three seconds of answers',
    timeoutMs: 40_000,
  })
  expect(clients.flatMap(({ failures }) => failures)).toEqual([])
})

test('a stream has its time behind the age of its connection, and then ends', async () => {
  const gateway = await start('grpc: {connection_age_seconds: 1, connection_grace_seconds: 1}\n')
  const stream = new GrpcClient(gateway.grpcPort).stream()
  stream.on('error', () => {})
  let answers = 0
  stream.on('data', () => answers++)
  const ended = new Promise<number>((resolve) => stream.on('status', ({ code }) => resolve(code)))
  const asking = until(
    () => {
      stream.write(REQUEST)
      return answers > 20
    },
    { what: 'answers', everyMs: 50 },
  )
  expect(await ended).toBe(status.UNAVAILABLE)
  await asking.catch(() => {})
  expect(answers).toBeGreaterThan(10)
})
