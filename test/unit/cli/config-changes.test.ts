import { expect, test } from 'vitest'
import { restartKeys, restartNote } from '../../../src/cli/config-changes.ts'
import { leavesOf, toJsonSchema } from '../../../src/config/schema-text.ts'
import { sluiceSchema } from '../../../src/config/schemas/sluice.ts'
import { loadedConfig, REPOSITORY } from '../../helpers/config.ts'

const configOf = (text: string) => loadedConfig(text, { cores: 1 }).config

/** Another value of every key, as sluice.yaml has it. */
const OTHERS: Readonly<Record<string, string>> = {
  model_repository: 'other',
  default_endpoint: 'other',
  state_dir: 'other',
  model_control_mode: 'poll',
  model_poll_seconds: '7',
  load_models: '[a]',
  load_retries_max: '7',
  load_retry_seconds: '7',
  control_absence_max: '7',
  'server.host': '127.0.0.2',
  'server.http_port': '7001',
  'server.grpc_port': '7004',
  'server.http': 'node',
  'server.threads': '7',
  'server.compute_threads': '7',
  'server.replicas': '7',
  'server.drain_seconds_max': '7',
  'server.docs_page': 'false',
  'control.host': 'localhost',
  'control.port': '7002',
  'metrics.listen': '127.0.0.1:7003',
  'grpc.streams_max': '7',
  'grpc.connection_idle_seconds': '7',
  'grpc.connection_age_seconds': '7',
  'grpc.connection_grace_seconds': '7',
  'grpc.keepalive_seconds': '7',
  'grpc.keepalive_timeout_seconds': '7',
  'limits.body_bytes_max': '2048',
  'limits.body_bytes_in_flight_max': '999999999',
  'limits.json_depth_max': '7',
  'limits.header_bytes_max': '2048',
  'limits.connections_max': '7',
  'limits.queue_rows_max': '7',
  'limits.queue_work_ms_max': '7',
  'limits.timeout_ms_default': '7',
  'limits.timeout_ms_max': '7',
  'access.keys': `[{name: a, sha256: ${'a'.repeat(64)}, endpoints: ["*"]}]`,
  'tls.min_version': 'TLSv1.3',
  'cors.origins': '["https://a.b"]',
  'proving.timeout_seconds': '7',
  'proving.memory_bytes_max': '99999999',
  'proving.rows_max': '7',
  'placement.session_bytes_max': '99999999',
  'records.enabled': 'false',
  'records.path': 'other',
  'records.durability': 'power',
  'records.when_full': 'wait',
  'records.ring_bytes': '1048576',
  'records.record_bytes_max': '2048',
  'records.sampling.rate': '0.5',
  'records.sampling.always.roles': '[]',
  'records.sampling.always.codes': '[INTERNAL]',
  'records.sampling.always.latency_ms_min': '7',
  'records.features': 'none',
  'records.redact.features': '{a: drop}',
  'records.redact.outputs': '{a: drop}',
  'records.redact.request_id': 'drop',
  'records.redact_patterns': '[]',
  'records.endpoints': '{a: {enabled: false}}',
  'records.spool.bytes_max': '99999999',
  'records.spool.segment_bytes': '1048577',
  'records.spool.segment_seconds': '7',
  'records.file.flush_seconds': '7',
  'records.file.flush_rows': '7000',
  'records.file.retention_bytes': '7',
  'records.file.retention_days': '7',
  'recycle.unloads_max': '7',
  'recycle.memory_bytes_max': '99999999',
  'recycle.pause_seconds': '7',
  'watchdog.report_seconds': '7',
  'watchdog.idle_seconds_max': '7',
  'watchdog.execution_timeout_seconds': '7',
  'watchdog.load_seconds_max': '7',
  'log.level': 'warn',
}

const leaves = leavesOf(toJsonSchema(sluiceSchema))
  .map(({ path, schema }) => ({ key: path.join('.'), change: schema.change }))
  // Those that name files have tests of their own.
  .filter(({ key }) => !key.endsWith('_file'))

const yamlOf = (key: string): string => {
  const names = key.split('.')
  const lines = names.map((name, depth) => `${'  '.repeat(depth)}${name}:`)
  const text = `${lines.join('\n')} ${OTHERS[key]}\n`
  return key === 'model_repository' ? text : REPOSITORY + text
}

test.each(leaves)('restartKeys() knows that $key needs: $change', ({ key, change }) => {
  const base = configOf(REPOSITORY)
  const { cwd, config } = loadedConfig(yamlOf(key), { cores: 1 })
  // Each config is written into a folder of its own, which relative paths start from.
  const folder = loadedConfig(REPOSITORY, { cores: 1 }).cwd
  const moved = JSON.parse(JSON.stringify(config).replaceAll(cwd, folder))
  const at = { ...base, modelRepository: `${folder}/models`, stateDir: `${folder}/.sluice` }
  const records = { ...base.records, path: `${folder}/data/records` }
  expect(restartKeys({ ...at, records }, moved)).toEqual(change === 'restart' ? [key] : [])
})

test('restartKeys() finds nothing in the same config', () => {
  const config = configOf(REPOSITORY)
  expect(restartKeys(config, structuredClone(config))).toEqual([])
})

test('restartKeys() sees that the same file holds another key of HMAC', () => {
  const config = configOf(REPOSITORY)
  const records = { ...config.records, hmacKeyId: '01234567' }
  expect(restartKeys(config, { ...config, records })).toEqual(['records.hmac_key_file'])
})

test('restartKeys() names records that may be larger than any was at the start', () => {
  const read = (text: string) => configOf(`${REPOSITORY}records: ${text}\n`)
  const running = read('{record_bytes_max: 4096, endpoints: {a: {record_bytes_max: 8192}}}')
  const keys = (text: string) =>
    restartKeys({ ...read(text), records: running.records }, read(text)).filter((key) =>
      key.endsWith('record_bytes_max'),
    )
  expect(keys('{record_bytes_max: 8192}')).toEqual([])
  expect(keys('{endpoints: {b: {record_bytes_max: 8192}}}')).toEqual(['records.record_bytes_max'])
  expect(keys('{record_bytes_max: 9000}')).toEqual(['records.record_bytes_max'])
  expect(
    keys('{record_bytes_max: 4096, endpoints: {a: {record_bytes_max: 9000}, b: {enabled: false}}}'),
  ).toEqual(['records.endpoints.a.record_bytes_max'])
  expect(restartNote('records.record_bytes_max', running)).toBe(
    'records.record_bytes_max has changed, which needs a restart beyond 8192',
  )
})

test('restartNote() says what is not kept until there is a key', () => {
  const config = configOf(REPOSITORY)
  const told = 'records.hmac_key_file has changed, which needs a restart'
  const none = `${told}: until then what is to be kept as \`hmac\` is not kept`
  expect(restartNote('records.hmac_key_file', config)).toBe(none)
  const records = { ...config.records, hmacKeyId: '01234567' }
  expect(restartNote('records.hmac_key_file', { ...config, records })).toBe(told)
})
