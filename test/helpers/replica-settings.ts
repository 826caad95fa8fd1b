/** Settings of a replica, as control passes them. */

import type { ReplicaSettings } from '../../src/shared/epoch-plan.ts'

export const replicaSettings = (given: Partial<ReplicaSettings> = {}): ReplicaSettings => ({
  socketPath: '',
  gateway: 'test',
  replica: 0,
  incarnation: 1,
  threads: 2,
  computeThreads: 1,
  host: '127.0.0.1',
  httpPort: 0,
  grpcPort: null,
  httpEngine: 'uws',
  isTls: false,
  hasDocsPage: true,
  limits: {
    bodyBytesMax: 1024 * 1024,
    bodyBytesInFlightMax: 4 * 1024 * 1024,
    jsonDepthMax: 20,
    headerBytesMax: 16_384,
    connectionsMax: 10_000,
    queueRowsMax: 1000,
    queueWorkMsMax: 1000,
    timeoutMsDefault: 0,
    timeoutMsMax: 86_400_000,
  },
  grpc: {
    streamsMax: 100,
    connectionIdleSeconds: 300,
    connectionAgeSeconds: 1800,
    connectionGraceSeconds: 30,
    keepaliveSeconds: 30,
    keepaliveTimeoutSeconds: 10,
    isMutualTls: false,
  },
  corsOrigins: [],
  controlAbsenceMsMax: 60_000,
  drainMsMax: 10_000,
  logLevel: 'info',
  watchdog: { reportMs: 2000, idleMsMax: 10_000, runMsMax: 30_000, loadMsMax: 60_000 },
  ...given,
})
