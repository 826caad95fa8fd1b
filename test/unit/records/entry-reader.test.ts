import { expect, test } from 'vitest'
import { EntryInvalid } from '../../../src/records/entry-cursor.ts'
import { decodeEntry, readGaps } from '../../../src/records/entry-reader.ts'
import { GAP_REASON } from '../../../src/records/reasons.ts'
import { writePlanOf } from '../../../src/records/write-plan.ts'
import { PROTOCOLS, type Protocol } from '../../../src/shared/counters.ts'
import type { EndpointRecordPolicy } from '../../../src/shared/record-policy.ts'
import { caseOf, type GivenRow } from '../../helpers/record-cases.ts'
import { recordLayout } from '../../helpers/record-layouts.ts'
import { PRODUCER, recordRig, setFacts } from '../../helpers/record-rig.ts'

const CASE = caseOf([], 0)
const MISSING: GivenRow = {
  ...{ note: '', age: null, isNew: true, color: 'red', height: 1, id: 2, count: 3 },
  ...{ scores: [0.25, 0.75], label: 'yes' },
}

const entries = (): [Uint8Array, Uint8Array] => {
  const rig = recordRig()
  setFacts(rig.facts, CASE)
  rig.facts.sequence = rig.writer.takeSequence()
  rig.writer.write(writePlanOf(CASE.layout), rig.facts)
  rig.writer.skip(rig.writer.takeSequence(), GAP_REASON.SAMPLED)
  rig.writer.flush()
  const [record, gap] = rig.take()
  return [record!, gap!]
}

test('records and gaps are told from each other', () => {
  const [record, gap] = entries()
  const layouts = new Map([[1, CASE.layout]])
  expect(decodeEntry(record, layouts, PRODUCER)).toMatchObject({ sequence: 1, rows: 0 })
  expect(readGaps(gap)).toEqual([{ from: 2, to: 2, reason: GAP_REASON.SAMPLED }])
  expect(() => decodeEntry(gap, layouts, PRODUCER)).toThrow(EntryInvalid)
  expect(() => readGaps(record)).toThrow(EntryInvalid)
})

test('a record whose layout is not known cannot be read', () => {
  expect(() => decodeEntry(entries()[0], new Map(), PRODUCER)).toThrow('layout 1')
})

test('a record that its policy wants redacted, and is not, is not shown', () => {
  const redact: EndpointRecordPolicy['redact'] = {
    ...{ features: { note: { kind: 'drop' } }, outputs: {}, requestId: null },
  }
  const layouts = new Map([[1, caseOf([], 0, { redact }).layout]])
  expect(() => decodeEntry(entries()[0], layouts, PRODUCER)).toThrow('has not been redacted')
})

test('NaN is a missing value where features came as JSON, and NaN where a tensor came', () => {
  const given = caseOf([MISSING], 0)
  const read = (protocol: Protocol) => {
    const rig = recordRig()
    setFacts(rig.facts, given)
    const sequence = rig.writer.takeSequence()
    Object.assign(rig.facts, { sequence, protocol: PROTOCOLS.indexOf(protocol) })
    rig.writer.write(writePlanOf(given.layout), rig.facts)
    const record = decodeEntry(rig.take()[0]!, new Map([[1, given.layout]]), PRODUCER)
    return record.instances[0]?.features['age']
  }
  expect([read('features'), read('grpc'), read('oip')]).toEqual([null, Number.NaN, Number.NaN])
})

test('a shape of many rows of nothing takes no memory', () => {
  const free = { name: 'x', datatype: 'FP32', shape: [-1, -1, -1] } as const
  const layout = recordLayout({ signature: { inputs: [free], outputs: [] } })
  const rig = recordRig()
  const inputs = [
    { datatype: 'FP32', shape: [1, 2 ** 31 - 1, 0], data: new Float32Array(0) },
  ] as const
  Object.assign(rig.facts, { rows: 1, inputs, sequence: rig.writer.takeSequence() })
  rig.writer.write(writePlanOf(layout), rig.facts)
  const record = decodeEntry(rig.take()[0]!, new Map([[1, layout]]), PRODUCER)
  expect(record.instances).toMatchObject([{ features: { x: [] } }])
})
