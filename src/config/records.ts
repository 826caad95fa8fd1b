/** Section `records` of sluice.yaml as plain data: one whole policy for every endpoint named. */

import { resolve } from 'node:path'
import type { EndpointRecordPolicy, RecordPolicies, Redaction } from '../shared/record-policy.ts'
import type { SluiceConfig } from './config.ts'
import type { RedactionYaml } from './schemas/redaction.ts'
import type { EndpointRecordsYaml } from './schemas/sections/records.ts'
import type { SluiceYaml } from './schemas/sluice.ts'

type RecordsYaml = SluiceYaml['records']

const redactionOf = (rule: RedactionYaml): Redaction =>
  typeof rule === 'string' ? { kind: rule } : { kind: 'bucket', width: rule.bucket }

const rulesOf = (rules: Readonly<Record<string, RedactionYaml>> = {}) =>
  Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, redactionOf(rule)]))

const basePolicy = (yaml: RecordsYaml): EndpointRecordPolicy => ({
  isRecorded: yaml.enabled,
  rate: yaml.sampling.rate,
  always: {
    roles: yaml.sampling.always.roles,
    codes: yaml.sampling.always.codes,
    latencyMsMin: yaml.sampling.always.latency_ms_min,
  },
  features: yaml.features,
  redact: {
    features: rulesOf(yaml.redact.features),
    outputs: rulesOf(yaml.redact.outputs),
    requestId: yaml.redact.request_id === null ? null : redactionOf(yaml.redact.request_id),
  },
  patterns: yaml.redact_patterns,
  recordBytesMax: yaml.record_bytes_max,
  hmacKeyId: null,
})

/** Rules of redaction add up; an endpoint's own takes the place of one for all of that name. */
const redactOf = (
  { redact }: EndpointRecordPolicy,
  { features, outputs, request_id: requestId }: NonNullable<EndpointRecordsYaml['redact']> = {},
): EndpointRecordPolicy['redact'] => ({
  features: { ...redact.features, ...rulesOf(features) },
  outputs: { ...redact.outputs, ...rulesOf(outputs) },
  requestId:
    requestId === undefined || requestId === null ? redact.requestId : redactionOf(requestId),
})

const endpointPolicy = (
  base: EndpointRecordPolicy,
  own: EndpointRecordsYaml,
): EndpointRecordPolicy => {
  const { enabled, sampling, features, redact, redact_patterns: patterns } = own
  const { rate = base.rate, always } = sampling ?? {}
  const latencyMsMin = always?.latency_ms_min
  return {
    ...base,
    isRecorded: base.isRecorded && (enabled ?? true),
    rate,
    always: {
      roles: always?.roles ?? base.always.roles,
      codes: always?.codes ?? base.always.codes,
      latencyMsMin: latencyMsMin === undefined ? base.always.latencyMsMin : latencyMsMin,
    },
    features: features ?? base.features,
    redact: redactOf(base, redact),
    patterns: patterns ?? base.patterns,
    recordBytesMax: own.record_bytes_max ?? base.recordBytesMax,
  }
}

const policiesOf = (yaml: RecordsYaml): RecordPolicies => {
  const base = basePolicy(yaml)
  const byEndpoint = Object.fromEntries(
    Object.entries(yaml.endpoints).map(([name, own]) => [name, endpointPolicy(base, own)]),
  )
  return { base, byEndpoint }
}

const largestRecord = ({ record_bytes_max: ofAll, endpoints }: RecordsYaml): number =>
  Math.max(ofAll, ...Object.values(endpoints).map((own) => own.record_bytes_max ?? 0))

export interface RecordSurroundings {
  readonly recordsBase: string
  readonly hmacKeyBase: string
  /** Names the key in `hmac_key_file`. */
  readonly hmacKeyId: string | null
}

export const resolveRecords = (
  yaml: RecordsYaml,
  { recordsBase, hmacKeyBase, hmacKeyId }: RecordSurroundings,
): SluiceConfig['records'] => ({
  enabled: yaml.enabled,
  path: resolve(recordsBase, yaml.path),
  durability: yaml.durability,
  whenFull: yaml.when_full,
  ringBytes: yaml.ring_bytes,
  recordBytesMax: largestRecord(yaml),
  hmacKeyFile: yaml.hmac_key_file === null ? null : resolve(hmacKeyBase, yaml.hmac_key_file),
  hmacKeyId,
  spool: {
    bytesMax: yaml.spool.bytes_max,
    segmentBytes: yaml.spool.segment_bytes,
    segmentSeconds: yaml.spool.segment_seconds,
  },
  file: {
    flushSeconds: yaml.file.flush_seconds,
    flushRows: yaml.file.flush_rows,
    retentionBytes: yaml.file.retention_bytes,
    retentionDays: yaml.file.retention_days,
  },
  policies: policiesOf(yaml),
})
