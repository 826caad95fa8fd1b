import fc from 'fast-check'
import { expect, test } from 'vitest'
import { recordRules } from '../../../../src/control/planning/record-rules.ts'
import type { Contract } from '../../../../src/shared/contract.ts'
import type { FeatureType } from '../../../../src/shared/manifest.ts'
import {
  type EndpointRecordPolicy,
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

const version = (model: string, ...outputs: TensorSignature[]) => ({
  ...{ model, signature: { inputs: [tensor('x')], outputs } },
})

const A = endpoint('a', { age: 'integer', city: 'category', ok: 'boolean' })
const B = endpoint('b', { wind: 'number' })

test('recordRules() leaves alone what fits, wherever that is', () => {
  const base = policy({ age: BUCKET, city: MASK, wind: DROP }, { '*': DROP, y: DROP })
  const policies = { base, byEndpoint: { b: policy({ ...base.redact.features }) } }
  const found = recordRules(policies, [A, B], [version('a', tensor('y'))])
  expect(found).toEqual({ policies: [base, policies.byEndpoint.b], faults: [] })
})

test('recordRules() keeps the features of all out, where a rule for all fits nothing', () => {
  const base = policy({ email: DROP })
  const { policies, faults } = recordRules({ base, byEndpoint: {} }, [A, B], [])
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
  const { policies, faults } = recordRules({ base, byEndpoint: { a: own } }, [A, B], [])
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
  const found = recordRules({ base: policy(rules), byEndpoint: {} }, [A, B], [])
  expect(found.policies.map(({ features }) => features)).toEqual(['none', 'declared'])
  expect(found.faults).toEqual([expect.objectContaining({ endpoint: 'a' })])
  expect(found.faults[0]?.detail).toContain(detail)
})

test('recordRules() keeps all outputs out, where a rule for outputs fits nothing', () => {
  const base = policy({}, { y: DROP })
  const versions = [version('a', tensor('y')), version('b', tensor('z'))]
  expect(recordRules({ base, byEndpoint: {} }, [A, B], versions).faults).toEqual([])
  const own = { base: policy(), byEndpoint: { b: base } }
  const { policies, faults } = recordRules(own, [A, B], versions)
  expect(policies[1]?.redact.outputs).toEqual({ '*': DROP })
  expect(policies[1]?.features).toBe('declared')
  expect(faults).toEqual([expect.objectContaining({ endpoint: 'b', part: 'redact.outputs' })])
})

test('recordRules() says what a list of features names in vain, and records the others', () => {
  const base = { ...policy(), features: ['age', 'gone'] }
  const { policies, faults } = recordRules({ base, byEndpoint: {} }, [A], [])
  expect(policies).toEqual([base])
  expect(faults.map(({ part, name }) => [part, name])).toEqual([['features', 'gone']])
})

test('recordRules() takes the tensors for the features of an endpoint without any', () => {
  const plain = { name: 'p', model: 'p', contract: { features: [], tensors: [tensor('x')] } }
  const fit = recordRules({ base: policy({ x: BUCKET }), byEndpoint: {} }, [plain], [])
  expect(fit.faults).toEqual([])
})

test('recordRules() finds nothing wrong where nothing is known, or nothing is recorded', () => {
  const base = { ...policy({ age: MASK }), isRecorded: false }
  expect(recordRules({ base: policy({ e: DROP }), byEndpoint: {} }, [], []).faults).toEqual([])
  expect(recordRules({ base, byEndpoint: {} }, [A], []).faults).toEqual([])
})

test('recordRules() records no feature of an endpoint in which a rule of its own has lost its aim', () => {
  const names = fc.constantFrom('age', 'city', 'ok', 'wind', 'email')
  const rules = fc.dictionary(names, fc.constantFrom(DROP, MASK, BUCKET))
  fc.assert(
    fc.property(rules, rules, (ofAll, own) => {
      const all = { base: policy(ofAll), byEndpoint: { a: policy({ ...ofAll, ...own }) } }
      const { policies } = recordRules(all, [A, B], [])
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
