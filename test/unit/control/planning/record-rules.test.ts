import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type RuledPlan, recordRules } from '../../../../src/control/planning/record-rules.ts'
import type { Contract } from '../../../../src/shared/contract.ts'
import type { FeatureType } from '../../../../src/shared/manifest.ts'
import {
  type EndpointRecordPolicy,
  type RecordPolicies,
  type Redaction,
  type RedactionRules,
  UNRECORDED,
} from '../../../../src/shared/record-policy.ts'
import type { Datatype, TensorSignature } from '../../../../src/shared/tensor.ts'

type Rules = Readonly<Record<string, Redaction>>

const DROP: Redaction = { kind: 'drop' }
const MASK: Redaction = { kind: 'mask' }
const BUCKET: Redaction = { kind: 'bucket', width: 10 }

const policy = (features: Rules = {}, outputs: Rules = {}): EndpointRecordPolicy => {
  const redact: RedactionRules = { features, outputs, requestId: null }
  return { ...UNRECORDED, isRecorded: true, redact }
}

const tensor = (name: string, datatype: Datatype = 'FP32'): TensorSignature => ({
  ...{ name, datatype, shape: [-1, 1] },
})

const contract = (features: Readonly<Record<string, FeatureType>>): Contract => ({
  features: Object.entries(features).map(([name, type]) => ({ name, type, optional: false })),
  tensors: [tensor('x')],
})

const endpoint = (name: string, features: Readonly<Record<string, FeatureType>>) => ({
  ...{ name, model: name, contract: contract(features) },
})

const versionOf = (model: string, version: number, ...outputs: TensorSignature[]) => ({
  ...{ model, version, signature: { inputs: [tensor('x')], outputs } },
})
const version = (model: string, ...outputs: TensorSignature[]) => versionOf(model, 1, ...outputs)

const rulesOf = (
  policies: RecordPolicies,
  endpoints: RuledPlan['endpoints'],
  versions: RuledPlan['versions'],
  more: Partial<RuledPlan> = {},
) => recordRules(policies, { endpoints, versions, previous: [], served: [], away: [], ...more })

const A = endpoint('a', { age: 'integer', city: 'category', ok: 'boolean' })
const B = endpoint('b', { wind: 'number' })

test('recordRules() leaves alone what fits, wherever that is', () => {
  const base = policy({ age: BUCKET, city: MASK, wind: DROP }, { '*': DROP, y: DROP })
  const policies = { base, byEndpoint: { b: policy({ ...base.redact.features }) } }
  const found = rulesOf(policies, [A, B], [version('a', tensor('y'))])
  expect(found).toEqual({ policies: [base, policies.byEndpoint.b], faults: [] })
})

test('recordRules() keeps the features of all out, where a rule for all fits nothing', () => {
  const base = policy({ email: DROP })
  const { policies, faults } = rulesOf({ base, byEndpoint: {} }, [A, B], [])
  expect(policies.map(({ features }) => features)).toEqual(['none', 'none'])
  expect(faults).toEqual([
    {
      ...{ endpoint: null, isOfAll: true, part: 'redact.features', name: 'email' },
      detail: "records: redaction of features fits nothing: no endpoint has 'email'",
    },
  ])
})

test('recordRules() keeps the features of one out, where a rule of its own fits nothing', () => {
  const [base, own] = [policy(), policy({ wind: DROP })]
  const { policies, faults } = rulesOf({ base, byEndpoint: { a: own } }, [A, B], [])
  expect(policies.map(({ features }) => features)).toEqual(['none', 'declared'])
  expect(faults.map(({ detail }) => detail)).toEqual([
    "records: redaction of features of 'a' fits nothing: 'wind' is not there",
  ])
})

test.each([
  ['a bucket of text', { city: BUCKET }, "'city' is no number, for bucket"],
  ['a bucket of a boolean', { ok: BUCKET }, "'ok' is no number, for bucket"],
  ['a masked number', { age: MASK }, "'age' is no text, for mask"],
])('recordRules() finds %s', (_, rules: Rules, detail) => {
  const found = rulesOf({ base: policy(rules), byEndpoint: {} }, [A, B], [])
  expect(found.policies.map(({ features }) => features)).toEqual(['none', 'declared'])
  expect(found.faults).toEqual([expect.objectContaining({ endpoint: 'a' })])
  expect(found.faults[0]?.detail).toContain(detail)
})

test('recordRules() keeps all outputs out, where a rule for outputs fits nothing', () => {
  const base = policy({}, { y: DROP })
  const versions = [version('a', tensor('y')), version('b', tensor('z'))]
  expect(rulesOf({ base, byEndpoint: {} }, [A, B], versions).faults).toEqual([])
  const own = { base: policy(), byEndpoint: { b: base } }
  const { policies, faults } = rulesOf(own, [A, B], versions)
  expect(policies[1]?.outputsOff).toEqual([1])
  expect(policies[1]?.features).toBe('declared')
  expect(faults).toEqual([expect.objectContaining({ endpoint: 'b', part: 'redact.outputs' })])
})

test('recordRules() says what a list of features names in vain, and records the others', () => {
  const base = { ...policy(), features: ['age', 'gone'] }
  const { policies, faults } = rulesOf({ base, byEndpoint: {} }, [A], [])
  expect(policies).toEqual([base])
  expect(faults.map(({ part, name }) => [part, name])).toEqual([['features', 'gone']])
  const own = { base: policy(), byEndpoint: { a: base } }
  expect(rulesOf(own, [A, B], []).faults.map(({ detail }) => detail)).toEqual([
    "records: the list of features of 'a' names 'gone', which is not there",
  ])
})

