/** What recording adds to a request: the sequence number, and its record in the ring. */

import { GAP_REASON_COUNT } from '../../src/records/reasons.ts'
import { layoutOf, type RecordLayout } from '../../src/records/record-layout.ts'
import { RecordWriter } from '../../src/records/record-writer.ts'
import { redactorOf } from '../../src/records/redact/redactor.ts'
import { maskPatterns } from '../../src/records/redact/values.ts'
import { GapBook } from '../../src/records/ring/gap-book.ts'
import {
  drain,
  giveBack,
  mapRecordRing,
  recordRingBytes,
} from '../../src/records/ring/record-ring.ts'
import { makeWriteFacts, type WriteFacts } from '../../src/records/write-facts.ts'
import { writePlanOf } from '../../src/records/write-plan.ts'
import {
  type EndpointRecordPolicy,
  TEXT_PATTERNS,
  UNRECORDED,
} from '../../src/shared/record-policy.ts'
import type { Signature, Tensor } from '../../src/shared/tensor.ts'
import type { MicroCase } from '../measure/micro-case.ts'

const RING_BYTES = 4 * 1024 * 1024
/** The reader takes as many at a time. */
const DRAIN_EACH = 1024

/** 30 features and a score. */
export const FLOATS: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 30] }],
  outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 1] }],
}
const MIXED: Signature = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 27] },
    { name: 'n', datatype: 'INT64', shape: [-1, 1] },
    { name: 't', datatype: 'BYTES', shape: [-1, 2] },
  ],
  outputs: FLOATS.outputs,
}

/** The layout of a model of this signature that records everything, but for `more`. */
export const layoutFor = (
  signature: Signature,
  more: Partial<EndpointRecordPolicy>,
): RecordLayout => {
  const version = {
    ...{ version: 1, signature, manifest: null },
    batching: { rowsMax: 64, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 },
  }
  const endpoint = {
    ...{ name: 'm', model: 'm', revision: 1 },
    contract: { features: [], tensors: signature.inputs },
  }
  const layout = layoutOf(endpoint, 'v1', version, { ...UNRECORDED, isRecorded: true, ...more })
  return { id: 1, ...layout }
}

/** A run of several requests of one row each; the facts of one after the other are written. */
const BATCH = 16
const tensors = (signature: Signature): { inputs: Tensor[]; results: Tensor[] } => {
  const make = ({ datatype, shape }: Signature['inputs'][number]): Tensor => {
    const count = BATCH * shape[1]!
    const at = (i: number) => (i * 7919) % 1000
    const all = { datatype, shape: [BATCH, shape[1]!] }
    if (datatype === 'FP32')
      return { ...all, data: Float32Array.from({ length: count }, (_, i) => at(i) / 8) }
    if (datatype === 'INT64')
      return { ...all, data: BigInt64Array.from({ length: count }, (_, i) => BigInt(at(i))) }
    return { ...all, data: Array.from({ length: count }, (_, i) => `category-${at(i)}`) }
  }
  return { inputs: signature.inputs.map(make), results: signature.outputs.map(make) }
}

const writing = (
  signature: Signature,
  more: Partial<WriteFacts> = {},
  rate = 1,
): (() => number) => {
  const buffer = new SharedArrayBuffer(recordRingBytes(RING_BYTES))
  const [ring, reader] = [
    mapRecordRing(buffer, 0, RING_BYTES),
    mapRecordRing(buffer, 0, RING_BYTES),
  ]
  const writer = new RecordWriter({
    ...{ ring, gaps: new GapBook(new Float64Array(GAP_REASON_COUNT)) },
    ...{ producer: 'gw.1.0-7', recordBytesMax: 65_536 },
  })
  const plan = writePlanOf(layoutFor(signature, { rate }))
  const facts = Object.assign(makeWriteFacts(), { rows: 1, status: 200, bucket: 17, epoch: 3 })
  Object.assign(facts, tensors(signature), { wallOffsetMs: 1.7e12, latencyMs: 0.25 }, more)
  Object.assign(facts, { decodeMs: 0.01, queueMs: 0.05, computeMs: 0.1 })
  const take = () => true
  return () => {
    const sequence = writer.takeSequence()
    facts.sequence = sequence
    facts.startedMs = sequence / 8
    facts.rowStart = sequence & (BATCH - 1)
    const end = writer.write(plan, facts)
    if ((sequence & (DRAIN_EACH - 1)) === 0) {
      drain(reader, take)
      giveBack(reader)
    }
    return end
  }
}

const UUID = '550e8400-e29b-41d4-a716-446655440000'

export const records: readonly MicroCase[] = [
  { name: 'record: 30 floats, one float out', setup: () => writing(FLOATS) },
  {
    name: 'record: 30 floats, one float out, an id of 36 bytes and a trace',
    setup: () => writing(FLOATS, { requestId: UUID, traceIds: Uint32Array.of(1, 2, 3, 4, 5, 6) }),
  },
  { name: 'record: 27 floats, an integer, 2 texts of 12', setup: () => writing(MIXED) },
  { name: 'record: one of 100 kept', setup: () => writing(FLOATS, {}, 0.01) },
]

/** What the spool thread adds where a policy wants something done. */
const redacting = (
  policy: Partial<EndpointRecordPolicy>,
  signature: Signature = FLOATS,
): (() => number) => {
  const layout = layoutFor(signature, { ...policy, hmacKeyId: 'k' })
  const buffer = new SharedArrayBuffer(recordRingBytes(RING_BYTES))
  const ring = mapRecordRing(buffer, 0, RING_BYTES)
  const writer = new RecordWriter({
    ...{ ring, gaps: new GapBook(new Float64Array(GAP_REASON_COUNT)) },
    ...{ producer: 'gw.1.0-7', recordBytesMax: 65_536 },
  })
  const facts = Object.assign(makeWriteFacts(), tensors(signature), { rows: 1, requestId: UUID })
  facts.sequence = writer.takeSequence()
  writer.write(writePlanOf(layout), facts)
  const entries: Uint8Array[] = []
  drain(ring, (from, to) => entries.push(ring.bytes.slice(from, to)) > 0)
  const redactor = redactorOf(layout, 'a key')!
  return () => redactor.redact(entries[0]!).length
}

const NO_RULES = UNRECORDED.redact
const MASK = { kind: 'mask' } as const
const DROP = { kind: 'drop' } as const
const HMAC = { kind: 'hmac' } as const

export const redaction: readonly MicroCase[] = [
  { name: 'redact: patterns in an id of 36 bytes', setup: () => redacting({}) },
  {
    name: 'redact: an id masked',
    setup: () => redacting({ redact: { ...NO_RULES, requestId: MASK } }),
  },
  {
    name: 'redact: an id by HMAC',
    setup: () => redacting({ redact: { ...NO_RULES, requestId: HMAC } }),
  },
  {
    name: 'redact: an id, an integer and 2 texts by HMAC',
    setup: () =>
      redacting(
        { redact: { ...NO_RULES, features: { n: HMAC, t: HMAC }, requestId: HMAC } },
        MIXED,
      ),
  },
  {
    name: 'redact: one input of 30 floats dropped',
    setup: () => redacting({ redact: { ...NO_RULES, features: { x: DROP } } }),
  },
  {
    name: 'redact: patterns in a text of 64 KiB with one address',
    setup: () => {
      const text = `${'a'.repeat(65_536)} ann@example.org`
      return () => maskPatterns(text, TEXT_PATTERNS).length
    },
  },
]
