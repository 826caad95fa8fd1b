import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { RecordFiguresSchema } from '../../../../proto/gen/control_pb.ts'
import { MetricsPage } from '../../../../src/control/figures/metrics.ts'
import type { RecordView } from '../../../../src/control/figures/record-metrics.ts'
import { parseExposition } from '../../../helpers/exposition.ts'
import { contextOf, replica, snapshotOf } from '../../../helpers/metrics-context.ts'

const TOTALS: NonNullable<RecordView['totals']> = {
  ...{ produced: 100, pending: 5, spooled: 80, shipped: 60, unshipped: 20 },
  dropped: new Map([
    ['ring_full', 10],
    ['killed', 5],
  ]),
}

const seriesOf = async (records: RecordView | null, nowMs = 0) => {
  const page = await new MetricsPage().render(contextOf({ records, nowMs }))
  const { series } = parseExposition(page)
  return Object.fromEntries(
    [...series].filter(([name]) => /sluice_(records|spool|shipper)/.test(name)),
  )
}

test('recordSamples() shows what became of all predictions', async () => {
  expect(await seriesOf({ totals: TOTALS, unmatched: 2, shipper: null })).toEqual({
    sluice_records_produced_total: 100,
    sluice_records_spooled_total: 80,
    'sluice_records_shipped_total{sink="files"}': 60,
    'sluice_records_unshipped{sink="files"}': 20,
    sluice_records_pending: 5,
    sluice_records_policy_unmatched: 2,
    'sluice_records_dropped_total{reason="ring_full"}': 10,
    'sluice_records_dropped_total{reason="killed"}': 5,
  })
  expect(await seriesOf(null)).toEqual({})
  const unknown = { totals: null, unmatched: 2, shipper: null }
  expect(await seriesOf(unknown)).toEqual({ sluice_records_policy_unmatched: 2 })
})

test('recordSamples() shows the shipper, as far as it has said something', async () => {
  const shipper = { isRunning: true, restarts: 2, silentMs: 1500 }
  const silent = await seriesOf({
    totals: TOTALS,
    unmatched: 2,
    shipper: { ...shipper, figures: null },
  })
  expect(silent).toMatchObject({
    sluice_shipper_up: 1,
    sluice_shipper_restarts_total: 2,
    sluice_shipper_silence_seconds: 1.5,
  })
  expect(silent).not.toHaveProperty('sluice_spool_bytes')
  const waiting = { isKnown: true, heldRows: 7, unshippedBytes: 300 }
  const sink = { name: 'files', duplicates: 3, quarantined: 1, committedMs: 4000, ...waiting }
  const figures = { sinks: [sink], spoolBytes: 1000, spoolSegments: 2, failures: 0 }
  expect(
    await seriesOf({ totals: TOTALS, unmatched: 2, shipper: { ...shipper, figures } }, 6000),
  ).toMatchObject({
    sluice_spool_bytes: 1000,
    sluice_spool_segments: 2,
    sluice_shipper_failures: 0,
    'sluice_shipper_duplicates_total{sink="files"}': 3,
    'sluice_shipper_quarantined_total{sink="files"}': 1,
    'sluice_shipper_held_rows{sink="files"}': 7,
    'sluice_spool_unshipped_bytes{sink="files"}': 300,
    'sluice_shipper_commit_age_seconds{sink="files"}': 2,
  })
  const unopened = { ...figures, sinks: [{ ...sink, isKnown: false }] }
  const before = { ...shipper, figures: unopened }
  const opening = await seriesOf({ totals: TOTALS, unmatched: 2, shipper: before })
  expect(opening).not.toHaveProperty('sluice_spool_unshipped_bytes{sink="files"}')
})

test('replicaRecordSamples() shows the spool of each replica', async () => {
  const records = create(RecordFiguresSchema, {
    ...{ undurable: 1, held: 2, bytes: 3, writes: 4, writeSeconds: 0.5, syncs: 6 },
    ...{ syncSeconds: 0.7, faults: 8, spoolState: 2, cpuSeconds: 9 },
  })
  const snapshot = snapshotOf({ replicas: [replica(1, { records })] })
  const page = await new MetricsPage().render(contextOf({ snapshot }))
  expect(Object.fromEntries(parseExposition(page).series)).toMatchObject({
    'sluice_records_undurable_total{replica="1"}': 1,
    'sluice_answers_held{replica="1"}': 2,
    'sluice_spool_written_bytes_total{replica="1"}': 3,
    'sluice_spool_writes_total{replica="1"}': 4,
    'sluice_spool_write_seconds_total{replica="1"}': 0.5,
    'sluice_spool_syncs_total{replica="1"}': 6,
    'sluice_spool_sync_seconds_total{replica="1"}': 0.7,
    'sluice_spool_faults_total{replica="1"}': 8,
    'sluice_spool_writable{replica="1"}': 0,
    'sluice_thread_cpu_seconds_total{replica="1",thread="spool"}': 9,
  })
})
