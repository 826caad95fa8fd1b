import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type LoadOptions, loadConfig } from '../../../src/config/load.ts'
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
    flags: { replicas: 'two', 'grpc-port': '1' },
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
    '--replicas  server.replicas: got "two"; wanted `auto` or integer 1 to 256',
    "--grpc-port  server.grpc_port: Unknown key 'grpc_port'  (gRPC comes with a later release)",
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

test('loadConfig() judges variables and flags although the file cannot be read', () => {
  const problems = configProblems('server: {\n', {
    env: { SLUICE_LOG__LEVEL: 'loud', SLUICE_SATE_DIR: 'x' },
    flags: { 'http-port': '70000' },
  })
  expect(problems.map(({ source, path }) => `${source} ${path}`)).toEqual([
    'sluice.yaml ',
    'SLUICE_SATE_DIR ',
    'SLUICE_LOG__LEVEL log.level',
    '--http-port server.http_port',
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

test('loadConfig() takes SLUICE_CONFIG when no --config is given, and nothing when it is empty', () => {
  const cwd = makeTree({ 'one.yaml': 'model_repository: a', 'two.yaml': 'model_repository: b' })
  const repository = (...[options]: [Partial<LoadOptions>]) => {
    const result = loadConfig({ flags: {}, env: {}, cwd, ...options })
    return 'config' in result ? result.config.modelRepository : null
  }
  const env = { SLUICE_CONFIG: 'one.yaml' }
  expect(repository({ env })).toBe(join(cwd, 'a'))
  expect(repository({ env, file: 'two.yaml' })).toBe(join(cwd, 'b'))
  const flags = { 'model-repository': 'c' }
  expect(repository({ env: { SLUICE_CONFIG: '' }, flags })).toBe(join(cwd, 'c'))
})

test('loadConfig() has a default for every key but the repository, deeply frozen', () => {
  const { config, cwd } = loadedConfig(REPOSITORY, { cores: 2 })
  expect(config).toEqual({
    modelRepository: join(cwd, 'models'),
    defaultEndpoint: null,
    stateDir: join(cwd, '.sluice'),
    server: {
      host: '127.0.0.1',
      httpPort: 8000,
      http: 'uws',
      threads: 1,
      replicas: 1,
      drainSecondsMax: 20,
      docsPage: true,
    },
    control: { host: '127.0.0.1', port: 8002 },
    metrics: { listen: null },
    controlAbsenceMax: 60,
    limits: {
      bodyBytesMax: 67_108_864,
      bodyBytesInFlightMax: 268_435_456,
      jsonDepthMax: 100,
      headerBytesMax: 16_384,
      queueRowsMax: 10_000,
    },
    cors: { origins: [] },
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
  const { config, locate } = loadedConfig(`${REPOSITORY}server: {http_port: 1000, threads: 2}`, {
    env,
    flags: { 'http-port': '3000' },
  })
  expect(config.server).toMatchObject({ httpPort: 3000, threads: 3 })
  expect(locate(['model_repository'])).toEqual({ source: 'sluice.yaml', line: 1, column: 1 })
  expect(locate(['server', 'http_port']).source).toBe('--http-port')
  expect(locate(['server', 'threads']).source).toBe('SLUICE_SERVER__THREADS')
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

test.each([
  ['0.0.0.0:8003', { host: '0.0.0.0', port: 8003 }],
  ['localhost:0', { host: 'localhost', port: 0 }],
  ['metrics.internal:65535', { host: 'metrics.internal', port: 65_535 }],
  ['[::]:8003', { host: '::', port: 8003 }],
  ['[fe80::1%eth0]:8003', { host: 'fe80::1%eth0', port: 8003 }],
  ['null', null],
])('loadConfig() reads %s for metrics.listen from file, variable and flag', (text, listen) => {
  const file = text === 'null' ? text : `"${text}"`
  const before = `${REPOSITORY}metrics: {listen: "10.0.0.1:1"}`
  for (const { config } of [
    loadedConfig(`${REPOSITORY}metrics: {listen: ${file}}`),
    loadedConfig(before, { env: { SLUICE_METRICS__LISTEN: text } }),
    loadedConfig(before, { flags: { 'metrics-listen': text } }),
  ]) {
    expect(config.metrics.listen).toEqual(listen)
    expect(Object.isFrozen(config.metrics)).toBe(true)
  }
})

test('loadConfig() names every server that has the port of another', () => {
  const problems = (text: string) => configProblems(REPOSITORY + text).map(formatProblem)
  expect(problems('server: {http_port: 8003}\nmetrics: {listen: "0.0.0.0:8003"}')).toEqual([
    'sluice.yaml:3:11  metrics.listen: got 8003, which is server.http_port  (choose another port)',
  ])
  expect(problems('metrics: {listen: "0.0.0.0:8002"}')).toEqual([
    'sluice.yaml:2:11  metrics.listen: got 8002, which is control.port  (choose another port)',
  ])
  const ports = 'server: {http_port: 1}\ncontrol: {port: 1}\nmetrics: {listen: "[::]:1"}'
  expect(problems(ports)).toEqual([
    'sluice.yaml:3:11  control.port: got 1, which is server.http_port  (choose another port)',
    'sluice.yaml:4:11  metrics.listen: got 1, which is server.http_port  (choose another port)',
    'sluice.yaml:4:11  metrics.listen: got 1, which is control.port  (choose another port)',
  ])
  const local = 'server: {host: 10.0.0.5, http_port: 1}\ncontrol: {host: localhost, port: 1}'
  expect(problems(local)).toHaveLength(1)
  for (const apart of [
    'server: {http_port: 0}\ncontrol: {port: 0}\nmetrics: {listen: "[::1]:0"}',
    'metrics: {listen: "192.168.7.7:8002"}',
    'server: {host: 10.0.0.5, http_port: 8002}\nmetrics: {listen: "10.0.0.6:8002"}',
  ]) {
    expect(problems(apart)).toEqual([])
  }
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

test.each([
  ['SLUICE_HTTP__PORT', 'did you mean SLUICE_SERVER__HTTP_PORT?'],
  ['SLUICE_HTTP_PORT', 'did you mean SLUICE_SERVER__HTTP_PORT?'],
  ['SLUICE_SERVER_HTTP_PORT', 'did you mean SLUICE_SERVER__HTTP_PORT?'],
  ['SLUICE_HOST', 'did you mean SLUICE_SERVER__HOST or SLUICE_CONTROL__HOST?'],
  ['SLUICE_STATEDIR', 'did you mean SLUICE_STATE_DIR?'],
  ['SLUICE_MODEL_REPO', 'did you mean SLUICE_MODEL_REPOSITORY?'],
  ['SLUICE_LOG', 'a section is set key by key, such as SLUICE_LOG__LEVEL'],
  ['SLUICE_LIMITS', 'a section is set key by key, such as SLUICE_LIMITS__BODY_BYTES_MAX'],
  ['SLUICE_WHAT__EVER', 'see docs/reference/config.md for the keys'],
])('loadConfig() refuses the variable %s, which sets nothing', (name, hint) => {
  expect(configProblems(REPOSITORY, { env: { [name]: '1' } })).toMatchObject([
    { source: name, message: 'Unknown variable', hint },
  ])
})
