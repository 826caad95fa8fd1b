/**
 * Calls that end before their answer, however they do, leave nothing behind: Triton's
 * L0_grpc_state_cleanup and L0_request_cancellation.
 */

import { beforeAll, describe, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { metricSum, residentMib, untilQuiet } from '../helpers/gateway-figures.ts'
import { GrpcClient, type GrpcEnd, rawFloats } from '../helpers/grpc-client.ts'
import { makeRepository } from '../helpers/repository.ts'
import { slowModel } from '../helpers/slow-models.ts'
import { until } from '../helpers/until.ts'

const MS_PER_ROW = 20
const WAITING = 60
const TIMEOUT_MS = 120

const REQUEST = rawFloats('slow', [1, 2])

let gateway: TestGateway

/** One thread, so that all calls wait in one queue. */
const startPlaced = async (placement: string): Promise<void> => {
  gateway = await startGateway({
    repository: makeRepository({
      'slow/1/model.onnx': slowModel({ usPerRow: MS_PER_ROW * 1000 }),
      'slow/model.yaml': `placement: ${placement}\n`,
    }),
    replicas: 1,
    threads: 1,
    env: { SLUICE_LIMITS__QUEUE_WORK_MS_MAX: '60000' },
  })
}

const codesOf = (ends: readonly GrpcEnd[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { code } of ends) counts[code] = (counts[code] ?? 0) + 1
  return counts
}

const outcomes = (outcome: string) =>
  metricSum(gateway, 'sluice_requests_total', { outcome, protocol: 'grpc' })

const rowsRun = () => metricSum(gateway, 'sluice_batch_rows_sum')

/** Everything that was counted while it was under way is back at zero. */
const untilNothingIsLeft = () => untilQuiet(gateway, ['sluice_connections'])

/** Calls of which some are answered already, so that the others are in the queue. */
const startMany = async (client: GrpcClient, options = {}) => {
  const calls = Array.from({ length: WAITING }, () => client.start('ModelInfer', REQUEST, options))
  await Promise.race(calls.map(({ end }) => end))
  return calls
}

describe.each(['inline', 'pooled'])('placed %s', (placement) => {
  beforeAll(() => startPlaced(placement))

  test('calls that are cancelled in the queue are never run', async () => {
    const [before, aborted] = [await rowsRun(), await outcomes('aborted')]
    const client = new GrpcClient(gateway.grpcPort)
    const calls = await startMany(client)
    for (const call of calls.slice(WAITING / 2)) call.cancel()
    const ends = await Promise.all(calls.map(({ end }) => end))
    const { OK = 0, CANCELLED = 0 } = codesOf(ends)
    expect(OK + CANCELLED).toBe(WAITING)
    expect(OK).toBeGreaterThanOrEqual(WAITING / 2)
    client.close()
    await untilNothingIsLeft()
    expect((await rowsRun()) - before).toBeLessThan(WAITING)
    expect((await outcomes('aborted')) - aborted).toBeGreaterThan(0)
  })

  test('calls whose deadline passes are not run after it', async () => {
    const before = await rowsRun()
    const client = new GrpcClient(gateway.grpcPort)
    const calls = Array.from({ length: WAITING }, () =>
      client.start('ModelInfer', REQUEST, { timeoutMs: TIMEOUT_MS }),
    )
    const codes = codesOf(await Promise.all(calls.map(({ end }) => end)))
    const { OK = 0, DEADLINE_EXCEEDED = 0, UNAVAILABLE = 0 } = codes
    expect(OK + DEADLINE_EXCEEDED + UNAVAILABLE).toBe(WAITING)
    client.close()
    await untilNothingIsLeft()
    expect((await rowsRun()) - before).toBeLessThan(WAITING)
  })

  test('clients that go without a word', async () => {
    for (let i = 0; i < 5; i++) {
      const client = new GrpcClient(gateway.grpcPort)
      const calls = await startMany(client)
      client.close()
      for (const call of calls) call.cancel()
      await Promise.all(calls.map(({ end }) => end))
    }
    await untilNothingIsLeft()
  })

  test('streams that are cancelled, or whose deadline passes, with messages under way', async () => {
    for (const timeoutMs of [undefined, TIMEOUT_MS]) {
      const client = new GrpcClient(gateway.grpcPort)
      const streams = Array.from({ length: 10 }, () =>
        client.stream(timeoutMs === undefined ? {} : { timeoutMs }),
      )
      let ended = 0
      for (const stream of streams) {
        stream.on('error', () => {})
        stream.on('status', () => ended++)
        stream.resume()
        for (let i = 0; i < 10; i++) stream.write(REQUEST)
      }
      if (timeoutMs === undefined) {
        await until(async () => (await metricSum(gateway, 'sluice_requests_in_flight')) > 0, {
          what: 'messages to be under way',
        })
        for (const stream of streams) stream.cancel()
      }
      await until(() => ended === streams.length, { what: 'all streams to end' })
      client.close()
    }
    await untilNothingIsLeft()
  })

  test('streams that end, and get what is still due', async () => {
    const client = new GrpcClient(gateway.grpcPort)
    const stream = client.stream()
    let answers = 0
    stream.on('data', () => answers++)
    for (let i = 0; i < 10; i++) stream.write(REQUEST)
    stream.end()
    await new Promise((resolve) => stream.on('status', resolve))
    expect(answers).toBe(10)
    client.close()
    await untilNothingIsLeft()
  })

  test('refusals of every kind', async () => {
    const client = new GrpcClient(gateway.grpcPort)
    const bad: readonly (readonly [string, Uint8Array])[] = [
      ['ModelInfer', rawFloats('absent', [1, 2])],
      ['ModelInfer', rawFloats('slow', [1, 3])],
      ['ModelInfer', Buffer.alloc(40, 0xff)],
      ['ModelConfig', Buffer.alloc(40, 0xff)],
      ['Nothing', REQUEST],
    ]
    for (let i = 0; i < 20; i++) {
      const ends = await Promise.all(bad.map(([method, bytes]) => client.call(method, bytes)))
      expect(ends.every(({ code }) => code !== 'OK')).toBe(true)
    }
    client.close()
    await untilNothingIsLeft()
  })

  test('thousands of calls that are cancelled leave no memory behind', async () => {
    const client = new GrpcClient(gateway.grpcPort)
    const cancelMany = async (count: number) => {
      for (let i = 0; i < count / 50; i++) {
        const calls = Array.from({ length: 50 }, () => client.start('ModelInfer', REQUEST))
        // In the turn in which it begins, grpc-js sends a call and does not take it back.
        await new Promise((resolve) => setImmediate(resolve))
        for (const call of calls) call.cancel()
        await Promise.all(calls.map(({ end }) => end))
      }
      await untilQuiet(gateway)
    }
    await cancelMany(2000)
    const before = await residentMib(gateway)
    await cancelMany(4000)
    expect((await residentMib(gateway)) - before).toBeLessThan(48)
    client.close()
    await untilNothingIsLeft()
  })
})

test('a gateway that is told to end answers what is under way, and refuses no call', async () => {
  await startPlaced('inline')
  const client = new GrpcClient(gateway.grpcPort)
  const calls = await startMany(client)
  const stream = client.stream()
  let answers = 0
  const status = new Promise<string>((resolve) =>
    stream.on('status', ({ code }) => resolve(String(code))),
  )
  stream.on('error', () => {})
  stream.on('data', () => answers++)
  stream.write(REQUEST)
  await until(() => answers === 1, { what: 'the first answer of the stream', timeoutMs: 20_000 })
  const stopped = gateway.stop()
  expect(codesOf(await Promise.all(calls.map(({ end }) => end)))).toEqual({ OK: WAITING })
  // The stream is ended by the server: with UNAVAILABLE, so that its client goes elsewhere.
  expect(['0', '14']).toContain(await status)
  expect(await stopped).toEqual({ code: 0, signal: null })
})
