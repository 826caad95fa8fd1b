import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { formatProblem } from '../../../src/config/problems.ts'
import { configProblems, loadedConfig, REPOSITORY } from '../../helpers/config.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'
import { makeTree } from '../../helpers/tree.ts'

test('loadConfig() says everything at once when several things are wrong', () => {
  const problems = configProblems(
    'server:\n  http_port: 70000\n  treads: 2\n  http: uvs\nlog: {level: loud}\n',
    { env: { SLUICE_LOG__LEVLE: 'info' }, flags: { replicas: 'two' } },
  )
  expect(problems.map(({ source, path }) => `${source} ${path}`).sort()).toEqual([
    '--replicas server.replicas',
    'SLUICE_LOG__LEVLE ',
    'sluice.yaml log.level',
    'sluice.yaml model_repository',
    'sluice.yaml server.http',
    'sluice.yaml server.http_port',
    'sluice.yaml server.treads',
  ])
})

test('loadConfig() names the whole path of a file that does not exist', () => {
  const cwd = makeTempDir()
  const result = loadConfig({ file: 'conf/other.yaml', flags: {}, env: {}, cwd })
  const file = join(cwd, 'conf/other.yaml')
  expect('problems' in result && result.problems.map(formatProblem)).toEqual([
    `${file}  No such file`,
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
    file: null,
    config: { modelRepository: join(cwd, 'models'), stateDir: join(cwd, '.sluice') },
  })
})

test('loadConfig() takes SLUICE_CONFIG when no --config is given, and nothing when it is empty', () => {
  const cwd = makeTree({ 'a/one.yaml': REPOSITORY, 'a/two.yaml': REPOSITORY })
  const env = { SLUICE_CONFIG: 'a/one.yaml' }
  expect(loadConfig({ flags: {}, env, cwd })).toMatchObject({ file: join(cwd, 'a/one.yaml') })
  const both = loadConfig({ file: 'a/two.yaml', flags: {}, env, cwd })
  expect(both).toMatchObject({ file: join(cwd, 'a/two.yaml') })
  const flags = { 'model-repository': '.' }
  expect(loadConfig({ flags, env: { SLUICE_CONFIG: '' }, cwd })).toMatchObject({ file: null })
})

test('loadConfig() has a default for every key but the repository, deeply frozen', () => {
  const { config, cwd } = loadedConfig(REPOSITORY, { cores: 2 })
  expect(config).toEqual({
    modelRepository: join(cwd, 'models'),
    defaultEndpoint: null,
    stateDir: join(cwd, '.sluice'),
    modelControlMode: 'none',
    server: {
      host: '127.0.0.1',
      httpPort: 8000,
      http: 'uws',
      threads: 1,
      replicas: 1,
      drainSecondsMax: 20,
    },
    control: { host: '127.0.0.1', port: 8002 },
    controlAbsenceMax: 60,
    limits: {
      bodyBytesMax: 67_108_864,
      bodyBytesInFlightMax: 268_435_456,
      jsonDepthMax: 100,
      headerBytesMax: 16_384,
      queueRowsMax: 10_000,
    },
    proving: { timeoutSeconds: 60, memoryBytesMax: 4_294_967_296, rowsMax: 256 },
    watchdog: {
      reportSeconds: 2,
      idleSecondsMax: 10,
      executionTimeoutSeconds: 10,
      loadSecondsMax: 60,
    },
    log: { level: 'info' },
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

test('loadConfig() lets variables override the file, and flags override both', () => {
  const env = { SLUICE_SERVER__HTTP_PORT: '2000', SLUICE_SERVER__THREADS: '3' }
  const { config, settings } = loadedConfig(`${REPOSITORY}server: {http_port: 1000, threads: 2}`, {
    env,
    flags: { 'http-port': '3000' },
  })
  expect(config.server).toMatchObject({ httpPort: 3000, threads: 3 })
  const origins = Object.fromEntries(settings.map(({ key, origin }) => [key, origin]))
  expect(origins).toMatchObject({
    model_repository: 'sluice.yaml:1:1',
    'server.http_port': '--http-port',
    'server.threads': 'SLUICE_SERVER__THREADS',
    'server.replicas': 'default',
  })
})

test('loadConfig() names the flag or variable whose value is wrong', () => {
  const problems = configProblems(REPOSITORY, {
    env: { SLUICE_LIMITS__QUEUE_ROWS_MAX: 'lots', SLUICE_SERVER__HTTP: '' },
    flags: { 'http-port': '70000', 'grpc-port': '8001' },
  })
  expect(problems.map(formatProblem).sort()).toEqual([
    "--grpc-port  server.grpc_port: Unknown key 'grpc_port'  (gRPC comes with a later release)",
    '--http-port  server.http_port: got 70000; wanted integer 0 to 65535',
    'SLUICE_LIMITS__QUEUE_ROWS_MAX  limits.queue_rows_max: got "lots"; wanted integer 1 to 10000000',
    'SLUICE_SERVER__HTTP  server.http: got nothing; wanted `uws` or `node`',
  ])
})

test('loadConfig() still reports a section that is no map when a flag sets a key in it', () => {
  const problems = configProblems(`${REPOSITORY}server: 80`, { flags: { 'http-port': '1' } })
  expect(problems.map(formatProblem)).toEqual(['sluice.yaml:2:1  server: got 80; wanted map'])
})

test('loadConfig() reads a name that looks like a number as a name', () => {
  const { config } = loadedConfig(REPOSITORY, {
    env: { SLUICE_DEFAULT_ENDPOINT: '2024', SLUICE_STATE_DIR: 'true' },
  })
  expect(config.defaultEndpoint).toBe('2024')
  expect(config.stateDir).toMatch(/\/true$/)
  const none = loadedConfig(`${REPOSITORY}default_endpoint: a`, {
    env: { SLUICE_DEFAULT_ENDPOINT: 'null' },
  })
  expect(none.config.defaultEndpoint).toBe(null)
})

test('loadConfig() passes over variables that others set for a service called sluice', () => {
  const env = {
    SLUICE_PORT: 'tcp://10.0.0.7:8000',
    SLUICE_PORT_8000_TCP: 'tcp://10.0.0.7:8000',
    SLUICE_PORT_8000_TCP_ADDR: '10.0.0.7',
    SLUICE_SERVICE_HOST: '10.0.0.7',
    SLUICE_SERVICE_PORT: '8000',
    SLUICE_SERVICE_PORT_HTTP: '8000',
    SLUICE_CONTROL_PORT: 'tcp://10.0.0.8:8002',
    SLUICE_TEST_SEED: 'random',
    SLUICE_SERVER: 'http://127.0.0.1:8002',
    PATH: '/bin',
  }
  expect(configProblems(REPOSITORY, { env })).toEqual([])
})

test('loadConfig() refuses variables that look like ours and set nothing', () => {
  const env = { SLUICE_HTTP__PORT: '1', SLUICE_STATEDIR: 'x', SLUICE_WHAT__EVER: '1' }
  expect(configProblems(REPOSITORY, { env }).map(formatProblem)).toEqual([
    'SLUICE_HTTP__PORT  Unknown variable  (see docs/reference/config.md for the keys)',
    'SLUICE_STATEDIR  Unknown variable  (did you mean SLUICE_STATE_DIR?)',
    'SLUICE_WHAT__EVER  Unknown variable  (see docs/reference/config.md for the keys)',
  ])
})
