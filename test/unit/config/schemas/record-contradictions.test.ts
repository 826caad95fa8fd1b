import { expect, test } from 'vitest'
import { formatProblem } from '../../../../src/config/problems.ts'
import { configProblems, REPOSITORY } from '../../../helpers/config.ts'

const problems = (text: string) =>
  configProblems(`${REPOSITORY}records: ${text}`).map(formatProblem)

test('recordContradictions() wants room for several records and segments', () => {
  expect(problems('{ring_bytes: 524288, record_bytes_max: 65536}')).toEqual([])
  expect(problems('{ring_bytes: 524287, record_bytes_max: 65536}')).toEqual([
    'sluice.yaml:2:31  records.record_bytes_max: got 65536; wanted at most an eighth of records.ring_bytes, 524287  (a ring holds several records)',
  ])
  const own = '{ring_bytes: 524288, endpoints: {a: {record_bytes_max: 65537}}}'
  expect(problems(own)).toEqual([
    expect.stringContaining('records.endpoints.a.record_bytes_max: got 65537; wanted at most'),
  ])
  expect(problems('{spool: {bytes_max: 33554432, segment_bytes: 8388608}}')).toEqual([])
  expect(problems('{spool: {bytes_max: 33554432, segment_bytes: 8388609}}')).toEqual([
    'sluice.yaml:2:40  records.spool.segment_bytes: got 8388609; wanted at most a quarter of records.spool.bytes_max, 33554432  (a spool is freed segment by segment)',
  ])
})

test('recordContradictions() wants a key wherever something is to be hashed with one', () => {
  const rules = `{redact: {features: {a: hmac, b: drop}, outputs: {o: hmac}, request_id: hmac},
  endpoints: {e: {redact: {features: {c: hmac}}}, f: {redact: {request_id: drop}}}}`
  expect(problems(rules).map((problem) => problem.split('  ')[1])).toEqual([
    'records.redact.features.a: wants hmac, and records.hmac_key_file is null',
    'records.redact.outputs.o: wants hmac, and records.hmac_key_file is null',
    'records.redact.request_id: wants hmac, and records.hmac_key_file is null',
    'records.endpoints.e.redact.features.c: wants hmac, and records.hmac_key_file is null',
  ])
})
