/** Disks that are full, or fail, under a gateway that writes its predictions down. */

import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import { describe, expect, test } from 'vitest'
import { ModelInferRequestSchema } from '../../proto/gen/inference_pb.ts'
import { GrpcClient } from '../helpers/grpc-client.ts'
import {
  droppedOf,
  expectAccounted,
  expectKept,
  readBooks,
  untilShipped,
} from '../helpers/records/books.ts'
import { canFailSyncs, FailingSync } from '../helpers/records/failing-sync.ts'
import { keyOf, rowsInFiles } from '../helpers/records/kept.ts'
import { BODY, freshState, startRecorded } from '../helpers/records/recorded-gateway.ts'
import { canMount, SmallDisk } from '../helpers/records/small-disk.ts'
import { until } from '../helpers/until.ts'

const MB = 1024 * 1024
const SMALL = { replicas: 1, threads: 1 }
/** The least there may be: it is soon full. */
const RING = { RING_BYTES: String(MB / 4), RECORD_BYTES_MAX: '16384' }

const CALLS = 40

/** One row, over gRPC. */
const FLIGHT_CALL = toBinary(
  ModelInferRequestSchema,
  create(ModelInferRequestSchema, {
    modelName: 'flight-delay',
    inputs: [
      {
        ...{ name: 'numeric', datatype: 'FP32', shape: [1n, 13n] },
        contents: { fp32Contents: new Array(13).fill(1) },
      },
      {
        ...{ name: 'categorical', datatype: 'BYTES', shape: [1n, 4n] },
        contents: { bytesContents: ['ATL', 'DFW', 'US', 'N1'].map((text) => Buffer.from(text)) },
      },
    ],
  }),
)

const heldOf = (metrics: string): number =>
  Number(/^sluice_answers_held(?:\{.*\})? (\d+)/m.exec(metrics)?.[1] ?? 0)

/** A state folder whose spool is on a disk of its own. */
const spoolOnDisk = async (bytes: number): Promise<{ stateDir: string; disk: SmallDisk }> => {
  const { stateDir, spool } = await freshState()
  return { stateDir, disk: new SmallDisk(bytes, spool) }
}

// Skipped: only root may mount a disk
describe.skipIf(!canMount())('a disk that is full', () => {
  test('costs the records that have no room, and no answer; then all is as before', async () => {
    const { stateDir, disk } = await spoolOnDisk(8 * MB)
    const world = await startRecorded({ ...SMALL, stateDir, records: RING })
    await world.ask(20)
    disk.fill()
    const load = world.load()
    const { dropped } = await until(
      async () => {
        const books = readBooks(await world.gateway.metrics())
        return droppedOf(books) > 100 ? books : null
      },
      { what: 'records that are dropped', timeoutMs: 30_000 },
    )
    expect(Object.keys(dropped)).toEqual(['disk_full'])
    expect((await world.gateway.status()).warnings).toContain(
      'the disk of the spool of records, in the state folder, is full; records are dropped',
    )
    disk.empty()
    const before = readBooks(await world.gateway.metrics()).shipped
    await until(async () => readBooks(await world.gateway.metrics()).shipped > before + 100, {
      what: 'records that are shipped again',
    })
    const { refused } = await load.stop()
    expect(refused).toEqual([])
    const books = await untilShipped(world.gateway)
    await expectAccounted(world.path, stateDir, books)
    await world.stop()
  })

  test('under `wait` costs answers, those under way as well, and no record of those that were given', async () => {
    const { stateDir, disk } = await spoolOnDisk(8 * MB)
    const records = { ...RING, DURABILITY: 'process', WHEN_FULL: 'wait' }
    const world = await startRecorded({ ...SMALL, stateDir, records })
    await world.ask(20)
    disk.fill()
    // The first one that is refused was held: its record found no room any more.
    const held = await until(
      async () => {
        const startedMs = performance.now()
        const response = await world.gateway.post('/predict', BODY, {
          'x-sluice-timeout-ms': '500',
        })
        const ms = performance.now() - startedMs
        const id = response.headers.get('x-sluice-prediction-id') ?? ''
        const { status } = response
        const error = response.headers.get('x-sluice-error')
        await response.arrayBuffer()
        if (status === 200) world.ids.push(id)
        return status === 200 ? null : { status, error, id, ms }
      },
      { what: 'a refusal', everyMs: 1, timeoutMs: 20_000 },
    )
    expect(held).toMatchObject({ status: 503, error: 'DEADLINE_EXPIRED' })
    expect(held.ms).toBeGreaterThan(300)
    expect(held.ms).toBeLessThan(5000)
    const load = world.load()
    await until(
      async () => {
        const response = await world.gateway.post('/predict', '{}')
        return response.status === 503
      },
      { what: 'a refusal' },
    )
    const labels = [0, 1, 2].map((row) => ({ prediction_id: world.ids[0], row, label: row }))
    const unkept = await world.gateway.post('/feedback', labels)
    expect([unkept.status, await unkept.json()]).toMatchObject([
      ...[503, { code: 'RECORD_UNAVAILABLE', errors: [{ pointer: '/0' }] }],
    ])
    disk.empty()
    await load.answered(200)
    const { refused } = await load.stop()
    expect(new Set(refused).isSubsetOf(new Set([503]))).toBe(true)
    const books = await untilShipped(world.gateway)
    expect(books.undurable).toBe(0)
    await expectKept(world.ids, world.path, stateDir)
    await expectAccounted(world.path, stateDir, books)
    // What the model answered has its record all the same.
    expect((await rowsInFiles(world.path)).get(keyOf(held.id))).toBe(1)
    expect((await world.gateway.post('/feedback', labels)).status).toBe(202)
    const all = await untilShipped(world.gateway)
    expect(all.produced).toBe(books.produced + labels.length)
    await expectAccounted(world.path, stateDir, all)
    await world.stop()
  })

  test('under `wait` has everybody told who still waits when the gateway ends', async () => {
    const { stateDir, disk } = await spoolOnDisk(8 * MB)
    const records = { ...RING, DURABILITY: 'process', WHEN_FULL: 'wait' }
    // An answer may be held for longer.
    const env = { SLUICE_SERVER__DRAIN_SECONDS_MAX: '1' }
    const world = await startRecorded({ ...SMALL, stateDir, records, env })
    await world.ask(5)
    disk.fill()
    const client = new GrpcClient(world.gateway.grpcPort)
    const calls = Array.from({ length: CALLS }, () => client.call('ModelInfer', FLIGHT_CALL))
    const held = await until(
      async () => {
        const count = heldOf(await world.gateway.metrics())
        return count > CALLS / 2 ? count : null
      },
      { what: 'answers that are held' },
    )
    await world.gateway.stop()
    const refused = (await Promise.all(calls)).filter(({ code }) => code !== 'OK')
    expect(refused.length).toBeGreaterThanOrEqual(held)
    const errors = refused.map(({ trailers }) => trailers.get('x-sluice-error'))
    expect(new Set(errors)).toEqual(new Set(['RECORD_UNAVAILABLE']))
    disk.empty()
  })

  test('under the Parquet files leaves the records in the spool until there is room', async () => {
    const disk = new SmallDisk(4 * MB)
    const path = join(disk.folder, 'records')
    const world = await startRecorded({ ...SMALL, path, records: { DURABILITY: 'process' } })
    await world.ask(20)
    await untilShipped(world.gateway)
    disk.fill()
    await world.ask(200)
    await until(async () => (await world.gateway.metrics()).includes('sluice_shipper'), {
      what: 'figures',
    })
    await expectKept(world.ids, path, world.stateDir)
    disk.empty()
    const books = await untilShipped(world.gateway, 60_000)
    expect(books.dropped).toEqual({})
    await expectAccounted(path, world.stateDir, books)
    await world.stop()
  })
})

