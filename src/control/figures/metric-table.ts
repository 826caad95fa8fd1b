/**
 * Every metric that `/metrics` exports, in one table; docs/reference/metrics.md is generated from
 * it. Labels come from the registry of models and from closed lists, never from a request.
 */

import { entry, type MetricEntry } from './metric-entry.ts'
import { RECORD_METRICS } from './record-metric-table.ts'

const VARIANT = ['endpoint', 'model', 'version', 'variant'] as const
const MODEL = ['model', 'version'] as const

export const METRICS = {
  requests: entry(
    'sluice_requests_total',
    'counter',
    [...VARIANT, 'protocol', 'outcome', 'reason'],
    'Requests by outcome: ok, refused (the client, or load), failed (the model, or Sluice), aborted (the client left)',
  ),
  requestSeconds: entry(
    'sluice_request_seconds',
    'histogram',
    VARIANT,
    'Time of answered requests, from the start of the turn of the event loop that read their last byte until the answer was written',
  ),
  queueSeconds: entry(
    'sluice_queue_seconds',
    'histogram',
    VARIANT,
    'Time that answered requests waited for their run',
  ),
  computeSeconds: entry(
    'sluice_compute_seconds',
    'histogram',
    VARIANT,
    'Time of the run that answered a request',
  ),
  batchRows: entry('sluice_batch_rows', 'histogram', VARIANT, 'Rows of a run'),
  rows: entry('sluice_rows_total', 'counter', VARIANT, 'Rows answered'),
  batches: entry('sluice_batches_total', 'counter', VARIANT, 'Runs'),
  runSeconds: entry(
    'sluice_run_seconds_total',
    'counter',
    VARIANT,
    'Time of the runs, each counted once, however many requests it answers',
  ),
  inFlight: entry(
    'sluice_requests_in_flight',
    'gauge',
    ['replica'],
    'Requests admitted and not yet answered',
  ),
  connections: entry('sluice_connections', 'gauge', ['replica'], 'Open client connections'),
  accepting: entry(
    'sluice_thread_accepting',
    'gauge',
    ['replica', 'thread'],
    '1 while a data thread accepts connections; 0 while it has as many as it may, or is behind',
  ),
  acceptPauses: entry(
    'sluice_accept_pauses_total',
    'counter',
    ['replica', 'thread', 'reason'],
    'How often a data thread stopped accepting since its replica started: full (`limits.connections_max`) or late (its event loop). What the kernel refuses meanwhile, nobody can count',
  ),
  certificateExpiry: entry(
    'sluice_tls_certificate_expiry_seconds',
    'gauge',
    [],
    'When the certificate of the data plane expires, seconds since 1970',
  ),
  queueRows: entry('sluice_queue_rows', 'gauge', ['replica'], 'Rows waiting for a run'),
  loopLag: entry(
    'sluice_event_loop_lag_seconds',
    'gauge',
    ['replica', 'thread'],
    'Delay of the last quarter-second timer of a data thread',
  ),
  threadCpu: entry(
    'sluice_thread_cpu_seconds_total',
    'counter',
    ['replica', 'thread'],
    'CPU time of a data thread since its replica started; `compute-0` and so on are compute threads',
  ),
  processCpu: entry(
    'sluice_process_cpu_seconds_total',
    'counter',
    ['process'],
    'CPU time; `replicas` adds up all that ever lived',
  ),
  residentBytes: entry(
    'sluice_process_resident_memory_bytes',
    'gauge',
    ['process'],
    'Resident memory',
  ),
  heapBytes: entry('sluice_process_heap_bytes', 'gauge', ['process'], 'JavaScript heap in use'),
  replicaUp: entry(
    'sluice_replica_up',
    'gauge',
    ['replica'],
    '1 while the replica speaks with control',
  ),
  restarts: entry(
    'sluice_replica_restarts_total',
    'counter',
    ['replica'],
    'Processes that followed another one in this place',
  ),
  figuresAge: entry(
    'sluice_replica_figures_age_seconds',
    'gauge',
    ['replica'],
    'Age of the figures of a replica; above a few seconds it does not answer',
  ),
  epoch: entry(
    'sluice_traffic_epoch',
    'gauge',
    [],
    'Number of the traffic configuration that serves',
  ),
  epochChanges: entry(
    'sluice_epoch_changes_total',
    'counter',
    [],
    'Epochs that this control process has published',
  ),
  versionState: entry(
    'sluice_version_state',
    'gauge',
    ['model', 'version', 'state'],
    '1 for the state that a version is in: loading, available, failed',
  ),
  unloads: entry(
    'sluice_version_unloads_total',
    'counter',
    [],
    'Versions that replicas have unloaded, one for each replica, under this control process',
  ),
  unloadBytes: entry(
    'sluice_unload_resident_memory_bytes',
    'gauge',
    ['replica', 'moment'],
    'Resident memory of a replica before and after its last unload',
  ),
  recycles: entry(
    'sluice_replica_recycles_total',
    'counter',
    ['reason'],
    'Replicas replaced by themselves: after `recycle.unloads_max` unloads, or as memory did not come back',
  ),
  traces: entry(
    'sluice_traced_requests_total',
    'counter',
    ['outcome'],
    'Traced requests under this control process, where tracing is on: exported, or their spans were lost: ring_full (a data thread, or a control that was away), queue_full (the collector is slow, or there were more than 5,000 in a second), export_failed (it took none)',
  ),
  buildInfo: entry(
    'sluice_build_info',
    'gauge',
    ['version', 'node', 'onnxruntime'],
    '1; the labels say what runs',
  ),
  startTime: entry(
    'sluice_start_time_seconds',
    'gauge',
    [],
    'Start of this control process, seconds since 1970',
  ),
  seriesDropped: entry(
    'sluice_series_dropped_total',
    'counter',
    [],
    'Series left out of scrapes because the budget for series is used up',
  ),
  nvSuccess: entry(
    'nv_inference_request_success',
    'counter',
    MODEL,
    'Number of successful inference requests (Triton)',
  ),
  nvFailure: entry(
    'nv_inference_request_failure',
    'counter',
    [...MODEL, 'reason'],
    'Number of inference requests that failed after they were decoded, by reason: REJECTED, CANCELED, BACKEND, OTHER (Triton)',
  ),
  nvCount: entry(
    'nv_inference_count',
    'counter',
    MODEL,
    'Number of inferences performed: rows (Triton)',
  ),
  nvExecCount: entry(
    'nv_inference_exec_count',
    'counter',
    MODEL,
    'Number of model executions: runs (Triton)',
  ),
  nvRequestUs: entry(
    'nv_inference_request_duration_us',
    'counter',
    MODEL,
    'Cumulative duration of successful requests in microseconds (Triton)',
  ),
  nvQueueUs: entry(
    'nv_inference_queue_duration_us',
    'counter',
    MODEL,
    'Cumulative time that successful requests waited in microseconds (Triton)',
  ),
  nvInputUs: entry(
    'nv_inference_compute_input_duration_us',
    'counter',
    MODEL,
    'Cumulative time in which the inputs of runs of successful requests were joined; 0 where decoding had done it (Triton)',
  ),
  nvComputeUs: entry(
    'nv_inference_compute_infer_duration_us',
    'counter',
    MODEL,
    'Cumulative time of the runs of successful requests in microseconds (Triton)',
  ),
  nvOutputUs: entry(
    'nv_inference_compute_output_duration_us',
    'counter',
    MODEL,
    'Cumulative time of writing the answers of successful requests in microseconds (Triton)',
  ),
  nvPending: entry(
    'nv_inference_pending_request_count',
    'gauge',
    MODEL,
    'Requests that wait for their run (Triton)',
  ),
  ...RECORD_METRICS,
} as const satisfies Record<string, MetricEntry>

export type MetricName = keyof typeof METRICS
