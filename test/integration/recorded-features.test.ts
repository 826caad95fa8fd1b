/**
 * The features in the records of whole gateways are those that clients sent, wherever and however
 * their rows were run: inline and pooled, in a batch with others, in slots, by message, in parts.
 */

import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import type { PredictionRecord } from '../../src/records/record.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { identity, scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { AWAY, spooledRecords } from '../helpers/spooled.ts'
import { until } from '../helpers/until.ts'

const MODEL = scaleAdd(3)

/** A category with codes, a number with a default of its own, and one whose default is NaN. */
const MANIFEST = JSON.stringify({
  format: { name: 'sluice-manifest', version: 1 },
  digest: createHash('sha256').update(MODEL).digest('hex'),
  features: [
    {
      ...{ name: 'day', type: 'category', tensor: 'x', column: 0, vocabulary: ['Mon', 'Tue'] },
      ...{ optional: true, missing: 0 },
    },
    { name: 'seats', type: 'integer', tensor: 'x', column: 1, optional: true, missing: 7 },
    { name: 'gust', type: 'number', tensor: 'x', column: 2, optional: true },
  ],
  task: 'other',
})

const CAP = 4
const DELAY = 'dynamic_batching:\n  max_queue_delay_microseconds: 5000\n'
const config = (placement: string): string =>
  `placement: ${placement}\nmax_batch_size: ${CAP}\n${DELAY}`

const PLACEMENTS = ['inline', 'pooled'] as const
let gateway: TestGateway

beforeAll(async () => {
  const files = PLACEMENTS.map((placement) => ({
    [`rows-${placement}/1/model.onnx`]: MODEL,
    [`rows-${placement}/1/manifest.json`]: MANIFEST,
    [`rows-${placement}/model.yaml`]: config(placement),
    [`texts-${placement}/1/model.onnx`]: identity('BYTES'),
    [`texts-${placement}/model.yaml`]: config(placement),
  }))
  gateway = await startGateway({
    repository: makeRepository(Object.assign({}, ...files) as Record<string, string>),
    hasRecords: true,
    env: {
      SLUICE_RECORDS__PATH: AWAY,
      SLUICE_RECORDS__RECORD_BYTES_MAX: String(512 * 1024),
    },
  })
})

type Row = Readonly<Record<string, unknown>>

/** Sends requests at once; gives the rows of their records, in that order. */
const recorded = async (path: string, bodies: readonly object[]): Promise<Row[][]> => {
  const sent = bodies.map(async (body) => {
    const response = await gateway.post(path, body)
    return response.headers.get('x-sluice-prediction-id')!
  })
  const ids = await Promise.all(sent)
  let found = new Map<string, PredictionRecord>()
  await until(
    () => {
      const records = spooledRecords(gateway.stateDir)
      found = new Map(records.map((record) => [record.predictionId, record]))
      return ids.every((id) => found.has(id))
    },
    { what: 'all records' },
  )
  return ids.map((id) => found.get(id)!.instances.map(({ features }) => features))
}

const CLIENTS = 40

describe.each(PLACEMENTS)('of a version that is %s', (placement) => {
  const path = `/predict/rows-${placement}`
  const bodiesOf = (all: readonly (readonly Row[])[]) => all.map((instances) => ({ instances }))

  test.each([
    ['a row', 1],
    ['two rows', 2],
    ['more rows than a run may have', 11],
  ])('a record has what was sent, unseen and missing values too, of %s', async (_, rows) => {
    const all = Array.from({ length: CLIENTS }, (_unused, client) =>
      Array.from({ length: rows }, (_row, row): Row => {
        const number = client * 1000 + row
        return {
          day: ['Mon', 'Tue', `Wed${client}`, null][number % 4],
          seats: number % 3 === 0 ? null : number,
          gust: number % 5 === 0 ? null : number / 8,
        }
      }),
    )
    expect(await recorded(path, bodiesOf(all))).toEqual(all)
  })

  test('a record has what was sent of many rows, unless too much of it stands in no tensor', async () => {
    const many = (more: Row) => Array.from({ length: 5000 }, (_, i) => ({ ...more, gust: i / 8 }))
    const known = many({ day: 'Tue', seats: 3 })
    const unseen = many({ day: 'Wed', seats: 3 })
    expect(await recorded(path, bodiesOf([known, unseen]))).toEqual([known, unseen.map(() => ({}))])
  })

  test.each([
    ['a row', 1],
    ['more rows than a run may have', 9],
  ])('a record has the texts that were sent, of %s', async (_, rows) => {
    const all = Array.from({ length: CLIENTS }, (_unused, client) =>
      Array.from({ length: rows }, (_row, row) => ({ x: [`${client}`, `é${row}`] })),
    )
    expect(await recorded(`/predict/texts-${placement}`, bodiesOf(all))).toEqual(all)
  })
})
