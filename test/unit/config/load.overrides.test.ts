/** Variables and flags on top of the file. */

import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type LoadOptions, loadConfig } from '../../../src/config/load.ts'
import { formatProblem } from '../../../src/config/problems.ts'
import { configProblems, loadedConfig, REPOSITORY } from '../../helpers/config.ts'
import { makeTree } from '../../helpers/tree.ts'

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
    flags: { 'http-port': '70000', 'grpc-port': 'off' },
  })
  expect(problems.map(formatProblem).sort()).toEqual([
    '--grpc-port  server.grpc_port: got "off"; wanted integer 0 to 65535 or null',
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
