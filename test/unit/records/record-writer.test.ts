import { expect, test } from 'vitest'
import { ENTRY_KIND, KIND_AT, LENGTH_AT, UNIT_BYTES } from '../../../src/records/entry.ts'
import { GAP_REASON } from '../../../src/records/reasons.ts'
import {
  claim,
  publish,
  RING_DOUBLE,
  RING_WORD,
  SPOOL_STATE,
  writtenEnd,
} from '../../../src/records/ring/record-ring.ts'
import { ROLE } from '../../../src/records/write-facts.ts'
import { type WritePlan, writePlanOf } from '../../../src/records/write-plan.ts'
import { caseOf, type GivenRow, type RecordCase } from '../../helpers/record-cases.ts'
import { endpointLayout } from '../../helpers/record-layouts.ts'
import { PRODUCER, type RecordRig, readAll, recordRig, setFacts } from '../../helpers/record-rig.ts'

const ROW: GivenRow = {
  ...{ note: 'late again', age: null, isNew: true, color: 'mauve', height: 1.5, id: 2, count: 3 },
  ...{ scores: [0.25, 0.75], label: 'yes' },
}
const CASE = caseOf([ROW], 2)
const PLAN = writePlanOf(CASE.layout)

const write = (rig: RecordRig, plan: WritePlan = PLAN, given: RecordCase = CASE): number => {
  setFacts(rig.facts, given)
  rig.facts.sequence = rig.writer.takeSequence()
  return rig.writer.write(plan, rig.facts)
}

const read = (rig: RecordRig, layout = CASE.layout) => readAll(rig.take(), [layout])

test('a record is in the ring when write() returns its end, and its sequence is settled', () => {
  const rig = recordRig()
  expect(write(rig)).toBe(writtenEnd(rig.ring))
  expect(write(rig)).toBe(writtenEnd(rig.ring))
  rig.writer.flush()
  const { headDoubles } = rig.ring
  expect([headDoubles[RING_DOUBLE.TAKEN], headDoubles[RING_DOUBLE.FLOOR]]).toEqual([2, 3])
  expect(read(rig)).toMatchObject({ records: [{ sequence: 1 }, { sequence: 2 }], gaps: [] })
})

test('a sequence is settled once: what comes after is neither written nor counted', () => {
  const rig = recordRig()
  write(rig)
  expect(rig.writer.write(PLAN, rig.facts)).toBe(-1)
  rig.writer.skip(1, GAP_REASON.SAMPLED)
  rig.facts.sequence = 99
  expect(rig.writer.write(PLAN, rig.facts)).toBe(-1)
  rig.writer.skip(rig.writer.takeSequence(), GAP_REASON.SAMPLED)
  expect(rig.writer.write(PLAN, { ...rig.facts, sequence: 2 })).toBe(-1)
  rig.writer.flush()
  expect(read(rig)).toMatchObject({
    records: [{ sequence: 1 }],
    gaps: [{ from: 2, to: 2, reason: GAP_REASON.SAMPLED }],
  })
  expect(rig.counts[GAP_REASON.SAMPLED]).toBe(1)
})

test('a shadow is written beside its answer, and settles nothing', () => {
  const rig = recordRig()
  write(rig)
  rig.facts.role = ROLE.shadow
  expect(rig.writer.write(PLAN, rig.facts)).toBeGreaterThan(0)
  rig.facts.sequence = rig.writer.takeSequence()
  rig.writer.write({ ...PLAN, isRecorded: false }, rig.facts)
  rig.writer.write(PLAN, rig.facts)
  rig.writer.flush()
  expect(rig.ring.headDoubles[RING_DOUBLE.FLOOR]).toBe(2)
  const { records } = read(rig)
  expect(records.map(({ sequence, role }) => [sequence, role])).toEqual([
    [1, 'answer'],
    [1, 'shadow'],
    [2, 'shadow'],
  ])
})

test('an endpoint that is not recorded is counted as such', () => {
  const rig = recordRig()
  expect(write(rig, { ...PLAN, isRecorded: false })).toBe(-1)
  expect(rig.counts[GAP_REASON.DISABLED]).toBe(1)
})

test('features of which too many were unseen are left out, and the outputs kept', () => {
  const rig = recordRig()
  const extras = { rows: [], features: [], texts: [], isCut: true }
  expect(write(rig, PLAN, { ...CASE, extras })).toBeGreaterThan(0)
  expect(write(rig, { ...PLAN, inputs: null }, { ...CASE, extras })).toBeGreaterThan(0)
  const { records } = read(rig)
  expect(records.map(({ featuresOmitted }) => featuresOmitted)).toEqual(['too_large', 'policy'])
  expect(records[0]?.instances).toEqual([{ ...CASE.instances[0], features: {} }])
})

