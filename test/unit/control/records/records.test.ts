import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { RecordFiguresSchema } from '../../../../proto/gen/control_pb.ts'
import type { Snapshot } from '../../../../src/control/figures/statistics.ts'
import { Records } from '../../../../src/control/records/records.ts'
import { SPOOL_STATE } from '../../../../src/records/ring/record-ring.ts'
import { loadedConfig, REPOSITORY } from '../../../helpers/config.ts'

const configOf = (text: string) => loadedConfig(REPOSITORY + text).config.records

const SINK = { name: 'files', duplicates: 0, quarantined: 0, heldRows: 0, unshippedBytes: 0 }

const shipper = (silentMs: number, failures: number, isSpoolAway = false) => ({
  silentMs,
  figures: {
    ...{ type: 'figures' as const, sinks: [], spoolBytes: 0, spoolSegments: 0 },
    ...{ failures, isSpoolAway },
  },
  ...{ isRunning: true, restarts: 0, stop: async () => {} },
})

/** Replicas whose spools are in these states. */
const figuresOf = (...states: number[]): Pick<Snapshot, 'isWhole' | 'replicas'> => ({
  isWhole: true,
  replicas: states.map((spoolState, incarnation) => ({
    ...{ index: 0, incarnation, pid: 1, hasFigures: true, ageMs: 0, threads: [] },
    ...{ computeThreads: [], cpuSeconds: 0, rssBytes: 0, heapBytes: 0, epoch: 1, loaded: [] },
    ...{ unloads: 0, baseRssBytes: 0, records: create(RecordFiguresSchema, { spoolState }) },
  })),
})

test('warnings() tell of a shipper that is silent, and of one that cannot write', () => {
  const records = new Records(configOf(''), 'gw')
  expect(records.warnings()).toEqual([])
  records.ship(shipper(1000, 0))
  expect(records.warnings()).toEqual([])
  records.ship(shipper(60_000, 5))
  expect(records.warnings()).toEqual([
    'the shipper of records has said nothing for 60 s; they wait in the spool',
    'records cannot be written to records.path and wait in the spool; the log says why',
  ])
  // Turns are at growing distances: after the first one in vain it is known for a second or more.
  records.ship(shipper(0, 1))
  expect(records.warnings()).toEqual([expect.stringMatching(/cannot be written to records\.path/)])
  records.ship(shipper(0, 0, true))
  expect(records.warnings()).toEqual([
    expect.stringMatching(/^the spool of records is not the folder that was there before/),
  ])
})

test.each([
  [SPOOL_STATE.FULL, 'the spool of records has records.spool.bytes_max, as nobody ships them'],
  [SPOOL_STATE.DISK_FULL, 'the disk of the spool of records, in the state folder, is full'],
  [SPOOL_STATE.IO_ERROR, 'the spool of records cannot be written; the log says why'],
])('warnings() tell of a spool in state %i, and what comes of it', (spoolState, trouble) => {
  for (const [whenFull, consequence] of [
    ['drop', 'records are dropped'],
    ['wait', 'predictions are refused'],
  ]) {
    const records = new Records(configOf(`records: {when_full: ${whenFull}}`), 'gw')
    records.onFigures(figuresOf(SPOOL_STATE.WELL, spoolState))
    expect(records.warnings()).toEqual([`${trouble}; ${consequence}`])
    records.onFigures(figuresOf(SPOOL_STATE.WELL))
    expect(records.warnings()).toEqual([])
  }
})

test('view() puts together what replicas and shipper say', () => {
  const records = new Records(configOf(''), 'gw')
  expect(records.view()).toBeNull()
  const own = { ...SINK, rows: 8, committedMs: 1 }
  const account = { producer: 'gw.0.0-1', state: 'open' as const, taken: 8, records: 8, gaps: {} }
  const sink = { ...own, isKnown: true, era: 'a', records: 8, gaps: {}, producers: [account] }
  records.ship(shipper(0, 0))
  records.onShipper({ sinks: [{ ...sink, isKnown: false }] })
  records.onReplica(1, create(RecordFiguresSchema, { taken: [10], spooled: 9 }))
  records.onFigures(figuresOf())
  records.onShipper({ sinks: [sink] })
  expect(records.view()).toMatchObject({
    totals: { produced: 10, pending: 1, shipped: 8, unshipped: 1 },
    shipper: { isRunning: true, restarts: 0 },
  })
})

