/** Sound values of `records` that contradict each other. */

import type { Contradiction } from './contradictions.ts'
import type { RedactionYaml } from './redaction.ts'
import type { SluiceYaml } from './sluice.ts'

const RING_PATH = ['records', 'ring_bytes']
const SIZE_KEY = 'record_bytes_max'
const BYTES_PATH = ['records', 'spool', 'bytes_max']
const SEGMENT_PATH = ['records', 'spool', 'segment_bytes']
const KEY_PATH = ['records', 'hmac_key_file']

/** Largest records that a ring has room for at once. */
const RECORDS_IN_RING_MIN = 8
/** Segments that a spool has room for at once. */
const SEGMENTS_IN_SPOOL_MIN = 4

interface Redact {
  readonly features?: Readonly<Record<string, RedactionYaml>> | undefined
  readonly outputs?: Readonly<Record<string, RedactionYaml>> | undefined
  readonly request_id?: RedactionYaml | null | undefined
}

/** Keys of rules of a section `redact` that want the key of HMAC. */
const hmacPaths = (path: readonly string[], redact: Redact = {}): string[][] => {
  const rules = (part: 'features' | 'outputs') =>
    Object.entries(redact[part] ?? {})
      .filter(([, rule]) => rule === 'hmac')
      .map(([name]) => [...path, part, name])
  const ofId = redact.request_id === 'hmac' ? [[...path, 'request_id']] : []
  return [...rules('features'), ...rules('outputs'), ...ofId]
}

const keyContradictions = ({ records }: SluiceYaml): Contradiction[] => {
  if (records.hmac_key_file !== null) return []
  const ofEndpoints = Object.entries(records.endpoints).flatMap(([name, { redact }]) =>
    hmacPaths(['records', 'endpoints', name, 'redact'], redact),
  )
  return [...hmacPaths(['records', 'redact'], records.redact), ...ofEndpoints].map((path) => ({
    path,
    involves: [path, KEY_PATH],
    message: 'wants hmac, and records.hmac_key_file is null',
    hint: 'make a key with `openssl rand -hex 32`',
  }))
}

const sizeContradictions = ({ records }: SluiceYaml): Contradiction[] => {
  const { ring_bytes: ring, record_bytes_max: ofAll, endpoints } = records
  const sizes = [
    { path: ['records', SIZE_KEY], bytes: ofAll },
    ...Object.entries(endpoints).map(([name, own]) => ({
      path: ['records', 'endpoints', name, SIZE_KEY],
      bytes: own.record_bytes_max ?? 0,
    })),
  ]
  return sizes
    .filter(({ bytes }) => bytes > ring / RECORDS_IN_RING_MIN)
    .map(({ path, bytes }) => ({
      path,
      involves: [path, RING_PATH],
      message: `got ${bytes}; wanted at most an eighth of records.ring_bytes, ${ring}`,
      hint: 'a ring holds several records',
    }))
}

export const recordContradictions = (yaml: SluiceYaml): Contradiction[] => {
  const { spool } = yaml.records
  const found = [...keyContradictions(yaml), ...sizeContradictions(yaml)]
  if (spool.segment_bytes > spool.bytes_max / SEGMENTS_IN_SPOOL_MIN) {
    found.push({
      path: SEGMENT_PATH,
      involves: [SEGMENT_PATH, BYTES_PATH],
      message: `got ${spool.segment_bytes}; wanted at most a quarter of records.spool.bytes_max, ${spool.bytes_max}`,
      hint: 'a spool is freed segment by segment',
    })
  }
  return found
}
