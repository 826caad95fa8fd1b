/**
 * Feedback of whole gateways, on both HTTP engines and in both durabilities: what was answered with
 * 202 is a record, whatever dies then.
 */

import { beforeAll, describe, expect, test } from 'vitest'
import type { PredictionRecord } from '../../src/records/record.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { signal } from '../helpers/reaper.ts'
import { makeRepository } from '../helpers/repository.ts'
import { AWAY, spooledRecords } from '../helpers/spooled.ts'
import { until } from '../helpers/until.ts'

/** As small as records may be: what is asked for in vain is not what labels take. */
const env = (durability: string) => ({
  SLUICE_RECORDS__PATH: AWAY,
  SLUICE_RECORDS__DURABILITY: durability,
  SLUICE_RECORDS__RING_BYTES: '262144',
  SLUICE_RECORDS__RECORD_BYTES_MAX: '1024',
})

const start = (engine: string, durability: string): Promise<TestGateway> =>
  startGateway({
    repository: makeRepository({ 'm/1/model.onnx': scaleAdd(2), 'n/1/model.onnx': scaleAdd(2) }),
    flags: ['--http', engine],
    hasRecords: true,
    env: env(durability),
  })

interface Answered {
  readonly status: number
  readonly json: Record<string, unknown>
  readonly predictionId: string
}

const ask = async (
  gateway: TestGateway,
  path: string,
  body: object,
  requestId: string,
): Promise<Answered> => {
  const response = await gateway.post(path, body, { 'x-request-id': requestId })
  const json = (await response.json()) as Record<string, unknown>
  const predictionId = response.headers.get('x-sluice-prediction-id') ?? ''
  return { status: response.status, json, predictionId }
}

const predict = (gateway: TestGateway, requestId: string) =>
  ask(gateway, '/predict/m', { features: { x: [1, 2] } }, requestId)

/** Records of feedback that was sent under this id, by row, once there are so many. */
const feedbackOf = async (
  { stateDir }: TestGateway,
  requestId: string,
  count: number,
): Promise<PredictionRecord[]> => {
  let found: PredictionRecord[] = []
  await until(
    () => {
      found = spooledRecords(stateDir).filter(
        (each) => each.role === 'feedback' && each.requestId === requestId,
      )
      return found.length >= count
    },
    { what: `${count} records of feedback` },
  )
  return found.toSorted((a, b) => a.feedback!.row - b.feedback!.row)
}

/** Sends items, again from the one that found no room; gives how often there was one. */
const sendAll = async (
  gateway: TestGateway,
  items: readonly object[],
  requestId: string,
): Promise<number> => {
  let from = 0
  let refusals = 0
  await until(
    async () => {
      const left = items.slice(from)
      const { status, json } = await ask(gateway, '/feedback', left, requestId)
      if (status === 202) from += Number(json['accepted'])
      else {
        refusals++
        expect(status).toBe(503)
        expect(json).toMatchObject({
          code: 'RECORD_UNAVAILABLE',
          errors: [{ pointer: expect.stringMatching(/^\/\d+$/) }],
        })
        from += Number((json as { errors: { pointer: string }[] }).errors[0]!.pointer.slice(1))
      }
      return from === items.length
    },
    { what: 'all items are accepted' },
  )
  return refusals
}

const ENGINES = [
  ['uws', 'process'],
  ['node', 'memory'],
] as const
const gateways: Record<string, TestGateway> = {}

beforeAll(async () => {
  const starting = ENGINES.map(async ([engine, durability]) => {
    gateways[engine] = await start(engine, durability)
  })
  await Promise.all(starting)
})

