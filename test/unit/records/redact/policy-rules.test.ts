import { expect, test } from 'vitest'
import { compilePolicy } from '../../../../src/records/redact/policy-rules.ts'
import type { EndpointRecordPolicy } from '../../../../src/shared/record-policy.ts'
import { RECORD_ALL } from '../../../helpers/record-layouts.ts'

const FEATURES = ['age', 'mail', 'constructor'].map((name) => ({ name, isNumeric: name === 'age' }))
const OUTPUTS = ['score', 'label'].map((name) => ({ name, isNumeric: name === 'score' }))

const rules = (more: Partial<EndpointRecordPolicy>) =>
  compilePolicy({ ...RECORD_ALL, ...more }, FEATURES, OUTPUTS)

test('without rules everything is kept', () => {
  expect(rules({})).toEqual({
    ...{ keepsFeatures: true, keepsOutputs: true, requestId: null, patterns: [], hmacKeyId: null },
    features: [null, null, null],
    outputs: [null, null],
  })
})

test('a list of features drops the others, `none` all', () => {
  const drop = { kind: 'drop' }
  expect(rules({ features: ['mail'] })).toMatchObject({ features: [drop, null, drop] })
  expect(rules({ features: 'none' })).toMatchObject({
    ...{ keepsFeatures: false, features: [drop, drop, drop], keepsOutputs: true },
  })
})

test('rules go by name; one for all outputs gives way to an output of its own', () => {
  const bucket = { kind: 'bucket', width: 10 } as const
  const redact = {
    features: { age: bucket, mail: { kind: 'mask' } as const },
    outputs: { '*': { kind: 'drop' } as const, label: { kind: 'mask' } as const },
    requestId: { kind: 'drop' } as const,
  }
  expect(rules({ redact })).toMatchObject({
    features: [bucket, { kind: 'mask' }, null],
    outputs: [{ kind: 'drop' }, { kind: 'mask' }],
    requestId: { kind: 'drop' },
  })
})

test('a bucket for what is no number is a drop', () => {
  const bucket = { kind: 'bucket', width: 10 } as const
  const redact = { features: { mail: bucket }, outputs: { '*': bucket }, requestId: bucket }
  expect(rules({ redact })).toMatchObject({
    features: [null, { kind: 'drop' }, null],
    outputs: [bucket, { kind: 'drop' }],
    requestId: { kind: 'drop' },
  })
})

test('an HMAC without a key is a drop', () => {
  const redact = {
    features: { mail: { kind: 'hmac' } as const },
    outputs: { '*': { kind: 'hmac' } as const },
    requestId: { kind: 'hmac' } as const,
  }
  expect(rules({ redact, hmacKeyId: 'k' }).features[1]).toEqual({ kind: 'hmac' })
  expect(rules({ redact })).toMatchObject({
    features: [null, { kind: 'drop' }, null],
    ...{ requestId: { kind: 'drop' }, keepsOutputs: false },
  })
})
