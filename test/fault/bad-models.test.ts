/** Models that answer NaN, throw, eat memory or hang, each beside one that is well. */

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { metricSum, residentMib, untilQuiet } from '../helpers/gateway-figures.ts'
import { scaleAdd } from '../helpers/models.ts'
import type { Bytes } from '../helpers/onnx-writer.ts'
import { makeRepository } from '../helpers/repository.ts'
import {
  hangingModel,
  hungryModel,
  nanModel,
  TRIGGER,
  throwingModel,
} from '../helpers/slow-models.ts'
import { until } from '../helpers/until.ts'

const MIB = 1024 * 1024
const EATEN_MIB = 128
const REQUESTS = 40
const CLIENTS = 4

const bodyOf = (...row: readonly number[]): string =>
  JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: row }] })

const HARMLESS = [1, 2]
const pathOf = (model: string): string => `/v2/models/${model}/infer`

const publish = (placement: string, models: Readonly<Record<string, Bytes>>): string =>
  makeRepository(
    Object.fromEntries(
      Object.entries({ healthy: scaleAdd(2), ...models }).flatMap(([name, bytes]) => [
        [`${name}/1/model.onnx`, bytes],
        [`${name}/model.yaml`, `placement: ${placement}\n`],
      ]),
    ),
  )

interface Answer {
  readonly status: number
  readonly data: readonly number[] | null
}

const ask = async (
  gateway: TestGateway,
  model: string,
  row: readonly number[],
): Promise<Answer> => {
  const response = await gateway.post(pathOf(model), bodyOf(...row))
  const answer = (await response.json()) as { outputs?: { data: number[] }[] }
  return { status: response.status, data: answer.outputs?.[0]?.data ?? null }
}

const healthyLoad = ({ httpPort: port }: TestGateway) =>
  startClosedLoop({ port, path: pathOf('healthy'), body: bodyOf(...HARMLESS) }, CLIENTS)

/** Clients of the healthy model are answered all the while. Resolves with connections broken. */
const besideHealthy = async (gateway: TestGateway, act: () => Promise<void>): Promise<number> => {
  const load = healthyLoad(gateway)
  await load.answered(50)
  await act()
  await load.answered(50)
  const { answers, broken } = await load.stop()
  const wrong = answers.filter(({ status, body, requestId, sentId }) => {
    const isRight = status === 200 && requestId === sentId
    return !isRight || JSON.stringify(JSON.parse(body).outputs[0].data) !== '[3,5]'
  })
  expect(wrong).toEqual([])
  return broken
}

/**
 * Every second row triggers: it fails for `reason`, or is answered where that is null; so is every
 * other. Each is answered once, and counted once.
 */
const askMixed = async (
  gateway: TestGateway,
  model: string,
  reason: string | null,
): Promise<void> => {
  const countOf = (labels: object) =>
    metricSum(gateway, 'sluice_requests_total', { model, ...labels })
  const countBoth = async () => [
    await countOf({}),
    reason === null ? 0 : await countOf({ outcome: 'failed', reason }),
  ]
  const [all = 0, failed = 0] = await countBoth()
  const rows = Array.from({ length: REQUESTS }, (_, i) => (i % 2 === 0 ? HARMLESS : [TRIGGER, 2]))
  const answers = await Promise.all(rows.map((row) => ask(gateway, model, row)))
  const expected = rows.map((row) =>
    row === HARMLESS || reason === null ? { status: 200, data: row } : { status: 500, data: null },
  )
  expect(answers).toEqual(expected)
  await untilQuiet(gateway)
  const bad = reason === null ? 0 : REQUESTS / 2
  expect(await countBoth()).toEqual([all + REQUESTS, failed + bad])
}

describe.each(['inline', 'pooled'] as const)('models placed %s', (placement) => {
  let gateway: TestGateway
  let repository: string

  beforeAll(async () => {
    repository = publish(placement, {
      nan: nanModel(),
      throwing: throwingModel(),
      hungry: hungryModel(EATEN_MIB * MIB),
      insatiable: hungryModel(2 ** 46),
    })
    gateway = await startGateway({ repository, readyTimeoutMs: 50_000 })
  })

  test.each([
    ['nan', 'OUTPUT_NOT_FINITE'],
    ['throwing', 'INFERENCE_FAILED'],
    ['insatiable', 'INFERENCE_FAILED'],
  ])('rows that make %s fail fail alone', async (model, reason) => {
    const pids = await gateway.replicaPids()
    const broken = await besideHealthy(gateway, () => askMixed(gateway, model, reason))
    expect(broken).toBe(0)
    expect(await gateway.replicaPids()).toEqual(pids)
  })

  test('memory that a model eats is bounded by its sessions, and back when it is gone', async () => {
    const before = await residentMib(gateway)
    const broken = await besideHealthy(gateway, async () => {
      for (let round = 0; round < 3; round++) await askMixed(gateway, 'hungry', null)
    })
    expect(broken).toBe(0)
    const sessions = 4
    const eaten = (await residentMib(gateway)) - before
    expect(eaten).toBeGreaterThan(EATEN_MIB / 2)
    // The arena of a session grows in steps of up to twice its size.
    expect(eaten).toBeLessThan(sessions * 2 * EATEN_MIB)
    rmSync(join(repository, 'hungry'), { recursive: true })
    gateway.reload()
    await until(async () => (await residentMib(gateway)) < before + EATEN_MIB / 2, {
      what: 'the memory to be back',
      timeoutMs: 20_000,
    })
  })

  test('a run that never ends costs one replica, and the other answers on', async () => {
    const hanging = await startGateway({
      repository: publish(placement, { hanging: hangingModel() }),
      env: {
        SLUICE_WATCHDOG__EXECUTION_TIMEOUT_SECONDS: '5',
        SLUICE_WATCHDOG__IDLE_SECONDS_MAX: '5',
      },
    })
    const before = new Set((await hanging.replicaPids()).values())
    const broken = await besideHealthy(hanging, async () => {
      const hung = ask(hanging, 'hanging', [TRIGGER, 2]).catch(() => null)
      await until(
        async () => [...(await hanging.replicaPids()).values()].some((pid) => !before.has(pid)),
        { what: 'a successor', timeoutMs: 40_000 },
      )
      expect(await hung).toBeNull() // its connection broke with its replica
      await hanging.untilSettled()
    })
    // What was in flight on the replica that was ended, and who met its listener as it went.
    expect(broken).toBeLessThanOrEqual(2 * CLIENTS)
    const after = new Set((await hanging.replicaPids()).values())
    expect([...before].filter((pid) => after.has(pid))).toHaveLength(1)
    expect(await ask(hanging, 'hanging', HARMLESS)).toMatchObject({ status: 200, data: HARMLESS })
  })
})
