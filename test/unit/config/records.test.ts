import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatProblem } from '../../../src/config/problems.ts'
import { policyOf } from '../../../src/shared/record-policy.ts'
import { configProblems, loadedConfig, REPOSITORY } from '../../helpers/config.ts'

const recordsOf = (text: string) => loadedConfig(REPOSITORY + text).config.records
const problems = (text: string) => configProblems(REPOSITORY + text).map(formatProblem)

test('resolveRecords() writes everything down, in memory first, beside the file', () => {
  const { cwd, config } = loadedConfig(REPOSITORY)
  expect(config.records).toMatchObject({
    ...{ enabled: true, path: join(cwd, 'data/records'), durability: 'memory', whenFull: 'drop' },
    ...{ ringBytes: 4 * 1024 * 1024, recordBytesMax: 65_536, hmacKeyFile: null, hmacKeyId: null },
    spool: { bytesMax: 2 * 1024 ** 3, segmentBytes: 16 * 1024 ** 2, segmentSeconds: 60 },
    file: { flushSeconds: 10, flushRows: 200_000, retentionBytes: 10 * 1024 ** 3 },
  })
  expect(policyOf(config.records.policies, 'any')).toEqual({
    ...{ isRecorded: true, rate: 1, features: 'declared', patterns: ['email', 'phone'] },
    always: { roles: ['refused', 'failed', 'feedback'], codes: [], latencyMsMin: null },
    redact: { features: {}, outputs: {}, requestId: null },
    ...{ recordBytesMax: 65_536, hmacKeyId: null },
  })
})

test('resolveRecords() gives a named endpoint what holds for all, and its own above it', () => {
  const { policies } = recordsOf(`records:
  sampling: {rate: 0.5, always: {codes: [DEADLINE_EXPIRED], latency_ms_min: 100}}
  redact: {features: {age: {bucket: 10}, name: drop}, request_id: mask}
  redact_patterns: [email]
  endpoints:
    a: {sampling: {rate: 0.1, always: {roles: [failed], latency_ms_min: null}}}
    b: {features: [x, name], redact: {features: {name: mask}, outputs: {"*": drop}}}
    c: {enabled: false, redact_patterns: []}
`)
  const { base } = policies
  expect(policyOf(policies, 'other')).toBe(base)
  expect(policyOf(policies, 'a')).toEqual({
    ...base,
    rate: 0.1,
    always: { roles: ['failed'], codes: ['DEADLINE_EXPIRED'], latencyMsMin: null },
  })
  const features = { age: { kind: 'bucket', width: 10 }, name: { kind: 'mask' } }
  expect(policyOf(policies, 'b')).toEqual({
    ...base,
    features: ['x', 'name'],
    redact: { features, outputs: { '*': { kind: 'drop' } }, requestId: { kind: 'mask' } },
  })
  expect(policyOf(policies, 'c')).toEqual({ ...base, isRecorded: false, patterns: [] })
  expect(policyOf(policies, 'toString')).toBe(base)
})

test('resolveRecords() gives an endpoint its own largest record, and replicas the largest of all', () => {
  const text = 'records: {record_bytes_max: 2048, endpoints: {a: {record_bytes_max: 4096}, b: {}}}'
  const { recordBytesMax, policies } = recordsOf(text)
  expect(recordBytesMax).toBe(4096)
  const sizes = ['a', 'b', 'c'].map((name) => policyOf(policies, name).recordBytesMax)
  expect(sizes).toEqual([4096, 2048, 2048])
})

test('resolveRecords() records no endpoint where records are off', () => {
  const { policies } = recordsOf('records: {enabled: false, endpoints: {a: {enabled: true}}}')
  expect(policyOf(policies, 'a').isRecorded).toBe(false)
})

test.each([
  ['records: {durability: disk}', 'got "disk"; wanted `memory`, `process` or `power`'],
  ['records: {sampling: {rate: 2}}', 'records.sampling.rate: got 2; wanted number 0 to 1'],
  ['records: {redact: {features: {a: hash}}}', 'records.redact.features.a: '],
  ['records: {redact: {features: {a: {bucket: 0}}}}', 'records.redact.features.a'],
  ['records: {redact: {request_id: {bucket: 1}}}', 'records.redact.request_id: got a map'],
  ['records: {sampling: {always: {codes: [NONE]}}}', 'wanted a code of docs/reference/errors.md'],
  ['records: {sampling: {always: {roles: [failed, failed]}}}', 'names a role twice'],
  ['records: {features: [a, a]}', 'names a feature twice'],
  ['records: {features: all}', 'wanted `declared` or `none` or list of non-empty string'],
  ['records: {endpoints: {a: {sampling: {share: 1}}}}', "Unknown key 'share'"],
])('the schema refuses %s', (text, message) => {
  expect(problems(text)).toEqual([expect.stringContaining(message)])
})