test('a record that is too large keeps neither features nor outputs', () => {
  const rig = recordRig()
  rig.facts.requestId = 'r-1'
  expect(write(rig, { ...PLAN, bytesMax: 200 })).toBeGreaterThan(0)
  expect(read(rig).records).toMatchObject([
    { requestId: 'r-1', rows: 1, featuresOmitted: 'too_large', instances: [] },
  ])
})

test('a record with an id that is too large is a gap', () => {
  const rig = recordRig()
  rig.facts.requestId = 'r'.repeat(300)
  expect(write(rig, { ...PLAN, bytesMax: 200 })).toBe(-1)
  expect(rig.counts[GAP_REASON.TOO_LARGE]).toBe(1)
})

test('a text that is Latin-1 counts as one byte a character where it must be known', () => {
  const rig = recordRig()
  const text = 'n'.repeat(1000)
  const given = caseOf([{ ...ROW, note: text }], 0)
  expect(write(rig, { ...PLAN, bytesMax: 1500 }, given)).toBeGreaterThan(0)
  expect(read(rig).records[0]?.instances[0]?.features['note']).toBe(text)
})

test('a text that cannot fit is not read: 10 MB of it take no time', () => {
  const rig = recordRig()
  const read = { characters: 0 }
  const text = {
    length: 1e7,
    charCodeAt: () => ++read.characters,
  } as unknown as string
  const inputs = [
    CASE.inputs[0]!,
    CASE.inputs[1]!,
    { ...CASE.inputs[2]!, data: Array(4).fill(text) },
  ]
  expect(write(rig, PLAN, { ...CASE, inputs })).toBeGreaterThan(0)
  rig.facts.requestId = text
  expect(write(rig, PLAN, { ...CASE, inputs })).toBe(-1)
  expect(rig.counts[GAP_REASON.TOO_LARGE]).toBe(1)
  expect(read.characters).toBe(0)
})

test('no record is larger than a quarter of its ring', () => {
  const ringBytes = 64 * 1024
  const rig = recordRig({ ringBytes, recordBytesMax: 1e6 })
  const given = caseOf([{ ...ROW, note: 'n'.repeat(20_000) }], 0)
  write(rig, { ...PLAN, bytesMax: 1e6 }, given)
  expect(read(rig).records).toMatchObject([{ featuresOmitted: 'too_large' }])
})

test('the policy of its endpoint keeps features out of a record', () => {
  const rig = recordRig()
  const given = caseOf([ROW], 0, { features: 'none' })
  write(rig, writePlanOf(given.layout), given)
  const [entry] = rig.take()
  expect(Buffer.from(entry!).includes('late again')).toBe(false)
  const plain = { ...given.layout, policy: CASE.layout.policy }
  expect(readAll([entry!], [plain]).records).toMatchObject([
    { featuresOmitted: 'policy', instances: [{ features: {}, score: 0.75, prediction: 'yes' }] },
  ])
})

test('a full ring is counted to the reason that the spool has for it', () => {
  const rig = recordRig({ ringBytes: 64 * 1024 })
  while (write(rig) > 0);
  const { RING_FULL, SPOOL_FULL, DISK_FULL, IO_ERROR } = GAP_REASON
  expect(rig.counts[RING_FULL]).toBe(1)
  for (const state of [SPOOL_STATE.FULL, SPOOL_STATE.DISK_FULL, SPOOL_STATE.IO_ERROR]) {
    rig.ring.head[RING_WORD.SPOOL_STATE] = state
    expect(write(rig)).toBe(-1)
  }
  expect([SPOOL_FULL, DISK_FULL, IO_ERROR].map((reason) => rig.counts[reason])).toEqual([1, 1, 1])
  const taken = rig.ring.headDoubles[RING_DOUBLE.TAKEN]!
  rig.take()
  expect(write(rig)).toBeGreaterThan(0)
  rig.writer.flush()
  expect(read(rig).gaps.map(({ from, reason }) => [from - taken, reason])).toEqual([
    [-3, RING_FULL],
    [-2, SPOOL_FULL],
    [-1, DISK_FULL],
    [0, IO_ERROR],
  ])
})

test('gaps are told after every 4,096 sequence numbers without a beat', () => {
  const rig = recordRig()
  for (let i = 0; i < 4096; i++) rig.writer.skip(rig.writer.takeSequence(), GAP_REASON.SAMPLED)
  expect(read(rig).gaps).toEqual([{ from: 1, to: 4095, reason: GAP_REASON.SAMPLED }])
  expect(rig.ring.headDoubles[RING_DOUBLE.FLOOR]).toBe(4096)
})

