import { expect, test } from 'vitest'
import { renderStatus } from '../../../src/cli/status.ts'
import type { StatusDocument } from '../../../src/control/api/status-document.ts'

const STATUS: StatusDocument = {
  version: '1.2.3',
  gateway: 'k3x9qa',
  ready: true,
  reasons: [],
  epoch: 7,
  startedAt: '2025-01-01T00:00:00.000Z',
  uptimeMs: 65_000,
  httpScheme: 'http',
  httpHost: '0.0.0.0',
  httpPort: 8000,
  grpcPort: null,
  controlPort: 8002,
  metricsListen: null,
  defaultEndpoint: 'iris',
  endpoints: [
    {
      name: 'iris',
      model: 'iris',
      revision: 1,
      variants: [
        {
          name: 'v3',
          version: 3,
          weightBp: 9000,
          requests: 12_345,
          refused: 67,
          failed: 8,
          aborted: 1,
          p50Ms: 0.1234,
          p99Ms: 5,
        },
      ],
    },
  ],
  replicas: [
    {
      index: 0,
      pid: 77,
      uptimeMs: 3_600_000,
      state: 'serving',
      epoch: 7,
      httpEngine: 'uws',
      restarts: 2,
      rssBytes: 200 * 1024 * 1024,
      threads: [
        { thread: 0, state: 'idle', connections: 3, inFlight: 0, loopLagMs: 1, accepting: 'open' },
        {
          thread: 1,
          state: 'idle',
          connections: 4,
          inFlight: 0,
          loopLagMs: 2.5,
          accepting: 'full',
        },
      ],
    },
  ],
  restart: null,
  recycled: null,
  warnings: [],
}

test('renderStatus() says on one page who serves what', () => {
  expect(renderStatus(STATUS)).toBe(`sluice 1.2.3  ✔ ready  epoch 7  up 1m05s
predict http://localhost:8000/predict  gateway k3x9qa

REPLICA  STATE      PID  UP     RESTARTS  EPOCH  HTTP  MEMORY   CONNECTIONS  LAG
0        ✔ serving  77   1h00m  2         7      uws   200 MiB  7 (full)     2.5 ms

ENDPOINT  VARIANT  VERSION  WEIGHT   REQUESTS  REFUSED  FAILED  P50       P99
iris      v3       3        90.00 %  12,345    67       8       0.123 ms  5.000 ms`)
})

test('renderStatus() shows where gRPC is served, if it is', () => {
  expect(renderStatus({ ...STATUS, grpcPort: 8001 }).split('\n')[1]).toBe(
    'predict http://localhost:8000/predict  grpc localhost:8001  gateway k3x9qa',
  )
})

test('renderStatus() shows where metrics.listen serves, if it does', () => {
  const metricsListen = { host: '::', port: 8003 }
  expect(renderStatus({ ...STATUS, metricsListen }).split('\n')[1]).toBe(
    'predict http://localhost:8000/predict  metrics http://localhost:8003/metrics  gateway k3x9qa',
  )
})

test('renderStatus() says why it is not ready, what is amiss, and that nothing is served', () => {
  const text = renderStatus({
    ...STATUS,
    ready: false,
    reasons: ['no epoch yet', 'draining'],
    endpoints: [],
    warnings: ['a name with \u001b[2J in it'],
  })
  expect(text).toContain('⚠ not ready: no epoch yet; draining')
  expect(text).toContain('no endpoint: see `sluice models`')
  expect(text).toContain('⚠ a name with �[2J in it')
})

test('renderStatus() shows a restart that is under way or has failed', () => {
  const restart = {
    ...({ number: 1, state: 'running', replicas: 2, replaced: 1, fault: null } as const),
    ...{ startedAt: '2025-01-01T00:00:00.000Z', endedAt: null },
  }
  expect(renderStatus({ ...STATUS, restart })).toContain('◌ restart running: 1 of 2 replaced')
  const failed = { ...restart, state: 'failed', fault: 'it\u001b[2J died' } as const
  const text = renderStatus({ ...STATUS, restart: failed })
  expect(text).toContain('⚠ restart failed: 1 of 2 replaced: it�[2J died')
  expect(renderStatus({ ...STATUS, restart: { ...restart, state: 'done' } })).not.toContain('rest')
})
