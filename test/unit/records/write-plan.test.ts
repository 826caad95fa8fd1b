import { expect, test } from 'vitest'
import { ROLE } from '../../../src/records/write-facts.ts'
import { COPY, copyBytes, copyOf, writePlanOf } from '../../../src/records/write-plan.ts'
import { RECORD_ROLES } from '../../../src/shared/record-policy.ts'
import { allocate, DATATYPES } from '../../../src/shared/tensor.ts'
import { caseOf } from '../../helpers/record-cases.ts'

test('roles have the numbers of their places: they are on disk', () => {
  expect(RECORD_ROLES.map((role) => ROLE[role])).toEqual([0, 1, 2, 3, 4])
})

test('every datatype is copied in its own width', () => {
  for (const datatype of DATATYPES) {
    const one = allocate(datatype, 1)
    const bytes = Array.isArray(one) ? 4 : one.BYTES_PER_ELEMENT
    expect(copyBytes(copyOf(datatype))).toBe(bytes)
  }
})

test('writePlanOf() says how each tensor is copied', () => {
  expect(writePlanOf(caseOf([], 0).layout)).toMatchObject({
    ...{ layout: 1, isRecorded: true, threshold: 2 ** 32, probability: 1, bytesMax: 65_536 },
    inputs: {
      hasRows: true,
      tensors: [
        { copy: COPY.FP32, elementBytes: 4, rowElements: 4 },
        { copy: COPY.BYTES8, elementBytes: 8, rowElements: 2 },
        { copy: COPY.TEXT, elementBytes: 4, rowElements: 1 },
      ],
    },
    outputs: { hasRows: true },
  })
})

test('what the policy does not keep is not copied, and shares are within 0 and 1', () => {
  const drop = { '*': { kind: 'drop' } as const }
  const redact = { features: {}, outputs: drop, requestId: null }
  const { layout } = caseOf([], 0, { features: 'none', redact, rate: 1.5 })
  expect(writePlanOf(layout)).toMatchObject({ inputs: null, outputs: null, threshold: 2 ** 32 })
  expect(writePlanOf(caseOf([], 0, { rate: -1 }).layout)).toMatchObject({ threshold: 0 })
})

test('of an endpoint that is not recorded nothing is looked at', () => {
  const plan = writePlanOf(caseOf([], 0, { isRecorded: false }).layout)
  expect(plan).toMatchObject({ isRecorded: false, inputs: null, outputs: null })
})
