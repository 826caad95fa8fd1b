/** What replicas are started with. */

import { join } from 'node:path'
import type { SluiceConfig } from '../config/config.ts'
import { connectionLimit } from '../control/replicas/file-limit.ts'
import type { ReplicaPorts } from '../control/replicas/replica-ports.ts'
import type { StateDir } from '../control/state/state-dir.ts'
import type { ReplicaSettings } from '../shared/epoch-plan.ts'
import type { RecordSettings } from '../shared/record-settings.ts'

const recordSettings = ({ records }: SluiceConfig, { path }: StateDir): RecordSettings | null => {
  const { enabled, durability, whenFull, ringBytes, recordBytesMax, spool } = records
  const { hmacKeyFile: keyFile, hmacKeyId: keyId } = records
  if (!enabled) return null
  return {
    ...{ durability, whenFull, ringBytes, recordBytesMax },
    hmac: keyFile === null || keyId === null ? null : { keyFile, keyId },
    spool: {
      folder: join(path, 'spool'),
      bytesMax: spool.bytesMax,
      segmentBytesMax: spool.segmentBytes,
      segmentMsMax: spool.segmentSeconds * 1000,
    },
  }
}

/** Settings of replicas, by their place and incarnation, as they are for the life of a process. */
export const replicaSettings = (config: SluiceConfig, stateDir: StateDir, ports: ReplicaPorts) => {
  const { connectionsMax } = connectionLimit(config.limits.connectionsMax)
  const { clientCaFile, ...grpc } = config.grpc
  return (replica: number, incarnation: number): ReplicaSettings => ({
    socketPath: stateDir.socketPath,
    gateway: stateDir.gateway,
    replica,
    incarnation,
    threads: config.server.threads,
    computeThreads: config.server.computeThreads,
    host: config.server.host,
    httpPort: ports.httpPort,
    grpcPort: ports.grpcPort,
    httpEngine: config.server.http,
    isTls: config.tls.certFile !== null,
    hasDocsPage: config.server.docsPage,
    limits: { ...config.limits, connectionsMax },
    grpc: { ...grpc, isMutualTls: clientCaFile !== null },
    corsOrigins: config.cors.origins,
    tracing: config.tracing?.sampling ?? null,
    records: recordSettings(config, stateDir),
    controlAbsenceMsMax: config.controlAbsenceMax * 1000,
    drainMsMax: config.server.drainSecondsMax * 1000,
    logLevel: config.log.level,
    watchdog: {
      reportMs: config.watchdog.reportSeconds * 1000,
      idleMsMax: config.watchdog.idleSecondsMax * 1000,
      runMsMax: config.watchdog.executionTimeoutSeconds * 1000,
      loadMsMax: config.watchdog.loadSecondsMax * 1000,
    },
  })
}
