/** What `/metrics` says of records adds up, also when a replica is killed. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startClosedLoop } from '../helpers/closed-loop.ts'
import { parseExposition } from '../helpers/exposition.ts'
import { startGateway } from '../helpers/gateway.ts'
import { scaleAdd } from '../helpers/models.ts'
import { untilCounted } from '../helpers/records/books.ts'
import { makeRepository } from '../helpers/repository.ts'
import { Scraper } from '../helpers/scraper.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const BODY = JSON.stringify({ features: { x: [1, 2] } })

const DROPPED = 'sluice_records_dropped_total'

const scrape = (page: string) => {
  const { series } = parseExposition(page)
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

/** Those that are not of one replica's life. */
const own = (counters: ReadonlyMap<string, number>): Map<string, number> =>
  new Map([...counters].filter(([name]) => !name.includes('undurable')))

test('produced = shipped + unshipped + pending + dropped at every scrape', async () => {
  const repository = makeRepository({ 'm/1/model.onnx': scaleAdd(2) })
  // With `memory`, what a replica took behind its last word when it was killed is known to nobody.
  const env = {
    SLUICE_RECORDS__DURABILITY: 'process',
    SLUICE_RECORDS__FILE__FLUSH_SECONDS: '1',
  }
  const gateway = await startGateway({ repository, hasRecords: true, env })
  await untilCounted(gateway)
  const { httpPort: port } = gateway
  const scraper = new Scraper(false)
  const look = async () => {
    const found = scrape(await gateway.metrics())
    const { produced, shipped, unshipped, pending, dropped } = found
    expect(shipped + unshipped + pending + dropped).toBe(produced)
    scraper.scrape(own(found.counters), 0)
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

test('what died alone counts in seconds, and is no fall for who starts control anew', async () => {
  const repository = makeRepository({ 'm/1/model.onnx': scaleAdd(2) })
  const stateDir = makeTempDir()
  const env = {
    SLUICE_RECORDS__DURABILITY: 'process',
    // No flush that is due by itself is waited for.
    SLUICE_RECORDS__FILE__FLUSH_SECONDS: '600',
    SLUICE_RECORDS__PATH: join(stateDir, 'files'),
  }
  const start = () => startGateway({ repository, stateDir, replicas: 2, hasRecords: true, env })
  let gateway = await start()
  const scraper = new Scraper(true)
  const look = async () => {
    const page = await gateway.metrics()
    const found = scrape(page)
    scraper.scrape(own(found.counters), 0)
    return found
  }
  let answered = 0
  const load = startClosedLoop(
    { port: gateway.httpPort, path: '/predict/m', body: BODY },
    8,
    ({ status }) => {
      answered += status === 200 ? 1 : 0
    },
  )
  await load.answered(200)
  await untilCounted(gateway)
  await look()
  await gateway.killReplica(0)
  await gateway.killReplica(1)
  await load.answered(200)
  await load.stop()
  await until(async () => (await look()).produced >= answered, {
    ...{ what: 'the records of the dead to count', timeoutMs: 20_000, everyMs: 50 },
  })
  // Replicas live on; their next control has to know all before it says anything.
  const before = (await look()).produced
  await gateway.killControl()
  const { httpPort, grpcPort, controlPort } = gateway
  gateway = await startGateway({
    ...{
      repository,
      stateDir,
      replicas: 2,
      hasRecords: true,
      env,
      httpPort,
      grpcPort,
      controlPort,
    },
  })
  const { produced } = await until(
    async () => {
      const found = await look()
      return own(found.counters).size > 0 ? found : null
    },
    { what: 'sums under the next control', timeoutMs: 40_000, everyMs: 50 },
  )
  expect(produced).toBeGreaterThanOrEqual(before)
  expect(scraper.faults).toEqual([])
  await gateway.stop()
  gateway = await start()
  await until(async () => own((await look()).counters).size > 0, { what: 'sums after a stop' })
  expect(scraper.faults).toEqual([])
  await gateway.stop()
})
