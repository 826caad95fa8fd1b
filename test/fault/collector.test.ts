/** A trace collector that is away or hangs, and a control that is away: nothing waits for them. */

import { expect, test } from 'vitest'
import { RING_SLOTS } from '../../src/shared/trace-ring.ts'
import { metricSum } from '../helpers/gateway-figures.ts'
import { startReceiver } from '../helpers/otlp-receiver.ts'
import { findFreePort } from '../helpers/ports.ts'
import { startTraced, traceContext, tracedModel } from '../helpers/traced-gateway.ts'
import { until } from '../helpers/until.ts'

test('a collector that is away is counted and said, and holds up nobody', async () => {
  const url = `http://127.0.0.1:${await findFreePort()}`
  const env = { OTEL_EXPORTER_OTLP_TIMEOUT: '300' }
  const gateway = await startTraced(url, { env })
  const ask = () => gateway.post('/predict/m', { features: [1, 2] }, traceContext().headers)
  expect((await ask()).status).toBe(200)
  const lost = () =>
    metricSum(gateway, 'sluice_traced_requests_total', { outcome: 'export_failed' })
  await until(async () => (await lost()) > 0, { what: 'the loss to be counted' })
  expect((await gateway.status()).warnings.join()).toMatch(/trace collector.*ECONNREFUSED/)
  expect(gateway.stderr.match(/traces_lost/g)).toHaveLength(1)
  expect((await ask()).status).toBe(200)
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
})

test('a collector that never answers does not hold up the end', async () => {
  const receiver = await startReceiver()
  receiver.manners = 'hangs'
  const gateway = await startTraced(receiver.url, { env: { OTEL_EXPORTER_OTLP_TIMEOUT: '600000' } })
  await gateway.post('/predict/m', { features: [1, 2] }, traceContext().headers)
  await until(() => receiver.requests.length > 0, { what: 'the export' })
  expect(await gateway.stop()).toEqual({ code: 0, signal: null })
})

test('without control traces wait, as many as there is room for; the next control sends them', async () => {
  const receiver = await startReceiver()
  const repository = tracedModel()
  const first = await startTraced(receiver.url, { repository })
  await first.killControl()
  const early = traceContext()
  expect((await first.post('/predict/m', { features: [1, 2] }, early.headers)).status).toBe(200)
  for (let sent = 1; sent < RING_SLOTS + 5; sent++) {
    await first.post('/predict/m', { features: [1, 2] }, traceContext().headers)
  }
  const { stateDir, httpPort } = first
  const next = await startTraced(receiver.url, { repository, stateDir, httpPort })
  expect(await receiver.trace(early.traceId)).not.toEqual([])
  const outcome = (name: string) =>
    metricSum(next, 'sluice_traced_requests_total', { outcome: name })
  const sent = async () => (await outcome('exported')) + (await outcome('queue_full'))
  await until(async () => (await sent()) === RING_SLOTS, { what: 'all that had room' })
  expect(await outcome('ring_full')).toBe(5)
})