test('recordRules() takes a list of features for all, of which each endpoint has some', () => {
  const base = { ...policy(), features: ['age', 'wind'] }
  expect(rulesOf({ base, byEndpoint: {} }, [A, B], []).faults).toEqual([])
  const away = [{ name: 'c', features: ['gone'], outputs: [] }]
  const three = { base: { ...base, features: ['gone', 'age'] }, byEndpoint: {} }
  expect(rulesOf(three, [A, B], [], { away }).faults).toEqual([])
  const faults = rulesOf(three, [A, B], []).faults.map(({ endpoint, detail }) => [endpoint, detail])
  expect(faults).toEqual([
    [null, "records: the list of features names 'gone', which no endpoint has"],
  ])
})

test('recordRules() takes the tensors for the features of an endpoint without any', () => {
  const plain = { name: 'p', model: 'p', contract: { features: [], tensors: [tensor('x')] } }
  const fit = rulesOf({ base: policy({ x: BUCKET }), byEndpoint: {} }, [plain], [])
  expect(fit.faults).toEqual([])
})

test('recordRules() finds nothing wrong where nothing is known, or nothing is recorded', () => {
  const base = { ...policy({ age: MASK }), isRecorded: false }
  expect(rulesOf({ base: policy({ e: DROP }), byEndpoint: {} }, [], []).faults).toEqual([])
  expect(rulesOf({ base, byEndpoint: {} }, [A], []).faults).toEqual([])
})

test('recordRules() records no feature of an endpoint in which a rule of its own has lost its aim', () => {
  const names = fc.constantFrom('age', 'city', 'ok', 'wind', 'email')
  const rules = fc.dictionary(names, fc.constantFrom(DROP, MASK, BUCKET))
  fc.assert(
    fc.property(rules, rules, (ofAll, own) => {
      const all = { base: policy(ofAll), byEndpoint: { a: policy({ ...ofAll, ...own }) } }
      const { policies } = rulesOf(all, [A, B], [])
      const declared = A.contract.features.map(({ name }) => name)
      const isLost = Object.entries(own).some(
        ([name, rule]) => !declared.includes(name) && ofAll[name] !== rule,
      )
      if (isLost) expect(policies[0]?.features).toBe('none')
      // What is recorded has its rules with it.
      expect(policies[0]?.redact.features).toEqual({ ...ofAll, ...own })
    }),
  )
})

test('recordRules() keeps the outputs out of a version that calls them otherwise, and of no other', () => {
  const own = { base: policy(), byEndpoint: { a: policy({}, { proba: DROP, p: MASK }) } }
  const text = tensor('p', 'BYTES')
  const versions = [
    versionOf('a', 1, tensor('proba'), text),
    versionOf('a', 2, tensor('probability'), text),
  ]
  const { policies, faults } = rulesOf(own, [A], versions)
  expect(policies[0]).toMatchObject({ outputsOff: [2], features: 'declared' })
  expect(faults.map(({ detail }) => detail)).toEqual([
    "records: redaction of outputs of 'a' in version 2 fits nothing: 'proba' is not there",
  ])
  const ofAll = rulesOf({ base: own.byEndpoint.a, byEndpoint: {} }, [A], versions)
  expect(ofAll.policies[0]).toMatchObject({ outputsOff: [2] })
})

test('recordRules() goes on holding a rule for all against an endpoint that had what it names', () => {
  const base = policy({ wind: DROP }, { y: DROP })
  const all = { base, byEndpoint: {} }
  const renamed = endpoint('b', { breeze: 'number' })
  const other = endpoint('c', { wind: 'number' })
  const versions = [version('b', tensor('z')), version('c', tensor('y'))]
  const first = rulesOf(all, [renamed, other], versions, {
    ...{ previous: [B, other], served: [version('b', tensor('y'))] },
  })
  expect(first.policies[0]).toMatchObject({ features: 'none', outputsOff: [1] })
  expect(first.policies[1]).toEqual(base)
  // What was served since is what it has now, and the rule still wants to be looked at.
  const previous = [renamed, other].map((each, i) => ({ ...each, records: first.policies[i]! }))
  const next = rulesOf(all, [renamed, other], versions, { previous, served: versions })
  expect(next).toEqual(first)
  const mended = { base: policy(), byEndpoint: { c: base } }
  const { policies, faults } = rulesOf(mended, [renamed, other], versions, { previous })
  expect([policies, faults]).toEqual([[policy(), base], []])
})

test('recordRules() says that a section of an endpoint is about none', () => {
  const byEndpoint = { fraudd: policy({ ssn: DROP }), away: policy() }
  const away = [{ name: 'away', features: null, outputs: null }]
  const { faults } = rulesOf({ base: policy(), byEndpoint }, [A], [], { away })
  expect(faults).toEqual([
    {
      ...{ endpoint: 'fraudd', isOfAll: false, part: 'endpoints', name: 'fraudd' },
      detail: "records: 'fraudd' is no endpoint",
    },
  ])
})

test.each([
  ['is known to have it', { features: ['ssn'], outputs: ['q'] }],
  ['may have it', { features: null, outputs: null }],
])('recordRules() takes nothing from others for a rule of an endpoint away that %s', (_, known) => {
  const base = policy({ ssn: DROP }, { q: DROP })
  const away = [{ name: 'b', ...known }]
  const all = { base, byEndpoint: {} }
  const found = rulesOf(all, [A], [version('a', tensor('y'))], { away })
  expect(found).toEqual({ policies: [base], faults: [] })
  const without = [{ name: 'b', features: [], outputs: [] }]
  const others = rulesOf(all, [A], [version('a', tensor('y'))], { away: without })
  expect(others.faults.map(({ name }) => name)).toEqual(['ssn', 'q'])
})
