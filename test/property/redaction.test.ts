/**
 * Redaction: what a policy forbids is in no form among the bytes that go to disk, what it demands
 * is what the record says, and the rest is as it was.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CHECK_AT, entryCheck, LENGTH_AT } from '../../src/records/entry.ts'
import { EntryInvalid } from '../../src/records/entry-cursor.ts'
import { encodeFeedback } from '../../src/records/feedback-text.ts'
import type { RecordValue } from '../../src/records/record.ts'
import { Buckets } from '../../src/records/redact/buckets.ts'
import { redactorOf } from '../../src/records/redact/redactor.ts'
import { maskText } from '../../src/records/redact/values.ts'
import { ROLE } from '../../src/records/write-facts.ts'
import { writePlanOf } from '../../src/records/write-plan.ts'
import {
  type EndpointRecordPolicy,
  type Redaction,
  TEXT_PATTERNS,
} from '../../src/shared/record-policy.ts'
import { caseOf, FEATURES_MANIFEST, type GivenRow, tensorCase } from '../helpers/record-cases.ts'
import { endpointLayout } from '../helpers/record-layouts.ts'
import { readAll, recordRig, setFacts } from '../helpers/record-rig.ts'
import { digest, isAmong, KEY, redacted } from '../helpers/records/redacted.ts'
import { propertyRuns } from '../helpers/seeds.ts'

/** Values that stand nowhere by chance, and not twice: each begins with its own letter. */
const someText = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'QXZJKW792'), minLength: 9, maxLength: 20 }),
  fc.string({ unit: fc.constantFrom(...'ЩЖЮ語'), minLength: 6, maxLength: 20 }),
)
const secretText = (letter: string) => someText.map((text) => letter + text)
/** Exact in 32 bits; of bytes that stand nowhere else. */
const secretFloat = (base: number) =>
  fc.integer({ min: base + 0x5a5a5, max: 2 * base - 1 }).map((n) => n + 0.5)
/** None is the lower bound of its own bucket. */
const secretWide = fc
  .bigInt({ min: 0x1123456789abcdefn, max: 0x7123456789abcdefn })
  .map((n) => (n % 1000n === 0n ? n + 1n : n))
const secretRow: fc.Arbitrary<GivenRow> = fc.record({
  note: secretText('N'),
  age: fc.option(secretFloat(2 ** 19)),
  isNew: fc.boolean(),
  color: fc.oneof(fc.constant('red'), secretText('C')),
  height: secretFloat(2 ** 20),
  id: secretWide,
  count: fc.constant(null),
  scores: fc.tuple(secretFloat(2 ** 21), secretFloat(2 ** 21)),
  label: secretText('L'),
})

const anyRule: fc.Arbitrary<Redaction | null> = fc.oneof(
  fc.constant(null),
  fc.constantFrom<Redaction>({ kind: 'drop' }, { kind: 'hmac' }, { kind: 'mask' }),
  fc.constant<Redaction>({ kind: 'bucket', width: 1000 }),
)

const NAMES = FEATURES_MANIFEST.features.map(({ name }) => name)
const rulesFor = (names: readonly string[]) =>
  fc
    .tuple(...names.map(() => anyRule))
    .map((rules) =>
      Object.fromEntries(names.flatMap((name, i) => (rules[i] ? [[name, rules[i]]] : []))),
    )

const policies: fc.Arbitrary<Partial<EndpointRecordPolicy>> = fc
  .record({ features: rulesFor(NAMES), outputs: rulesFor(['p', 'label']), requestId: anyRule })
  .map((redact) => ({ redact, hmacKeyId: 'k1' }))

const NUMERIC = new Set(['age', 'height', 'id', 'count', 'p'])
const WIDE = new Set(['id', 'count'])

/** What the record should say of a value, under which name; null: nothing. */
const expected = (
  name: string,
  value: RecordValue,
  rule: Redaction | null,
): [string, RecordValue] | null => {
  if (rule === null) return [name, value]
  if (rule.kind === 'drop' || (rule.kind === 'bucket' && !NUMERIC.has(name))) return null
  const under = `${name}__${rule.kind}`
  if (value === null) return [under, null]
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  if (rule.kind === 'hmac') return [under, digest(text)]
  if (rule.kind === 'mask') return [under, maskText(text)]
  // All floats of these are of 32 bits.
  const buckets = new Buckets(WIDE.has(name) ? 'INT64' : 'FP32', { width: 0, ...rule }.width)
  const bucket = (each: RecordValue): RecordValue => {
    if (typeof each === 'bigint') return buckets.lowerBoundWide(each)
    return typeof each === 'number' ? buckets.lowerBound(each) : each
  }
  return [under, typeof value === 'object' ? value.map(bucket) : bucket(value)]
}

const expectedOf = (
  values: Readonly<Record<string, RecordValue>>,
  rules: Readonly<Record<string, Redaction>>,
): object =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const entry = expected(name, value, rules[name] ?? null)
      return entry === null ? [] : [entry]
    }),
  )