test('close() says of what is open that nobody settled it, and whether all is said', () => {
  const rig = recordRig({ ringBytes: 64 * 1024 })
  while (write(rig) > 0);
  rig.writer.takeSequence()
  const { ring } = rig
  for (let unit = claim(ring, 1); unit >= 0; unit = claim(ring, 1)) {
    ring.words[unit * 2 + LENGTH_AT] = UNIT_BYTES
    ring.words[unit * 2 + KIND_AT] = ENTRY_KIND.FILLER
    publish(ring, 1)
  }
  expect(rig.writer.close()).toBe(false)
  rig.take()
  expect(rig.writer.close()).toBe(true)
  const { gaps } = read(rig)
  expect(gaps.map(({ reason }) => reason)).toEqual([GAP_REASON.RING_FULL, GAP_REASON.UNACCOUNTED])
  expect(rig.counts[GAP_REASON.UNACCOUNTED]).toBe(1)
})

test('feedback has no tensors; its text is kept whole, whatever records of its endpoint may have', () => {
  const layout = endpointLayout({ rate: 0 })
  const ringBytes = 256 * 1024
  const rig = recordRig({ ringBytes, recordBytesMax: 160 })
  const feedback = {
    ...{ ofPredictionId: `${PRODUCER}-1`, ofRequestId: null, row: -1 },
    ...{ label: [1, 'a', null, true], observedAtMs: 5 },
  }
  Object.assign(rig.facts, { role: ROLE.feedback, text: JSON.stringify(feedback) })
  rig.facts.sequence = rig.writer.takeSequence()
  expect(rig.writer.write(writePlanOf(layout), rig.facts)).toBeGreaterThan(0)
  expect(read(rig, layout).records).toMatchObject([
    { role: 'feedback', feedback, inclusionProbability: 1, version: 0, instances: [] },
  ])
  const plan = { ...writePlanOf(layout), bytesMax: 160 }
  const writeText = (label: string): number => {
    rig.facts.text = JSON.stringify({ ...feedback, label })
    rig.facts.sequence = rig.writer.takeSequence()
    return rig.writer.write(plan, rig.facts)
  }
  // As much as /feedback lets pass, in a ring that is as small as it may be.
  const largest = 'ж'.repeat(29_000)
  expect(writeText(largest)).toBeGreaterThan(0)
  expect(read(rig, layout).records).toMatchObject([{ feedback: { label: largest } }])
  expect(writeText('ж'.repeat(40_000))).toBe(-1)
  expect(rig.counts[GAP_REASON.TOO_LARGE]).toBe(1)
})

test('tensors that are not those of the layout are left out', () => {
  for (const inputs of [[], CASE.inputs.slice(1), [{ ...CASE.inputs[0]!, shape: [1, 4] }]]) {
    const rig = recordRig()
    write(rig, PLAN, { ...CASE, inputs })
    expect(read(rig).records).toMatchObject([{ instances: [{ features: {}, score: 0.75 }] }])
  }
})

test('room that was promised is there, whatever else is written meanwhile', () => {
  const rig = recordRig({ ringBytes: 64 * 1024, recordBytesMax: 8192, promises: true })
  const bytes = 1024
  const promised: number[] = []
  for (;;) {
    const units = rig.writer.promise(PLAN, bytes)
    if (units === 0) break
    promised.push(units)
  }
  expect(promised.length).toBeGreaterThan(40)
  expect(rig.writer.hasRoom(PLAN, bytes)).toBe(false)
  // Without a promise there is none for others, but for what they are not.
  expect(write(rig)).toBe(-1)
  expect(rig.counts[GAP_REASON.RING_FULL]).toBe(1)
  rig.writer.flush()
  for (const units of promised) {
    setFacts(rig.facts, CASE)
    rig.facts.sequence = rig.writer.takeSequence()
    expect(rig.writer.write(PLAN, rig.facts, units)).toBeGreaterThanOrEqual(0)
  }
  expect(rig.writer.promisedUnits).toBe(0)
  expect(read(rig).records).toHaveLength(promised.length)
})

test('a promise that was too small is enough for the record without its features', () => {
  const rig = recordRig({ ringBytes: 64 * 1024, recordBytesMax: 16_384, promises: true })
  const units = rig.writer.promise(PLAN, 160)
  for (const bytes of [160, 8]) while (rig.writer.promise(PLAN, bytes) > 0);
  setFacts(rig.facts, CASE)
  rig.facts.sequence = rig.writer.takeSequence()
  expect(rig.writer.write(PLAN, rig.facts, units)).toBeGreaterThanOrEqual(0)
  expect(read(rig).records).toMatchObject([{ featuresOmitted: 'too_large' }])
})

test('records without a promise leave half of the ring to the others', () => {
  const rig = recordRig({ ringBytes: 64 * 1024, recordBytesMax: 8192, promises: true })
  while (write(rig) >= 0);
  const used = rig.ring.written * UNIT_BYTES
  expect(used).toBeGreaterThan(30 * 1024)
  expect(used).toBeLessThanOrEqual(32 * 1024)
  expect(rig.writer.hasRoom(PLAN, 1024)).toBe(true)
})
