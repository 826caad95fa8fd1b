import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { formatProblem } from '../../../src/config/problems.ts'
import { configProblems, loadedConfig, REPOSITORY } from '../../helpers/config.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'
import { makeTree } from '../../helpers/tree.ts'

test('loadConfig() says everything at once, in the order of the lines, when much is wrong', () => {
  const content = `sevrer: {}
model_repo: models
http_port: 1
server:
  http_port: 70000
  threads: "4"
  treads: 2
  http: uvs
limits:
  body_bytes_max: 64MiB
  body_bytes_in_flight_max: 2048
log: {level: loud}
control: {port: 9000}
`
  const problems = configProblems(content, {
    env: { SLUICE_LOG__LEVLE: 'info', SLUICE_HTTP_PORT: '1' },
    flags: { replicas: 'two', 'grpc-port': '-1' },
  })
  expect(problems.map(formatProblem)).toEqual([
    'sluice.yaml:1:1  model_repository: is missing; wanted non-empty string  (give --model-repository DIR, or the key in sluice.yaml)',
    "sluice.yaml:1:1  sevrer: Unknown key 'sevrer'  (did you mean 'server'?)",
    "sluice.yaml:2:1  model_repo: Unknown key 'model_repo'  (did you mean 'model_repository'?)",
    "sluice.yaml:3:1  http_port: Unknown key 'http_port'  (did you mean 'server.http_port'?)",
    'sluice.yaml:5:3  server.http_port: got 70000; wanted integer 0 to 65535',
    'sluice.yaml:6:3  server.threads: got "4"; wanted `auto` or integer 1 to 256  (without quotes)',
    "sluice.yaml:7:3  server.treads: Unknown key 'treads'  (did you mean 'threads'?)",
    'sluice.yaml:8:3  server.http: got "uvs"; wanted `uws` or `node`  (did you mean \'uws\'?)',
    'sluice.yaml:10:3  limits.body_bytes_max: got "64MiB"; wanted integer 1024 to 1073741824  (in bytes: 67108864)',
    'sluice.yaml:12:7  log.level: got "loud"; wanted `debug`, `info`, `warn` or `error`',
    'SLUICE_LOG__LEVLE  Unknown variable  (did you mean SLUICE_LOG__LEVEL?)',
    'SLUICE_HTTP_PORT  Unknown variable  (did you mean SLUICE_SERVER__HTTP_PORT?)',
    '--grpc-port  server.grpc_port: got -1; wanted integer 0 to 65535 or null',
    '--replicas  server.replicas: got "two"; wanted `auto` or integer 1 to 256',
  ])
})

test('loadConfig() says what sound values contradict although others are wrong', () => {
  const content = `${REPOSITORY}server: {http_port: 8002, threads: 0}
limits: {body_bytes_in_flight_max: 2048, body_bytes_max: lots}
`
  expect(configProblems(content).map(({ path }) => path)).toEqual([
    'server.http_port',
    'server.threads',
    'limits.body_bytes_max', // and so not what it might contradict
  ])
})

test('loadConfig() gives the rest with defaults for what is wrong', () => {
  const cwd = makeTree({ 'sluice.yaml': `${REPOSITORY}server: {http_port: -1, threads: 3}` })
  const result = loadConfig({ flags: {}, env: {}, cwd })
  const server = { httpPort: 8000, threads: 3 }
  expect(result).toMatchObject({
    rest: { config: { modelRepository: join(cwd, 'models'), server } },
  })
  const nowhere = loadConfig({ flags: { 'http-port': '1' }, env: {}, cwd: makeTempDir() })
  expect(nowhere).toMatchObject({ problems: [{ path: 'model_repository' }], rest: null })
})

test('loadConfig() shows a file as it was named', () => {
  const cwd = makeTree({ 'conf/bad.yaml': 'a: [' })
  const shown = (file: string | undefined, env: Record<string, string> = {}) => {
    const result = loadConfig({ file, flags: {}, env, cwd })
    return 'problems' in result ? result.problems.map(formatProblem) : []
  }
  expect(shown('conf/other.yaml')).toEqual(['conf/other.yaml  No such file'])
  expect(shown(join(cwd, 'x.yaml'))).toEqual([`${join(cwd, 'x.yaml')}  No such file`])
  expect(shown('./conf/bad.yaml')[0]).toMatch(/^\.\/conf\/bad\.yaml:1:\d+ {2}/)
  expect(shown(undefined, { SLUICE_CONFIG: 'gone.yaml' })).toEqual([
    'gone.yaml  No such file  (SLUICE_CONFIG names it)',
  ])
})

