import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type BannerFacts, exampleOf, modelLines, renderBanner } from '../../../src/cli/banner.ts'
import type { ModelsDocument, StatusDocument } from '../../../src/control/api/status-document.ts'
import type { PlannedVersion } from '../../../src/shared/epoch-plan.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const COUNTERS = { requests: 0, refused: 0, failed: 0, aborted: 0, p50Ms: 0, p99Ms: 0 }

const endpoint = (name: string, weights: readonly (readonly [number, number])[]) => ({
  ...{ name, model: name, revision: 1 },
  variants: weights.map(([version, weightBp]) => ({
    ...{ name: `v${version}`, version, weightBp, ...COUNTERS },
  })),
})

const replica = (threads: number) => ({
  ...{ index: 0, pid: 7, uptimeMs: 1, state: 'serving', epoch: 1, httpEngine: 'uws', restarts: 0 },
  rssBytes: 100 * 1024 * 1024,
  threads: Array.from({ length: threads }, (_, thread) => ({
    ...{ thread, state: 'idle', connections: 0, inFlight: 0, loopLagMs: 0, accepting: 'open' },
  })),
})

const statusOf = (more: Partial<StatusDocument> = {}): StatusDocument => ({
  ...{ version: '0.1.0', gateway: 'abcdef', ready: true, reasons: [], epoch: 1 },
  ...{
    startedAt: '',
    uptimeMs: 1,
    httpHost: '127.0.0.1',
    httpScheme: 'http',
    httpPort: 8000,
    grpcPort: 8001,
    controlPort: 8002,
  },
  metricsListen: null,
  defaultEndpoint: 'b',
  endpoints: [endpoint('a', [[1, 10_000]]), endpoint('b', [[2, 10_000]])],
  replicas: [replica(1)] as StatusDocument['replicas'],
  restart: null,
  recycled: null,
  warnings: [],
  ...more,
})

const modelsOf = (
  versions: readonly (readonly [number, string, readonly string[]])[],
): ModelsDocument =>
  ({
    models: [
      {
        name: 'a',
        versions: versions.map(([version, state, aliases]) => ({ version, state, aliases })),
      },
    ],
  }) as unknown as ModelsDocument

const FACTS: BannerFacts = {
  ...{ readyMs: 840.4, node: '24.1', onnxRuntime: '1.30', stateDir: '/srv/state', pid: 4711 },
  controlHost: '127.0.0.1',
  records: null,
  example: null,
}

const planned = (model: string, version: number, exampleRow: object | null) =>
  ({ model, version, exampleRow }) as PlannedVersion

const banner = (status: StatusDocument, facts: Partial<BannerFacts> = {}) =>
  renderBanner(status, modelsOf([[1, 'available', ['champion']]]), { ...FACTS, ...facts })

test('renderBanner() says where everything is', () => {
  expect(banner(statusOf()).split('\n')).toEqual([
    '  SLUICE 0.1.0  ready in 840 ms    node 24.1 · onnxruntime 1.30 · cpu',
    '  ➜  Predict    http://127.0.0.1:8000/predict/b',
    '  ➜  gRPC       127.0.0.1:8001',
    '  ➜  Status     http://127.0.0.1:8002/api/v1/status    or: npx sluice status',
    '  ➜  Metrics    http://127.0.0.1:8002/metrics',
    '  ➜  Models     a v1 champion',
    '  ➜  Processes  1 replica x 1 data thread, 100 MiB',
    '  ➜  State      /srv/state',
    '  Ctrl-C drains and quits · kill -HUP 4711 reads config and repository again',
  ])
})

test('renderBanner() says where predictions are written down, and how to look at them', () => {
  const records = { path: '/srv/records', durability: 'process', config: null }
  expect(banner(statusOf(), { records })).toContain(
    '  ➜  Records    /srv/records (process)    or: npx sluice records tail -f\n',
  )
  const elsewhere = { ...records, config: 'my configs/sluice.yaml' }
  expect(banner(statusOf(), { records: elsewhere })).toContain(
    "tail -f --config 'my configs/sluice.yaml'\n",
  )
})

