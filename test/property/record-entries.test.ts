/**
 * Entries of records: what is written is read back alike, and what was damaged is refused, never
 * read past its end.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHECK_AT, ENTRY_HEADER_BYTES, entryCheck, LENGTH_AT } from '../../src/records/entry.ts'
import { EntryInvalid } from '../../src/records/entry-cursor.ts'
import { decodeEntry } from '../../src/records/entry-reader.ts'
import { ROLE } from '../../src/records/write-facts.ts'
import { writePlanOf } from '../../src/records/write-plan.ts'
import { RECORD_ROLES } from '../../src/shared/record-policy.ts'
import {
  anyText,
  caseOf,
  featureCase,
  type RecordCase,
  tensorCase,
} from '../helpers/record-cases.ts'
import { PRODUCER, readAll, recordRig, setFacts } from '../helpers/record-rig.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const entryOf = (given: RecordCase, requestId: string | null = null): Uint8Array => {
  const rig = recordRig({ before: 0xa5 })
  setFacts(rig.facts, given)
  rig.facts.requestId = requestId
  rig.facts.sequence = rig.writer.takeSequence()
  expect(rig.writer.write(writePlanOf(given.layout), rig.facts)).toBeGreaterThan(0)
  const [entry] = rig.take()
  return entry!
}

const anyCase = fc.oneof(tensorCase, featureCase)

test('rows, features and outputs of all datatypes come back as they were', () => {
  fc.assert(
    fc.property(anyCase, (given) => {
      const { records } = readAll([entryOf(given)], [given.layout])
      expect(records[0]?.instances).toEqual(given.instances)
      expect(records[0]).toMatchObject({ rows: given.rows, featuresOmitted: '', version: 3 })
    }),
    { numRuns: propertyRuns(200) },
  )
})

test('what is said of a request comes back as it was, for every role', () => {
  const times = fc.oneof(fc.double({ min: 0, max: 1e7, noNaN: true }), fc.constant(Number.NaN))
  const said = fc.record({
    requestId: fc.option(anyText),
    status: fc.integer({ min: 0, max: 599 }),
    epoch: fc.nat(2 ** 30),
    bucket: fc.integer({ min: -1, max: 9999 }),
    latencyMs: times,
    decodeMs: times,
    queueMs: times,
    computeMs: times,
    rows: fc.nat(1e6),
    isBatch: fc.boolean(),
  })
  const ids = fc.option(fc.uint32Array({ minLength: 4, maxLength: 6 }))
  fc.assert(
    fc.property(
      said,
      fc.constantFrom(...RECORD_ROLES),
      ids,
      featureCase,
      (facts, role, trace, of) => {
        const rig = recordRig()
        Object.assign(rig.facts, facts, {
          role: ROLE[role],
          traceIds: trace,
          protocol: 3,
          code: 20,
        })
        Object.assign(rig.facts, { startedMs: 12.5, wallOffsetMs: 1e12 })
        rig.facts.sequence = rig.writer.takeSequence()
        rig.writer.write(writePlanOf(of.layout), rig.facts)
        const words = [...(trace ?? [])]
          .slice(0, 4)
          .map((each) => each.toString(16).padStart(8, '0'))
        const hex = words.join('')
        expect(readAll(rig.take(), [of.layout]).records).toEqual([
          {
            ...facts,
            ...{ role, traceId: /[^0]/.test(hex) ? hex : '', protocol: 'grpc', code: 'QUEUE_FULL' },
            ...{ producer: PRODUCER, sequence: 1, predictionId: `${PRODUCER}-1` },
            ...{ timeMs: 1e12 + 12.5, inclusionProbability: 1, feedback: null, instances: [] },
            ...{ endpoint: 'flights', model: 'flights', version: 3, variant: 'v3', revision: 4 },
            featuresOmitted: '',
          },
        ])
      },
    ),
  )
})

test('a text of 10 MB comes back, and one of half as many characters that Latin-1 has not', () => {
  const ringBytes = 64 * 1024 * 1024
  for (const text of ['x'.repeat(1e7), `${'x'.repeat(5e6)}Ā`]) {
    const rig = recordRig({ ringBytes, recordBytesMax: ringBytes })
    const { layout } = caseOf([], 0)
    rig.facts.requestId = text
    rig.facts.sequence = rig.writer.takeSequence()
    const plan = { ...writePlanOf(layout), bytesMax: ringBytes }
    expect(rig.writer.write(plan, rig.facts)).toBeGreaterThan(0)
    expect(readAll(rig.take(), [layout]).records[0]?.requestId === text).toBe(true)
  }
})

/** What `decodeEntry` makes of bytes: that it threw what is its own, or a record. */
const outcome = (entry: Uint8Array, { layout }: RecordCase): string => {
  try {
    decodeEntry(entry, new Map([[layout.id, layout]]), PRODUCER)
    return 'a record'
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(EntryInvalid)
    return 'invalid'
  }
}

test('an entry that is cut or longer is invalid', () => {
  fc.assert(
    fc.property(anyCase, fc.nat(), (given, cut) => {
      const entry = entryOf(given, 'id')
      expect(outcome(entry.subarray(0, cut % entry.length), given)).toBe('invalid')
      const longer = new Uint8Array(entry.length + 8)
      longer.set(entry)
      expect(outcome(longer, given)).toBe('invalid')
    }),
  )
})

test('damage that the check does not find throws nothing foreign', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(anyCase, damage, fc.boolean(), (given, flips, isInHeader) => {
      const entry = entryOf(given, 'id')
      const span = isInHeader ? ENTRY_HEADER_BYTES : entry.length
      for (const [at, value] of flips) entry[at % span] = value
      const words = new Int32Array(entry.buffer)
      words[LENGTH_AT] = entry.length
      words[CHECK_AT] = entryCheck(words, 0, entry.length)
      outcome(entry, given)
    }),
    { numRuns: propertyRuns(400) },
  )
})

test('a flipped bit of a small entry is found', () => {
  fc.assert(
    fc.property(featureCase, fc.nat(), fc.nat(7), (given, at, bit) => {
      const entry = entryOf(given)
      fc.pre(entry.length <= 1024)
      entry[at % entry.length]! ^= 1 << bit
      expect(outcome(entry, given)).toBe('invalid')
    }),
  )
})

test('nothing of older entries is left between the sections', () => {
  fc.assert(
    fc.property(anyCase, fc.option(anyText), (given, requestId) => {
      const of = (before: number): Uint8Array => {
        const rig = recordRig({ before })
        setFacts(rig.facts, given)
        Object.assign(rig.facts, { requestId, sequence: rig.writer.takeSequence() })
        rig.writer.write(writePlanOf(given.layout), rig.facts)
        return rig.take()[0]!
      }
      expect(Buffer.compare(of(0xff), of(0))).toBe(0)
    }),
  )
})
