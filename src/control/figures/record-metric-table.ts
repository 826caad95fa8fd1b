/**
 * Metrics of records. At every scrape produced = shipped of the file sink + unshipped + pending +
 * dropped, all reasons together (record-sums.ts).
 */

import { entry, type MetricEntry } from './metric-entry.ts'

export const RECORD_METRICS = {
  recordsProduced: entry(
    'sluice_records_produced_total',
    'counter',
    [],
    'Predictions and feedback that should have a record: all requests of endpoints, those refused and failed too. Absent after a start, as the other sums of records, until the shipper has said what there was before',
  ),
  recordsSpooled: entry(
    'sluice_records_spooled_total',
    'counter',
    [],
    'Records written to segments of the spool',
  ),
  recordsShipped: entry(
    'sluice_records_shipped_total',
    'counter',
    ['sink'],
    'Records that a sink has, safe on disk',
  ),
  recordsDropped: entry(
    'sluice_records_dropped_total',
    'counter',
    ['reason'],
    'Predictions without a record: sampled and disabled by their policy; ring_full, spool_full, disk_full, io_error for want of room; too_large; corrupt on disk; unshippable, since the shipper ended at them; killed with their replica. unaccounted is a fault of Sluice',
  ),
  recordsPending: entry(
    'sluice_records_pending',
    'gauge',
    [],
    'Requests under way, and records in memory on their way to the spool',
  ),
  recordsUnshipped: entry(
    'sluice_records_unshipped',
    'gauge',
    ['sink'],
    'Records in the spool that a sink does not have yet',
  ),
  recordsUnmatched: entry(
    'sluice_records_policy_unmatched',
    'gauge',
    [],
    'Rules of `records` that fit nothing: what they may have meant is kept out of the records. Alarm above 0; status and log name them',
  ),
  recordsUndurable: entry(
    'sluice_records_undurable_total',
    'counter',
    ['replica'],
    'Answers that went out although their records were not as safe as `records.durability` says, since their replica started',
  ),
  answersHeld: entry(
    'sluice_answers_held',
    'gauge',
    ['replica'],
    'Answers that wait for their records',
  ),
  spoolBytes: entry(
    'sluice_spool_bytes',
    'gauge',
    [],
    'Bytes of all segments; at `records.spool.bytes_max` no record is taken any more',
  ),
  spoolSegments: entry('sluice_spool_segments', 'gauge', [], 'Segments, shipped or not'),
  spoolUnshipped: entry(
    'sluice_spool_unshipped_bytes',
    'gauge',
    ['sink'],
    'Bytes of segments that a sink does not have yet. While it is not 0 there may be records of replicas that were killed, alone in the last seconds or together with control, which no other metric counts yet',
  ),
  spoolWritable: entry(
    'sluice_spool_writable',
    'gauge',
    ['replica'],
    '0 while records cannot be written: the spool or the disk is full, or the disk fails',
  ),
  spoolWritten: entry(
    'sluice_spool_written_bytes_total',
    'counter',
    ['replica'],
    'Bytes written to segments since the replica started',
  ),
  spoolWrites: entry(
    'sluice_spool_writes_total',
    'counter',
    ['replica'],
    'Writes to segments since the replica started',
  ),
  spoolWriteSeconds: entry(
    'sluice_spool_write_seconds_total',
    'counter',
    ['replica'],
    'Time of these writes',
  ),
  spoolSyncs: entry(
    'sluice_spool_syncs_total',
    'counter',
    ['replica'],
    'Syncs of segments since the replica started',
  ),
  spoolSyncSeconds: entry(
    'sluice_spool_sync_seconds_total',
    'counter',
    ['replica'],
    'Time of these syncs',
  ),
  spoolFaults: entry(
    'sluice_spool_faults_total',
    'counter',
    ['replica'],
    'Writes and syncs that failed since the replica started',
  ),
  shipperUp: entry('sluice_shipper_up', 'gauge', [], '1 while the shipper runs'),
  shipperRestarts: entry(
    'sluice_shipper_restarts_total',
    'counter',
    [],
    'Times that the shipper had to be started again under this control',
  ),
  shipperSilence: entry(
    'sluice_shipper_silence_seconds',
    'gauge',
    [],
    'Time since the shipper was last heard; it speaks once a second',
  ),
  shipperFailures: entry(
    'sluice_shipper_failures',
    'gauge',
    [],
    'Times in a row that a sink could not go on; 0 while it can',
  ),
  shipperHeldRows: entry(
    'sluice_shipper_held_rows',
    'gauge',
    ['sink'],
    'Rows that are read and not committed yet',
  ),
  shipperCommitAge: entry(
    'sluice_shipper_commit_age_seconds',
    'gauge',
    ['sink'],
    'Time since the last commit; absent until the first in the life of the process',
  ),
  shipperDuplicates: entry(
    'sluice_shipper_duplicates_total',
    'counter',
    ['sink'],
    'Records that were in the spool twice, and were shipped once',
  ),
  shipperQuarantined: entry(
    'sluice_shipper_quarantined_total',
    'counter',
    ['sink'],
    'Segments of which something could not be read',
  ),
} as const satisfies Record<string, MetricEntry>
