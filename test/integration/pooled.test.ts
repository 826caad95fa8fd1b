import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { PlannedVersion, ReplicaSettings } from '../../src/shared/epoch-plan.ts'
import { epochPlan, plannedVersion } from '../helpers/epoch-plans.ts'
import { gather, parseNumber, scaleAdd, slow } from '../helpers/models.ts'
import { provenVersion, type ReplicaProcess, startReplica } from '../helpers/replica-process.ts'
import { replicaSettings } from '../helpers/replica-settings.ts'
import { until } from '../helpers/until.ts'

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

const serve = async (
  bytes: Uint8Array,
  more: Partial<PlannedVersion> = {},
  settings: Partial<ReplicaSettings> = {},
) => {
  const replica = await startReplica(settings)
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

/** Rows of `width` numbers over the Open Inference Protocol, as bytes both ways. */
const inferBinary = async ({ settings }: ReplicaProcess, rows: number, width: number) => {
  const head = JSON.stringify({
    inputs: [
      {
        ...{ name: 'x', datatype: 'FP32', shape: [rows, width] },
        parameters: { binary_data_size: rows * width * 4 },
      },
    ],
    outputs: [{ name: 'y', parameters: { binary_data: true } }],
  })
  const values = new Float32Array(rows * width).map((_, i) => i % 1000)
  const response = await fetch(`http://127.0.0.1:${settings.httpPort}/v2/models/m/infer`, {
    method: 'POST',
    headers: { 'inference-header-content-length': String(head.length) },
    body: Buffer.concat([Buffer.from(head), Buffer.from(values.buffer)]),
  })
  const bytes = await response.arrayBuffer()
  if (response.status !== 200) throw new Error(Buffer.from(bytes).toString())
  const jsonBytes = Number(response.headers.get('inference-header-content-length'))
  return { answers: new Float32Array(bytes.slice(jsonBytes)), values }
}

test('64 MiB go through a pooled version in parts, and small requests are answered meanwhile', async () => {
  const MIB = 1024 * 1024
  const width = 64
  const tensor = (name: string) => ({ name, datatype: 'FP32' as const, shape: [-1, width] })
  const more = {
    signature: { inputs: [tensor('x')], outputs: [tensor('y')] },
    batching: { rowsMax: 16, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 },
  }
  const limits = {
    ...replicaSettings().limits,
    bodyBytesMax: 65 * MIB,
    bodyBytesInFlightMax: 256 * MIB,
    queueRowsMax: 10_000,
  }
  const replica = await serve(scaleAdd(width), more, { limits })
  let isDone = false
  const large = inferBinary(replica, (63 * MIB) / (width * 4), width)
  const end = () => {
    isDone = true
  }
  large.then(end, end)
  let meanwhile = 0
  while (!isDone) {
    await inferBinary(replica, 2, width)
    if (!isDone) meanwhile++
  }
  const { answers, values } = await large
  expect(answers.length).toBe(values.length)
  expect(answers.every((value, i) => value === values[i]! * 2 + 1)).toBe(true)
  expect(meanwhile).toBeGreaterThan(2)
})

test('a plan that changes only the queue of a pooled version opens another pool over its session', async () => {
  const version = provenVersion('m', 1, scaleAdd(2), { placement: POOLED })
  const replica = await startReplica()
  await replica.serve(epochPlan(1, [version]))
  const batching = { ...version.batching, queueDelayUsMax: 1000 }
  // Its file has gone: only the session that is there can answer.
  rmSync(version.provenFile)
  await replica.serve(epochPlan(2, [{ ...version, batching }]))
  expect((await predict(replica, { features: { x: [1, 2] } })).answer['outputs']).toEqual({
    y: [3, 5],
  })
})

test('a replica that drains answers what its compute threads have', async () => {
  const replica = await serve(slow(200), {
    signature: {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
    },
  })
  const answers = Array.from({ length: 20 }, () => predict(replica, { features: { x: [1, 2] } }))
  await until(
    async () => (await replica.statistics()).threads.some(({ inFlight }) => inFlight > 0),
    {
      what: 'requests under way',
      everyMs: 2,
    },
  )
  replica.drain(20_000)
  const settled = await Promise.allSettled(answers)
  const statuses = settled.map((one) => (one.status === 'fulfilled' ? one.value.status : 0))
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0)
  expect(await replica.ended).toEqual({ code: 0, signal: null })
})
