/** One gateway over models with queue policies: what clients see of them, inline and pooled. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { judgedVersions } from '../helpers/gateway-models.ts'
import { scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'

/** Waits for company that never comes; its queue time ends that. */
const POLICY = `dynamic_batching:
  max_queue_delay_microseconds: 10000000
  priority_levels: 2
  default_priority_level: 2
  default_queue_policy: {default_timeout_microseconds: 50000}
  priority_queue_policy:
    1: {timeout_action: DELAY, default_timeout_microseconds: 50000}
`

const tree = {
  'inline/1/model.onnx': scaleAdd(2),
  'inline/model.yaml': `${POLICY}placement: inline\n`,
  'pooled/1/model.onnx': scaleAdd(2),
  'pooled/model.yaml': `${POLICY}placement: pooled\n`,
}

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startGateway({ repository: makeRepository(tree) })
  await judgedVersions(gateway, 2)
})

afterAll(async () => {
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
})

const infer = (model: string, parameters: object, headers: Record<string, string> = {}) =>
  fetch(`${gateway.httpUrl}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({
      parameters,
      inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [1, 2] }],
    }),
  })

describe.each(['inline', 'pooled'])('a version placed %s', (model) => {
  test('answers at once whose queue time is over, with Triton words', async () => {
    const response = await infer(model, {})
    expect(response.status).toBe(503)
    expect(response.headers.get('x-sluice-error')).toBe('DEADLINE_EXPIRED')
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(await response.json()).toEqual({ error: 'Request timeout expired' })
  })

  test('keeps a deadline by not waiting for company, and refuses one that is over', async () => {
    const timely = await infer(model, { priority: 1 }, { 'x-sluice-timeout-ms': '4000' })
    expect(timely.status).toBe(200)
    const over = await infer(model, {}, { 'x-sluice-timeout-ms': '0' })
    expect([over.status, over.headers.get('x-sluice-error')]).toEqual([503, 'DEADLINE_EXPIRED'])
    const unknown = await infer(model, {}, { 'x-sluice-timeout-ms': 'soon' })
    expect(unknown.status).toBe(400)
  })
})
