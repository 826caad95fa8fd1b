/** Samples of what is written down, from replicas and shipper. */

import type { RecordFigures } from '../../../proto/gen/control_pb.ts'
import { SPOOL_STATE } from '../../records/ring/record-ring.ts'
import type { RecordTotals } from './record-sums.ts'
import { type Sample, sample } from './sample.ts'

/** What is exported of a sink. */
interface SinkReport {
  readonly name: string
  readonly duplicates: number
  readonly quarantined: number
  readonly heldRows: number
  readonly unshippedBytes: number
  /** Whether it is known what was committed before. */
  readonly isKnown: boolean
  /** Wall clock; 0: not yet. */
  readonly committedMs: number
}

/** What the shipper says. */
export interface ShipperReport {
  readonly sinks: readonly SinkReport[]
  readonly spoolBytes: number
  readonly spoolSegments: number
  readonly failures: number
}

/** The shipper as control has it. */
export interface ShipperView {
  readonly isRunning: boolean
  readonly restarts: number
  readonly silentMs: number
  readonly figures: ShipperReport | null
}

export interface RecordView {
  /** null: not all of them are known yet. */
  readonly totals: RecordTotals | null
  /** Rules of redaction that fit nothing. */
  readonly unmatched: number
  /** null: there is none. */
  readonly shipper: ShipperView | null
}

/** The sink that the sums are about: it is always there. */
const FILE_SINK = 'files'

const sinkSamples = (
  { name, isKnown, committedMs, heldRows, unshippedBytes, duplicates, quarantined }: SinkReport,
  nowMs: number,
): Sample[] => {
  const labels = { sink: name }
  return [
    sample('shipperHeldRows', heldRows, labels),
    sample('shipperDuplicates', duplicates, labels),
    sample('shipperQuarantined', quarantined, labels),
    ...(isKnown ? [sample('spoolUnshipped', unshippedBytes, labels)] : []),
    ...(committedMs === 0
      ? []
      : [sample('shipperCommitAge', Math.max(0, nowMs - committedMs) / 1000, labels)]),
  ]
}

const shipperSamples = (shipper: ShipperView, nowMs: number): Sample[] => {
  const { isRunning, restarts, silentMs, figures } = shipper
  const own = [
    sample('shipperUp', isRunning ? 1 : 0),
    sample('shipperRestarts', restarts),
    sample('shipperSilence', silentMs / 1000),
  ]
  if (figures === null) return own
  const { spoolBytes, spoolSegments, failures, sinks } = figures
  return [
    ...own,
    sample('spoolBytes', spoolBytes),
    sample('spoolSegments', spoolSegments),
    sample('shipperFailures', failures),
    ...sinks.flatMap((sink) => sinkSamples(sink, nowMs)),
  ]
}

const totalSamples = (totals: RecordTotals): Sample[] => [
  sample('recordsProduced', totals.produced),
  sample('recordsSpooled', totals.spooled),
  sample('recordsShipped', totals.shipped, { sink: FILE_SINK }),
  sample('recordsPending', totals.pending),
  sample('recordsUnshipped', totals.unshipped, { sink: FILE_SINK }),
  ...Array.from(totals.dropped, ([reason, count]) => sample('recordsDropped', count, { reason })),
]

/** `nowMs`: wall clock. */
export const recordSamples = (
  { totals, unmatched, shipper }: RecordView,
  nowMs: number,
): Sample[] => [
  ...(totals === null ? [] : totalSamples(totals)),
  sample('recordsUnmatched', unmatched),
  ...(shipper === null ? [] : shipperSamples(shipper, nowMs)),
]

/** Of one replica. */
export const replicaRecordSamples = (replica: number, records: RecordFigures): Sample[] => {
  const labels = { replica }
  return [
    sample('recordsUndurable', records.undurable, labels),
    sample('answersHeld', records.held, labels),
    sample('spoolWritable', records.spoolState === SPOOL_STATE.WELL ? 1 : 0, labels),
    sample('spoolWritten', records.bytes, labels),
    sample('spoolWrites', records.writes, labels),
    sample('spoolWriteSeconds', records.writeSeconds, labels),
    sample('spoolSyncs', records.syncs, labels),
    sample('spoolSyncSeconds', records.syncSeconds, labels),
    sample('spoolFaults', records.faults, labels),
    sample('threadCpu', records.cpuSeconds, { ...labels, thread: 'spool' }),
  ]
}