test('no planted secret is among the bytes, and the record says what the policy leaves', () => {
  const rows = fc.array(secretRow, { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(
      policies,
      rows,
      fc.nat(2),
      secretText('I'),
      (policy, given, rowStart, requestId) => {
        const { features, outputs, requestId: idRule } = policy.redact!
        const one = caseOf(given, rowStart, policy)
        const bytes = redacted(one, { requestId })
        for (const { scores, label, isNew: _, ...row } of given) {
          for (const [name, value] of Object.entries(row)) {
            const isPlain = value === null || value === 'red'
            if (features[name] !== undefined && !isPlain) expect(isAmong(bytes, value)).toBe(false)
          }
          if (outputs['label'] !== undefined) expect(isAmong(bytes, label)).toBe(false)
          if (outputs['p'] !== undefined)
            for (const p of scores) expect(isAmong(bytes, p)).toBe(false)
        }
        if (idRule !== null) expect(isAmong(bytes, requestId)).toBe(false)
        const [record] = readAll([bytes], [one.layout]).records
        expect(record?.requestId ?? null).toBe(
          (expected('request_id', requestId, idRule) ?? [null, null])[1],
        )
        expect(record?.instances.map((each) => each.features)).toEqual(
          one.instances.map((each) => expectedOf(each.features, features)),
        )
        expect(record?.instances.map((each) => each.outputs ?? {})).toEqual(
          one.instances.map((each) => expectedOf(each.outputs!, outputs)),
        )
      },
    ),
    { numRuns: propertyRuns(300) },
  )
})

test('without rules entries are as they were', () => {
  const patterns = { patterns: ['email', 'phone'] as const }
  fc.assert(
    fc.property(fc.array(secretRow, { minLength: 1, maxLength: 3 }), someText, (given, id) => {
      const one = caseOf(given, 1, patterns)
      const [record] = readAll([redacted(one, { requestId: id })], [one.layout]).records
      expect(record).toMatchObject({ requestId: id, instances: one.instances })
    }),
  )
})

test('addresses and phone numbers are masked in every text', () => {
  const personal = ['ann.lee@mail.example', '+44 20 7183 8750']
  const text = `ask ${personal.join(' or ')} about it`
  const row: GivenRow = {
    ...{ note: text, age: 1, isNew: true, color: text, height: 1, id: 1, count: 1 },
    ...{ scores: [0.5, 0.25], label: text },
  }
  const one = caseOf([row], 0, { patterns: ['email', 'phone'] })
  const bytes = redacted(one, { requestId: text })
  for (const each of personal) expect(isAmong(bytes, each)).toBe(false)
  const made = 'ask ***.***@****.******* or +** ** **** **** about it'
  expect(readAll([bytes], [one.layout]).records).toMatchObject([
    { requestId: made, instances: [{ features: { note: made, color: made }, prediction: made }] },
  ])
})

test('an HMAC is one of the value as it came: of a text, a category and an unseen one alike', () => {
  const hmac = { kind: 'hmac' } as const
  const redact = { features: { note: hmac, color: hmac }, outputs: {}, requestId: hmac }
  const texts = fc.oneof(
    someText,
    fc.constantFrom('red', 'anna@x.com', 'paul@y.org', '+1 555 123 4567'),
  )
  fc.assert(
    fc.property(secretRow, texts, (row, text) => {
      const policy = { redact, patterns: TEXT_PATTERNS, hmacKeyId: 'k1' }
      const given = caseOf([{ ...row, note: text, color: text }], 0, policy)
      const { records } = readAll([redacted(given, { requestId: text })], [given.layout])
      expect(records[0]?.requestId).toBe(digest(text))
      expect(records[0]?.instances[0]?.features).toMatchObject({
        ...{ note__hmac: digest(text), color__hmac: digest(text) },
      })
    }),
    { numRuns: propertyRuns(50) },
  )
})

test('feedback: its ids and labels are redacted like those of its prediction', () => {
  const personal = 'ann@mail.example'
  const text = encodeFeedback({
    ...{ ofPredictionId: null, ofRequestId: 'r-1', row: -1, observedAtMs: 1 },
    label: ['fine', personal, [personal, 1, null]],
  })
  const redact = { features: {}, outputs: {}, requestId: { kind: 'hmac' } as const }
  const layout = endpointLayout({ redact, patterns: ['email'], hmacKeyId: 'k' })
  const one = { layout, rows: 0, rowStart: 0, inputs: [], results: [], extras: null, instances: [] }
  const bytes = redacted(one, { role: ROLE.feedback, text, requestId: 'r-1' })
  const masked = '***@****.*******'
  expect(readAll([bytes], [layout]).records).toMatchObject([
    {
      requestId: digest('r-1'),
      feedback: { ofRequestId: digest('r-1'), label: ['fine', masked, [masked, 1, null]] },
    },
  ])
  expect(isAmong(bytes, personal)).toBe(false)
})

test('tensors of all datatypes under every rule can be read, and lose what was dropped', () => {
  fc.assert(
    fc.property(tensorCase, anyRule, (given, rule) => {
      const { layout } = given
      const rules = <T>(all: readonly T[]) => all.map(() => rule)
      const policy = {
        ...layout.policy,
        features: rules(layout.features),
        outputs: rules(layout.outputs),
      }
      const one = { ...given, layout: { ...layout, policy } }
      const [record] = readAll([redacted(one)], [one.layout]).records
      expect(record?.instances).toHaveLength(given.instances.length)
      const names = record?.instances.flatMap(({ features }) => Object.keys(features)) ?? []
      if (rule?.kind === 'drop') expect(names).toEqual([])
      else for (const name of names) expect(name.endsWith(rule?.kind ?? '')).toBe(true)
    }),
  )
})

test('redact() of damaged bytes throws nothing foreign', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(policies, secretRow, damage, (policy, row, flips) => {
      const one = caseOf([row], 0, policy)
      const rig = recordRig()
      setFacts(rig.facts, one)
      rig.facts.sequence = rig.writer.takeSequence()
      rig.writer.write(writePlanOf(one.layout), rig.facts)
      const [entry] = rig.take()
      for (const [at, value] of flips) entry![at % entry!.length] = value
      const words = new Int32Array(entry!.buffer)
      words[LENGTH_AT] = entry!.length
      words[CHECK_AT] = entryCheck(words, 0, entry!.length)
      try {
        redactorOf(one.layout, KEY)?.redact(entry!)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(EntryInvalid)
      }
    }),
    { numRuns: propertyRuns(300) },
  )
})
