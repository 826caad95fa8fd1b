import { expect, test } from 'vitest'
import type { PlannedVersion } from '../../src/shared/epoch-plan.ts'
import { epochPlan, plannedVersion } from '../helpers/epoch-plans.ts'
import { gather, parseNumber, scaleAdd } from '../helpers/models.ts'
import { provenVersion, type ReplicaProcess, startReplica } from '../helpers/replica-process.ts'

const POOLED = { kind: 'pooled', instances: 1, reason: 'told so' } as const

const predict = async ({ settings }: ReplicaProcess, body: unknown) => {
  const response = await fetch(`http://127.0.0.1:${settings.httpPort}/predict`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  const answer = (await response.json()) as Record<string, unknown>
  return { status: response.status, answer }
}

const rowsOf = ({ answer }: { answer: Record<string, unknown> }): unknown =>
  (answer['predictions'] as { outputs: unknown }[]).map(({ outputs }) => outputs)

const serve = async (bytes: Uint8Array, more: Partial<PlannedVersion> = {}) => {
  const replica = await startReplica()
  await replica.serve(epochPlan(1, [provenVersion('m', 1, bytes, { placement: POOLED, ...more })]))
  return replica
}

test('a pooled version answers: one row, a batch, and more rows than a run may have', async () => {
  const replica = await serve(scaleAdd(2))
  const one = await predict(replica, { features: { x: [1, 2] } })
  expect([one.status, one.answer['outputs']]).toEqual([200, { y: [3, 5] }])
  for (const rows of [3, 8, 50]) {
    const instances = Array.from({ length: rows }, (_, i) => ({ x: [i, -i] }))
    const answer = await predict(replica, { instances })
    expect(rowsOf(answer)).toEqual(instances.map(({ x }) => ({ y: x.map((v) => 2 * v + 1) })))
  }
})

test('a row that the model fails on fails alone, and is named', async () => {
  const signature = {
    inputs: [{ name: 'x', datatype: 'INT64' as const, shape: [-1, 1] }],
    outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [-1, 1] }],
  }
  const replica = await serve(gather(), { signature })
  const bad = [{ x: [1] }, { x: [99] }]
  const [good, failed] = await Promise.all([
    predict(replica, { features: { x: [2] } }),
    predict(replica, { instances: bad }),
  ])
  expect(good.answer['outputs']).toEqual({ y: 3 })
  expect([failed.status, failed.answer['code']]).toEqual([500, 'INFERENCE_FAILED'])
  expect(failed.answer['errors']).toEqual([expect.objectContaining({ pointer: '/instances/1' })])
})

test('text goes to a pooled version and back', async () => {
  const signature = {
    inputs: [{ name: 'x', datatype: 'BYTES' as const, shape: [-1, 1] }],
    outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [-1, 1] }],
  }
  const replica = await serve(parseNumber(), { signature })
  const answer = await predict(replica, { instances: [{ x: ['1.5'] }, { x: ['-2'] }] })
  expect(rowsOf(answer)).toEqual([{ y: 1.5 }, { y: -2 }])
})

test('a pooled version that cannot be loaded is named, and what serves goes on', async () => {
  const replica = await serve(scaleAdd(2))
  const broken = plannedVersion({ model: 'broken', version: 1, placement: POOLED })
  const sound = provenVersion('m', 1, scaleAdd(2), { placement: POOLED })
  const { failures } = await replica.prepare(epochPlan(2, [sound, broken]))
  expect(failures.map(({ model, code }) => [model, code])).toContainEqual([
    'broken',
    'DIGEST_MISMATCH',
  ])
  expect((await predict(replica, { features: { x: [1, 2] } })).status).toBe(200)
})
