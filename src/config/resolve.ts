/** From what sluice.yaml says to what the gateway does: absolute paths, counts from the cores. */

import { resolve } from 'node:path'
import type { ApiKey, SluiceConfig, TracingConfig } from './config.ts'
import { type RecordSurroundings, resolveRecords } from './records.ts'
import type { ApiKeyYaml } from './schemas/api-keys.ts'
import type { SluiceYaml } from './schemas/sluice.ts'

/** Design §3: one replica on up to four cores, else two. */
const replicasFor = (cores: number): number => (cores <= 4 ? 1 : 2)

/** Design §3: one core is left to control and the agents. */
const threadsFor = (cores: number, replicas: number): number =>
  Math.max(1, Math.floor((cores - 1) / replicas))

/** Design §3. A thread that has nothing to compute costs nothing: it is started with the first. */
const computeThreadsFor = (cores: number, replicas: number, threads: number): number =>
  Math.max(1, Math.floor(cores / replicas) - threads)

/** Share of the memory that the inline sessions of one version may take. */
const SESSION_SHARE = 1 / 8

export interface Surroundings extends RecordSurroundings {
  /** Processors that this process may use. */
  readonly cores: number
  /** Memory that it may use. */
  readonly memoryBytes: number
  /** Folders that relative paths start from. */
  readonly repositoryBase: string
  readonly stateBase: string
  readonly accessBase: string
  readonly tlsBase: string
  readonly clientCaBase: string
  /** Of `access.keys` and of the keys file. */
  readonly keys: readonly ApiKeyYaml[]
  readonly tracing: TracingConfig | null
}

const apiKeyOf = (key: ApiKeyYaml): ApiKey => ({
  name: key.name,
  sha256: key.sha256,
  endpoints: key.endpoints.includes('*') ? null : key.endpoints,
  requestsPerSecond: key.requests_per_second,
  burst: key.burst ?? Math.max(1, Math.ceil(key.requests_per_second ?? 1)),
  priority: key.priority ?? 0,
})

const pathIn = (base: string, path: string | null): string | null =>
  path === null ? null : resolve(base, path)

const limitsOf = (yaml: SluiceYaml['limits']): SluiceConfig['limits'] => ({
  bodyBytesMax: yaml.body_bytes_max,
  bodyBytesInFlightMax: yaml.body_bytes_in_flight_max,
  jsonDepthMax: yaml.json_depth_max,
  headerBytesMax: yaml.header_bytes_max,
  connectionsMax: yaml.connections_max,
  queueRowsMax: yaml.queue_rows_max,
  queueWorkMsMax: yaml.queue_work_ms_max,
  timeoutMsDefault: yaml.timeout_ms_default,
  timeoutMsMax: yaml.timeout_ms_max,
})

const grpcOf = (yaml: SluiceYaml['grpc'], base: string): SluiceConfig['grpc'] => ({
  clientCaFile: pathIn(base, yaml.client_ca_file),
  streamsMax: yaml.streams_max,
  connectionIdleSeconds: yaml.connection_idle_seconds,
  connectionAgeSeconds: yaml.connection_age_seconds,
  connectionGraceSeconds: yaml.connection_grace_seconds,
  keepaliveSeconds: yaml.keepalive_seconds,
  keepaliveTimeoutSeconds: yaml.keepalive_timeout_seconds,
})

const modelControlOf = (yaml: SluiceYaml) => ({
  modelControlMode: yaml.model_control_mode,
  modelPollSeconds: yaml.model_poll_seconds,
  loadModels: yaml.load_models,
  loadRetriesMax: yaml.load_retries_max,
  loadRetrySeconds: yaml.load_retry_seconds,
})

export const resolveConfig = (yaml: SluiceYaml, surroundings: Surroundings): SluiceConfig => {
  const { cores, memoryBytes, repositoryBase, stateBase, accessBase, tlsBase } = surroundings
  const replicas = yaml.server.replicas === 'auto' ? replicasFor(cores) : yaml.server.replicas
  const threads = yaml.server.threads === 'auto' ? threadsFor(cores, replicas) : yaml.server.threads
  const computeThreads =
    yaml.server.compute_threads === 'auto'
      ? computeThreadsFor(cores, replicas, threads)
      : yaml.server.compute_threads
  const { session_bytes_max: sessionBytesMax } = yaml.placement
  return {
    modelRepository: resolve(repositoryBase, yaml.model_repository),
    defaultEndpoint: yaml.default_endpoint,
    stateDir: resolve(stateBase, yaml.state_dir),
    ...modelControlOf(yaml),
    server: {
      host: yaml.server.host,
      httpPort: yaml.server.http_port,
      grpcPort: yaml.server.grpc_port,
      http: yaml.server.http,
      threads,
      computeThreads,
      replicas,
      drainSecondsMax: yaml.server.drain_seconds_max,
      docsPage: yaml.server.docs_page,
    },
    control: yaml.control,
    metrics: yaml.metrics,
    controlAbsenceMax: yaml.control_absence_max,
    grpc: grpcOf(yaml.grpc, surroundings.clientCaBase),
    limits: limitsOf(yaml.limits),
    access: {
      keys: surroundings.keys.map(apiKeyOf),
      keysFile: pathIn(accessBase, yaml.access.keys_file),
    },
    tls: {
      certFile: pathIn(tlsBase, yaml.tls.cert_file),
      keyFile: pathIn(tlsBase, yaml.tls.key_file),
      minVersion: yaml.tls.min_version,
    },
    cors: yaml.cors,
    proving: {
      timeoutSeconds: yaml.proving.timeout_seconds,
      memoryBytesMax: yaml.proving.memory_bytes_max,
      rowsMax: yaml.proving.rows_max,
    },
    records: resolveRecords(yaml.records, surroundings),
    recycle: {
      unloadsMax: yaml.recycle.unloads_max,
      memoryBytesMax: yaml.recycle.memory_bytes_max,
      pauseSeconds: yaml.recycle.pause_seconds,
    },
    placement: {
      sessionBytesMax:
        sessionBytesMax === 'auto' ? Math.floor(memoryBytes * SESSION_SHARE) : sessionBytesMax,
    },
    watchdog: {
      reportSeconds: yaml.watchdog.report_seconds,
      idleSecondsMax: yaml.watchdog.idle_seconds_max,
      executionTimeoutSeconds: yaml.watchdog.execution_timeout_seconds,
      loadSecondsMax: yaml.watchdog.load_seconds_max,
    },
    log: yaml.log,
    tracing: surroundings.tracing,
  }
}
