/** What `/metrics` says of records adds up, also when a replica is killed. */

import { expect, test } from 'vitest'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { parseExposition } from '../helpers/exposition.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { makeRepository } from '../helpers/repository.ts'
import { Scraper } from '../helpers/scraper.ts'
import { until } from '../helpers/until.ts'

const BODY = JSON.stringify({ features: { x: [1, 2] } })

const DROPPED = 'sluice_records_dropped_total'

const scrape = async (gateway: TestGateway) => {
  const { series } = parseExposition(await gateway.metrics())
  const of = (name: string) => series.get(name) ?? 0
  const dropped = [...series].filter(([name]) => name.startsWith(DROPPED))
  return {
    counters: new Map([...series].filter(([name]) => /^sluice_records_\w+_total/.test(name))),
    produced: of('sluice_records_produced_total'),
    shipped: of('sluice_records_shipped_total{sink="files"}'),
    unshipped: of('sluice_records_unshipped{sink="files"}'),
    pending: of('sluice_records_pending'),
    dropped: dropped.reduce((sum, [, count]) => sum + count, 0),
    killed: of(`${DROPPED}{reason="killed"}`),
    unaccounted: of(`${DROPPED}{reason="unaccounted"}`),
  }
}

test('produced = shipped + unshipped + pending + dropped at every scrape', async () => {
  const repository = makeRepository({ 'm/1/model.onnx': scaleAdd(2) })
  // With `memory`, what a replica took behind its last word when it was killed is known to nobody.
  const env = {
    SLUICE_RECORDS__DURABILITY: 'process',
    SLUICE_RECORDS__FILE__FLUSH_SECONDS: '1',
  }
  const gateway = await startGateway({ repository, hasRecords: true, env })
  const { httpPort: port } = gateway
  const scraper = new Scraper(false)
  const look = async () => {
    const found = await scrape(gateway)
    const { produced, shipped, unshipped, pending, dropped } = found
    expect(shipped + unshipped + pending + dropped).toBe(produced)
    const own = [...found.counters].filter(([name]) => !name.includes('undurable'))
    scraper.scrape(new Map(own), 0)
    return found
  }
  let answered = 0
  const load = startClosedLoop({ port, path: '/predict/m', body: BODY }, 8, ({ status }) => {
    answered += status === 200 ? 1 : 0
  })
  for (let round = 0; round < 3; round++) {
    await load.answered(200)
    await look()
  }
  await gateway.killReplica(0)
  await load.answered(200)
  await look()
  await load.stop()
  const isDone = async () => {
    const { unshipped, pending } = await look()
    return unshipped === 0 && pending === 0
  }
  await until(isDone, { what: 'all records to be shipped', timeoutMs: 40_000, everyMs: 200 })
  const { produced, shipped, killed, unaccounted, dropped } = await look()
  expect(scraper.faults).toEqual([])
  expect([unaccounted, dropped]).toEqual([0, killed])
  expect(produced).toBe(shipped + killed)
  expect(shipped).toBeGreaterThanOrEqual(answered)
})
