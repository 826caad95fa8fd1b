/**
 * Two gigabytes of records that nobody has shipped lie there when a gateway starts: it serves as
 * soon as without them, its shipper takes bounded memory, and everything comes into files.
 */

import { expect, test } from 'vitest'
import { peakMbOf } from '../../bench/measure/measured.ts'
import { makeBacklog } from '../../bench/records/backlog.ts'
import { expectAccounted, readBooks, untilShipped } from '../helpers/records/books.ts'
import { freshState, startRecorded } from '../helpers/records/recorded-gateway.ts'
import { until } from '../helpers/until.ts'

const RECORDS = 8_000_000
const BYTES_MIN = 2 * 2 ** 30
const REPLICAS = [10, 11]
const OLD = 'old'
const FROM_MS = Date.UTC(2025, 5, 1)
const HOURS = 24
const READY_MS_MAX = 20_000
/** Of a shipper: what it holds of 200,000 rows, twice, and Node. */
const SHIPPER_MB_MAX = 1024

test('2 GB of backlog keep a gateway from nothing, and are shipped in bounded memory', async () => {
  const { stateDir, spool: folder } = await freshState()
  const { bytes } = makeBacklog({
    ...{ folder, gateway: OLD, replicas: REPLICAS, records: RECORDS, rows: 2 ** 16 },
    ...{ fromMs: FROM_MS, toMs: FROM_MS + HOURS * 3_600_000 },
  })
  expect(bytes).toBeGreaterThan(BYTES_MIN)
  const startMs = performance.now()
  const records = { SPOOL__BYTES_MAX: String(4 * BYTES_MIN), FILE__FLUSH_SECONDS: '10' }
  const world = await startRecorded({ replicas: 1, threads: 1, stateDir, records })
  const readyMs = performance.now() - startMs
  expect(readyMs).toBeLessThan(READY_MS_MAX)
  await world.ask(100)
  let peakMb = 0
  await until(
    async () => {
      peakMb = Math.max(peakMb, peakMbOf(world.shipperPid()))
      return readBooks(await world.gateway.metrics()).shipped >= RECORDS + 100
    },
    { what: 'the end of the backlog', timeoutMs: 900_000, everyMs: 250 },
  )
  const seconds = (performance.now() - startMs) / 1000
  console.log(
    `${(bytes / 1e9).toFixed(2)} GB, ${RECORDS} records: ready after ${readyMs.toFixed(0)} ms, ` +
      `shipped after ${seconds.toFixed(0)} s, shipper at most ${peakMb.toFixed(0)} MB`,
  )
  expect(peakMb).toBeLessThan(SHIPPER_MB_MAX)
  const books = await untilShipped(world.gateway)
  expect(books.dropped).toEqual({})
  await expectAccounted(world.path, stateDir, books)
  await world.stop()
})