// Skipped: there is no C compiler, or it is not Linux
describe.skipIf(!canFailSyncs())('an fsync that fails', () => {
  const POWER = { DURABILITY: 'power' }

  test('once, costs nothing: what it was for is written and synced again', async () => {
    const sync = new FailingSync()
    const world = await startRecorded({ ...SMALL, env: sync.env, records: POWER })
    await world.ask(20)
    const load = world.load()
    for (let times = 0; times < 5; times++) {
      sync.failOnce()
      await until(() => !sync.isArmed, { what: 'a sync that fails' })
      await load.answered(50)
    }
    const { refused } = await load.stop()
    expect(refused).toEqual([])
    const books = await untilShipped(world.gateway)
    expect({ dropped: books.dropped, undurable: books.undurable }).toEqual({
      dropped: {},
      undurable: 0,
    })
    await expectKept(world.ids, world.path, world.stateDir)
    await expectAccounted(world.path, world.stateDir, books)
    await world.stop()
  })

  test('always, lets answers go out as undurable, and counts what finds no room', async () => {
    const sync = new FailingSync()
    const records = { ...RING, ...POWER }
    const world = await startRecorded({ ...SMALL, env: sync.env, records })
    await world.ask(20)
    sync.failAlways()
    const load = world.load()
    const { undurable } = await until(
      async () => {
        const books = readBooks(await world.gateway.metrics())
        return droppedOf(books) > 100 ? books : null
      },
      { what: 'records that are dropped', timeoutMs: 30_000 },
    )
    expect(undurable).toBeGreaterThan(0)
    sync.stop()
    await load.answered(200)
    const { refused } = await load.stop()
    expect(refused).toEqual([])
    const books = await untilShipped(world.gateway)
    expect(Object.keys(books.dropped)).toEqual(['io_error'])
    await expectAccounted(world.path, world.stateDir, books)
    await world.stop()
  })

  test('always, under `wait`, lets no answer out whose record is not on the disk', async () => {
    const sync = new FailingSync()
    const records = { ...RING, ...POWER, WHEN_FULL: 'wait' }
    const world = await startRecorded({ ...SMALL, env: sync.env, records })
    await world.ask(20)
    sync.failAlways()
    const load = world.load()
    await until(async () => (await world.gateway.post('/predict', '{}')).status === 503, {
      what: 'a refusal',
    })
    sync.stop()
    await load.answered(200)
    await load.stop()
    const books = await untilShipped(world.gateway)
    expect(books.undurable).toBe(0)
    await expectKept(world.ids, world.path, world.stateDir)
    await expectAccounted(world.path, world.stateDir, books)
    await world.stop()
  })
})