test('view() has no sums before all are known, and never loses them again', () => {
  const records = new Records(configOf(''), 'gw')
  records.ship({ ...shipper(0, 0), figures: null, isRunning: false })
  const sink = { ...SINK, rows: 100, committedMs: 1, records: 100, gaps: {}, producers: [] }
  const open = { ...sink, era: 'a', isKnown: true }
  records.onFigures(figuresOf(SPOOL_STATE.WELL))
  // A sink that cannot be opened yet does not know what it has.
  records.onShipper({ sinks: [{ ...open, isKnown: false, records: 0 }] })
  expect(records.view()).toMatchObject({ totals: null, shipper: { isRunning: false } })
  records.onShipper({ sinks: [open] })
  expect(records.view()?.totals?.produced).toBe(100)
  // The shipper dies, and the next one has not read its state.
  records.onShipper({ sinks: [{ ...open, isKnown: false, records: 0 }] })
  records.onFigures({ ...figuresOf(), isWhole: false })
  expect(records.view()?.totals?.produced).toBe(100)
})

test('view() has no sums while a replica of an earlier control has said nothing', () => {
  const records = new Records(configOf(''), 'gw')
  records.ship(shipper(0, 0))
  const sink = { ...SINK, rows: 100, committedMs: 1, records: 100, gaps: {}, producers: [] }
  records.onShipper({ sinks: [{ ...sink, era: 'a', isKnown: true }] })
  expect(records.view()?.totals).toBeNull()
  records.onFigures({ ...figuresOf(), isWhole: false })
  expect(records.view()?.totals).toBeNull()
  records.onReplica(1, create(RecordFiguresSchema, { taken: [10], spooled: 9 }))
  records.onFigures(figuresOf())
  expect(records.view()?.totals?.produced).toBe(110)
})

test('onShipper() counts what has ended, though nobody asks until it is told no more', () => {
  const records = new Records(configOf(''), 'gw')
  records.ship(shipper(0, 0))
  records.onFigures(figuresOf())
  records.onReplica(1, create(RecordFiguresSchema, { taken: [10], spooled: 9 }))
  const own = { ...SINK, rows: 8, committedMs: 1 }
  const sink = { ...own, isKnown: true, era: 'a', records: 8, gaps: { killed: 1 } }
  const gaps = { killed: 1 }
  const ended = { producer: 'gw.0.0-1', state: 'killed' as const, taken: 9, records: 8, gaps }
  records.onShipper({ sinks: [{ ...sink, producers: [ended] }] })
  records.onShipper({ sinks: [{ ...sink, producers: [] }] })
  expect(records.view()?.totals).toMatchObject({ produced: 10, pending: 0, unshipped: 0 })
})

test('stop() stops who ships', async () => {
  const records = new Records(configOf(''), 'gw')
  await records.stop(1)
  const asked: number[] = []
  records.ship({ ...shipper(0, 0), stop: async (drainMs) => void asked.push(drainMs) })
  expect(records.figures?.failures).toBe(0)
  await records.stop(7)
  expect(asked).toEqual([7])
})

test('reload() takes over what endpoints want of records', () => {
  const records = new Records(configOf(''), 'gw')
  expect(records.policies.base.rate).toBe(1)
  records.reload(configOf('records: {sampling: {rate: 0.5}}'))
  expect(records.policies.base.rate).toBe(0.5)
})

test('reload() leaves all as it was where records are switched on or off: that takes a restart', () => {
  for (const [running, read] of [
    [true, false],
    [false, true],
  ] as const) {
    const records = new Records(configOf(`records: {enabled: ${running}}`), 'gw')
    records.reload(configOf(`records: {enabled: ${read}, sampling: {rate: 0.5}}`))
    expect(records.policies.base).toMatchObject({ isRecorded: running, rate: 1 })
  }
})