test('loadConfig() refuses a folder and a device in place of a file', () => {
  const cwd = makeTempDir()
  mkdirSync(join(cwd, 'sluice.yaml'))
  const folder = loadConfig({ flags: {}, env: {}, cwd })
  expect(folder).toMatchObject({ problems: [{ message: 'Is a folder, not a file' }] })
  const device = loadConfig({ file: '/dev/zero', flags: {}, env: {}, cwd })
  expect(device).toMatchObject({ problems: [{ message: 'Is not a file' }] })
})

test('loadConfig() needs no file when a flag names the repository', () => {
  const cwd = makeTempDir()
  const result = loadConfig({ flags: { 'model-repository': 'models' }, env: {}, cwd })
  expect(result).toMatchObject({
    config: { modelRepository: join(cwd, 'models'), stateDir: join(cwd, '.sluice') },
  })
})

test('loadConfig() has a default for every key but the repository, deeply frozen', () => {
  const { config, cwd } = loadedConfig(REPOSITORY, { cores: 2, memoryBytes: 8000 })
  expect(config).toEqual({
    modelRepository: join(cwd, 'models'),
    defaultEndpoint: null,
    stateDir: join(cwd, '.sluice'),
    ...{ modelControlMode: 'none', modelPollSeconds: 15, loadModels: [] },
    ...{ loadRetriesMax: 5, loadRetrySeconds: 1 },
    server: {
      host: '127.0.0.1',
      httpPort: 8000,
      grpcPort: 8001,
      http: 'uws',
      threads: 1,
      computeThreads: 1,
      replicas: 1,
      drainSecondsMax: 20,
      docsPage: true,
    },
    control: { host: '127.0.0.1', port: 8002 },
    metrics: { listen: null },
    controlAbsenceMax: 60,
    grpc: {
      clientCaFile: null,
      streamsMax: 100,
      connectionIdleSeconds: 300,
      connectionAgeSeconds: 1800,
      connectionGraceSeconds: 30,
      keepaliveSeconds: 30,
      keepaliveTimeoutSeconds: 10,
    },
    limits: {
      bodyBytesMax: 67_108_864,
      bodyBytesInFlightMax: 268_435_456,
      jsonDepthMax: 100,
      headerBytesMax: 16_384,
      connectionsMax: 10_000,
      queueRowsMax: 10_000,
      queueWorkMsMax: 1000,
      timeoutMsDefault: 0,
      timeoutMsMax: 86_400_000,
    },
    access: { keys: [], keysFile: null },
    tls: { certFile: null, keyFile: null, minVersion: 'TLSv1.2' },
    placement: { sessionBytesMax: 1000 },
    cors: { origins: [] },
    proving: { timeoutSeconds: 300, memoryBytesMax: 4_294_967_296, rowsMax: 256 },
    // Every key of it is in records.test.ts.
    records: expect.anything(),
    recycle: { unloadsMax: 50, memoryBytesMax: 536_870_912, pauseSeconds: 60 },
    watchdog: {
      reportSeconds: 2,
      idleSecondsMax: 10,
      executionTimeoutSeconds: 10,
      loadSecondsMax: 60,
    },
    log: { level: 'info' },
    tracing: null,
  })
  expect(Object.isFrozen(config) && Object.isFrozen(config.server)).toBe(true)
})

test('loadConfig() takes a section without keys for its defaults', () => {
  expect(
    loadedConfig(`${REPOSITORY}server:\n  # http_port: 1\nlog:\n`).config.server.httpPort,
  ).toBe(8000)
})

test('loadConfig() starts relative paths at the file, and those of flags at the working folder', () => {
  const cwd = makeTree({ 'conf/s.yaml': 'model_repository: ../models\nstate_dir: state\n' })
  const file = 'conf/s.yaml'
  expect(loadConfig({ file, flags: {}, env: {}, cwd })).toMatchObject({
    config: { modelRepository: join(cwd, 'models'), stateDir: join(cwd, 'conf/state') },
  })
  const env = { SLUICE_STATE_DIR: 'elsewhere' }
  expect(loadConfig({ file, flags: {}, env, cwd })).toMatchObject({
    config: { modelRepository: join(cwd, 'models'), stateDir: join(cwd, 'elsewhere') },
  })
})

test('loadConfig() warns of variables of other programs that it cannot obey', () => {
  const cwd = makeTree({ 'sluice.yaml': REPOSITORY })
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
    OTEL_TRACES_SAMPLER: 'jaeger_remote',
  }
  const loaded = loadConfig({ flags: {}, env, cwd })
  expect(loaded).toMatchObject({
    config: { tracing: null },
    warnings: [
      { source: 'OTEL_EXPORTER_OTLP_ENDPOINT', message: expect.stringContaining('tracing is off') },
      { source: 'OTEL_TRACES_SAMPLER' },
    ],
  })
  expect(loaded).not.toHaveProperty('problems')
})