test.each([
  ['0.0.0.0', 'http://localhost:8003'],
  ['::', 'http://localhost:8003'],
  ['10.0.0.7', 'http://10.0.0.7:8003'],
  ['fd00::7', 'http://[fd00::7]:8003'],
])('renderBanner() shows metrics where metrics.listen has them: %s', (host, url) => {
  const text = banner(statusOf({ metricsListen: { host, port: 8003 } }))
  expect(text).toContain(`➜  Metrics    ${url}/metrics\n`)
  expect(text).toContain('➜  Status     http://127.0.0.1:8002/api/v1/status')
})

test('renderBanner() says what is lacking, and warns', () => {
  const text = banner(
    statusOf({ ready: false, reasons: ['a is still being proved'], warnings: ['disk \u001b[2J'] }),
  )
  expect(text).toContain('not ready: a is still being proved')
  expect(text).toContain('⚠  disk �[2J')
  expect(text).not.toContain('ready in')
})

test('renderBanner() counts in the plural where there are many', () => {
  const replicas = [replica(2), replica(2)] as StatusDocument['replicas']
  expect(banner(statusOf({ replicas }))).toContain('2 replicas x 2 data threads, 200 MiB')
})

test.each([
  ['0.0.0.0', 'http://localhost:8000'],
  ['::', 'http://localhost:8000'],
  ['::1', 'http://[::1]:8000'],
  ['10.0.0.7', 'http://10.0.0.7:8000'],
])('renderBanner() names %s as a client can reach it', (httpHost, url) => {
  expect(banner(statusOf({ httpHost }))).toContain(`Predict    ${url}/predict/b`)
})

test('renderBanner() names no gRPC where none is served', () => {
  expect(banner(statusOf({ grpcPort: null }))).not.toContain('gRPC')
})

test('exampleOf() is of the endpoint that it is sent to: the default one, else the first', () => {
  const rows = [planned('a', 1, { x: 1 }), planned('b', 2, { y: 2 }), planned('b', 3, { z: 3 })]
  const ofB = { endpoint: 'b', body: '{"features":{"y":2}}' }
  const ofA = { endpoint: 'a', body: '{"features":{"x":1}}' }
  expect(exampleOf(statusOf(), rows)).toEqual(ofB)
  expect(exampleOf(statusOf({ defaultEndpoint: null }), rows)).toEqual(ofA)
  expect(exampleOf(statusOf(), rows.slice(0, 1))).toEqual(ofA)
  expect(exampleOf(statusOf(), [planned('b', 2, null)])).toBeNull()
  const example = { endpoint: 'a', body: '{}' }
  expect(banner(statusOf(), { example })).toContain(
    "  try   curl -s http://127.0.0.1:8000/predict/a -d '{}'",
  )
})

test('the example survives a shell, whatever is in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const body = JSON.stringify({ features: { text } })
      const line = banner(statusOf(), { example: { endpoint: 'a', body } })
        .split('\n')
        .find((each) => each.startsWith('  try'))
      const words = line?.replace('  try   curl -s ', 'printf %s\\\\n ') ?? ''
      const printed = execFileSync('sh', ['-c', words], { encoding: 'utf8' })
      expect(printed).toBe(`http://127.0.0.1:8000/predict/a\n-d\n${body}\n`)
    }),
    { numRuns: propertyRuns(20) },
  )
})

test('modelLines() shows states that are not available, and shares of several variants', () => {
  const status = statusOf({
    endpoints: [
      endpoint('a', [
        [1, 9000],
        [2, 1000],
      ]),
    ],
  })
  const models = modelsOf([
    [1, 'available', ['champion']],
    [2, 'available', ['challenger']],
    [3, 'failed', []],
    [4, 'unloaded', []],
  ])
  expect(modelLines(models, status)).toEqual([
    'a v1 champion 90 % · v2 challenger 10 % · v3 (failed)',
  ])
})
