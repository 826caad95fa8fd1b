import { describe, expect, test } from 'vitest'
import type { Session } from '../../../src/runtime/session-types.ts'
import { DEFAULT_QUEUE, type QueuePolicies } from '../../../src/shared/queue-policy.ts'
import { CountingSession } from '../../helpers/counting-session.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RequestPath, type RequestPathOptions } from '../../helpers/request-path.ts'

const OIP = '/v2/models/m/infer'
const { base } = DEFAULT_QUEUE

const LEVELS: QueuePolicies = {
  levels: 2,
  defaultLevel: 2,
  base,
  byLevel: { 1: { ...base, defaultTimeoutUs: 50_000, allowTimeoutOverride: true, requestsMax: 2 } },
}

/** Runs of one row take 10 ms, as was proved; the answers are noted in their order. */
const startPath = (queue = DEFAULT_QUEUE, options: RequestPathOptions = {}) => {
  const seen: number[] = []
  const session = (): Session => {
    const inner = new CountingSession()
    const run: Session['run'] = (inputs) => {
      seen.push(...(inputs[0]!.data as Float32Array).filter((_, i) => i % 2 === 0))
      path.turns.nowMs += 10
      return inner.run(inputs)
    }
    return { signature: inner.signature, run, dispose: () => {} }
  }
  const batching = { rowsMax: 1, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 }
  const runUsByRows = [[1, 10_000]] as const
  const planned = plannedVersion({ model: 'm', version: 1, batching, queue, runUsByRows })
  const path: RequestPath = new RequestPath(epochPlan(1, [planned]), { session, ...options })
  const settle = () => {
    for (let i = 0; i < 50; i++) path.turns.turn()
  }
  return { path, seen, settle }
}

const oip = (value: number, parameters: Record<string, unknown> = {}) => ({
  parameters,
  inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [value, value] }],
})

describe('onRequest()', () => {
  test('refuses at once what cannot be answered by its deadline, and says when to come again', () => {
    const { path, settle, seen } = startPath()
    path.ask({}, { features: [1, 1] })
    const first = [2, 3, 4, 5, 6].map((i) => path.send({}, { features: [i, i] }))
    const late = path.send({ timeout: '30' }, 'not even read')
    expect(late.answer?.status).toBe(503)
    expect(late.header('x-sluice-error')).toBe('DEADLINE_UNMEETABLE')
    expect(Number(late.header('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(late.json()).toMatchObject({
      code: 'DEADLINE_UNMEETABLE',
      detail: expect.stringMatching(/^Its deadline is in 27 ms: \d+ ms of waiting and 10 ms/),
      retry_after_ms: expect.any(Number),
      retryable: true,
    })
    const inTime = path.send({ timeout: '500' }, { features: [7, 7] })
    settle()
    expect([...first, inTime].map(({ answer }) => answer?.status)).toEqual([
      200, 200, 200, 200, 200, 200,
    ])
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test.each(['soon', '-5', '1, 2'])('refuses the time %j before it reads the body', (timeout) => {
    const exchange = startPath().path.ask({ timeout }, 'not even read')
    expect(exchange.answer?.status).toBe(400)
    expect(exchange.json()).toMatchObject({
      code: 'REQUEST_MALFORMED',
      detail: expect.stringContaining('x-sluice-timeout-ms'),
    })
  })

  test('grants the default where a request says nothing, and no more than the most', () => {
    const timeouts = { timeoutMsDefault: 15, timeoutMsMax: 25 }
    const { path, settle } = startPath(DEFAULT_QUEUE, { timeouts })
    path.ask({}, { features: [1, 1] })
    const sent = [{}, {}, { timeout: '1000' }].map((head) => path.send(head, { features: [2, 2] }))
    settle()
    expect(sent.map((each) => each.header('x-sluice-error'))).toEqual([
      '',
      'DEADLINE_UNMEETABLE',
      '',
    ])
  })

  test('moves rows to the level that the body asks for, decoded before it was known', () => {
    const { path, seen, settle } = startPath(LEVELS)
    const sent = [
      path.send({ path: OIP }, oip(1)),
      path.send({ path: OIP }, oip(2, { priority: 2 })),
      path.send({ path: OIP }, oip(3, { priority: 1 })),
      path.send({ path: OIP }, oip(4, { priority: 9 })), // Triton: the default level
      path.send({ path: OIP }, oip(5, { priority: 1 })),
    ]
    const full = path.send({ path: OIP }, oip(6, { priority: 1 }))
    expect(full.json()).toEqual({ error: 'Exceeds maximum queue size: 2 requests are waiting' })
    settle()
    expect(seen).toEqual([3, 5, 1, 2, 4])
    const answers = sent.map((each) => (each.json() as { outputs: { data: number[] }[] }).outputs)
    expect(answers.map(([output]) => output!.data)).toEqual(
      [1, 2, 3, 4, 5].map((value) => [value * 2, value * 2]),
    )
    expect([path.queueRows, path.inFlight]).toEqual([0, 0])
  })

  test('lets the parameter timeout shorten what the level grants', () => {
    const { path, settle } = startPath(LEVELS)
    const sent = [
      path.send({ path: OIP }, oip(1, { priority: 1 })),
      path.send({ path: OIP }, oip(2, { priority: 1, timeout: 5000 })),
      path.send({ path: OIP }, oip(3, { priority: 2, timeout: 5000 })),
    ]
    settle()
    expect(sent.map(({ answer }) => answer?.status)).toEqual([200, 503, 200])
    expect(sent[1]!.json()).toEqual({ error: 'Request timeout expired' })
  })

  test.each([{ priority: -1 }, { priority: 'high' }, { timeout: 1.5 }, { timeout: null }])(
    'refuses the parameters %j',
    (parameters) => {
      const { path } = startPath(LEVELS)
      expect(path.ask({ path: OIP }, oip(1, parameters)).answer?.status).toBe(400)
    },
  )

  test('runs nothing for clients that have gone', () => {
    const { path, seen, settle } = startPath()
    const sent = [1, 2, 3, 4].map((i) => path.send({}, { features: [i, i] }))
    sent[1]!.abort()
    sent[3]!.abort()
    expect(path.queueRows).toBe(2)
    settle()
    expect(seen).toEqual([1, 3])
    expect(path.counts()).toEqual({ 'features ok': 2, 'features aborted': 2 })
    expect([path.queueRows, path.inFlight]).toEqual([0, 0])
  })
})