describe.each(ENGINES)('feedback on %s, durability %s', (engine) => {
  let gateway: TestGateway
  beforeAll(() => {
    gateway = gateways[engine]!
  })

  test('is recorded under an id of its own, for the prediction that it names', async () => {
    const [first, second] = [await predict(gateway, 'r-1'), await predict(gateway, 'r-2')]
    const observed_at = '2025-06-30T14:05:00.500+02:00'
    const items = [
      { prediction_id: first.predictionId, label: [1, null] },
      { prediction_id: second.predictionId, row: 0, label: 'late', endpoint: 'm', observed_at },
      { request_id: 'r-2', row: 1, label: true, endpoint: 'n' },
    ]
    const sent = await ask(gateway, '/feedback', items, 'f-1')
    expect(sent).toEqual({ status: 202, json: { accepted: 3 }, predictionId: '' })
    const records = await feedbackOf(gateway, 'f-1', 3)
    const none = { ofPredictionId: null, ofRequestId: null }
    expect(records.map(({ feedback }) => feedback)).toMatchObject([
      { ...none, ofPredictionId: first.predictionId, row: -1, label: [1, null] },
      { ...none, ofPredictionId: second.predictionId, row: 0, label: 'late' },
      { ...none, ofRequestId: 'r-2', row: 1, label: true },
    ])
    const times = records.map(({ feedback, timeMs }) => [feedback!.observedAtMs, timeMs] as const)
    expect(times[1]![0]).toBe(Date.parse(observed_at))
    for (const [observedMs, arrivedMs] of [times[0]!, times[2]!]) {
      expect(Math.abs(observedMs - arrivedMs)).toBeLessThan(5000)
    }
    expect(records.map(({ endpoint }) => endpoint)).toEqual(['', 'm', 'n'])
    for (const record of records) {
      expect(record).toMatchObject({ status: 202, code: '', protocol: 'features', instances: [] })
    }
    const ids = [...records, first, second].map(({ predictionId }) => predictionId)
    expect(new Set(ids).size).toBe(5)
  })

  test('is refused as a whole, and then nothing of it is recorded', async () => {
    const { predictionId } = await predict(gateway, 'r')
    const good = { prediction_id: predictionId, label: 0 }
    const refused = await ask(gateway, '/feedback', [good, { ...good, label: {} }], 'f-2')
    expect(refused).toMatchObject({
      status: 400,
      json: { code: 'FEEDBACK_INVALID', errors: [{ pointer: '/1/label' }] },
    })
    const unknown = await ask(gateway, '/feedback', [good, { ...good, endpoint: 'o' }], 'f-2')
    expect(unknown.status).toBe(404)
    expect(await ask(gateway, '/feedback', good, 'f-2')).toMatchObject({ status: 202 })
    expect(await feedbackOf(gateway, 'f-2', 1)).toHaveLength(1)
  })

  test('is kept whole, though records of predictions may not be so large', async () => {
    const { predictionId } = await predict(gateway, 'r')
    const label = Array.from({ length: 28 }, (_, i) => `${i} `.padEnd(1000, 'ж'))
    const item = { prediction_id: predictionId, label }
    expect(await ask(gateway, '/feedback', item, 'f-3')).toMatchObject({ status: 202 })
    expect(await feedbackOf(gateway, 'f-3', 1)).toMatchObject([{ feedback: { label } }])
  })

  test('says from which item on it found no room, and takes the others then', async () => {
    const { predictionId } = await predict(gateway, 'r')
    let sent = 0
    // 240 KiB of JSON, whose records are more than the ring holds, unless some leave it meanwhile.
    for (let refusals = 0; refusals === 0; sent += 600) {
      const items = Array.from({ length: 600 }, (_, i) => ({
        ...{ prediction_id: predictionId, row: sent + i, label: `${i} `.padEnd(150, 'ж') },
      }))
      refusals = await sendAll(gateway, items, 'f-4')
    }
    const rows = (await feedbackOf(gateway, 'f-4', sent)).map(({ feedback }) => feedback!.row)
    expect(rows).toEqual(Array.from({ length: sent }, (_, row) => row))
  })

  test('is described where it is taken', async () => {
    const response = await fetch(`${gateway.httpUrl}/openapi.json`)
    const { paths } = (await response.json()) as { paths: object }
    expect(Object.keys(paths)).toContain('/feedback')
  })
})

test('feedback that was answered is there when control and all replicas are killed', async () => {
  const gateway = gateways['uws']!
  const { predictionId } = await predict(gateway, 'r')
  let answered = 0
  let isOver = false
  const send = async (): Promise<void> => {
    while (!isOver) {
      const item = { prediction_id: predictionId, row: answered, label: 1 }
      if ((await ask(gateway, '/feedback', item, 'f')).status === 202) answered++
    }
  }
  const sending = Promise.allSettled(Array.from({ length: 8 }, send))
  await until(() => answered > 100, { what: '100 answers' })
  const pids = await gateway.replicaPids()
  await gateway.killControl()
  for (const pid of pids.values()) signal(pid, 'SIGKILL')
  isOver = true
  await sending
  expect((await feedbackOf(gateway, 'f', answered)).length).toBeGreaterThanOrEqual(answered)
})
