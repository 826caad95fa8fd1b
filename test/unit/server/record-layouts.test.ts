import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  layoutKey,
  NO_LAYOUTS,
  noEndpoint,
  RecordLayouts,
  writePlanAt,
} from '../../../src/server/record-layouts.ts'
import type { Redaction } from '../../../src/shared/record-policy.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { RECORDED, recorded } from '../../helpers/record-keeping.ts'

const HOUR_MS = 3_600_000

const version = (number: number, model = 'm') => plannedVersion({ model, version: number })
const plan = (...versions: number[]) =>
  recorded(
    epochPlan(
      1,
      versions.map((number) => version(number)),
    ),
  )

test('assign() numbers what a plan needs, and what is alike only once', () => {
  const layouts = new RecordLayouts(null)
  const first = layouts.assign(plan(1), null, 0)
  expect(first.fresh.map(({ id, version: number, endpoint }) => [id, number, endpoint])).toEqual([
    [1, 0, 'm'],
    [2, 1, 'm'],
    [3, 0, ''],
  ])
  expect(first.numbers.ids).toEqual({ [layoutKey('m', 0)]: 1, [layoutKey('m', 1)]: 2, '0 ': 3 })
  const second = layouts.assign(plan(1, 2), plan(1), 1)
  expect(second.fresh.map(({ id, version: number }) => [id, number])).toEqual([[4, 2]])
  expect(second.numbers.ids).toMatchObject({ [layoutKey('m', 1)]: 2, [layoutKey('m', 2)]: 4 })
  expect(layouts.all.map(({ id }) => id)).toEqual([1, 2, 3, 4])
})

test('assign() gives another number to what is written down in another way', () => {
  const layouts = new RecordLayouts(null)
  layouts.assign(plan(1), null, 0)
  const other = recorded(plan(1), { ...RECORDED, rate: 0.5 })
  expect(layouts.assign(other, null, 0).fresh.map(({ id }) => id)).toEqual([4, 5])
})

test('assign() forgets what no plan has named for long, and uses no number again', () => {
  const layouts = new RecordLayouts(null)
  layouts.assign(plan(1), null, 0)
  // What is served is named by what serves.
  expect(layouts.assign(plan(2), plan(1), 2 * HOUR_MS)).toMatchObject({ dropped: [] })
  const later = layouts.assign(plan(2), plan(2), 3 * HOUR_MS)
  expect(later).toMatchObject({ fresh: [], dropped: [2] })
  expect(layouts.assign(plan(1), plan(2), 3 * HOUR_MS).fresh.map(({ id }) => id)).toEqual([5])
})

test('layouts name the key that this replica has, whatever the plan says', () => {
  const layouts = new RecordLayouts('abcd1234')
  const features = { x: { kind: 'hmac' } as const }
  const redact = { ...RECORDED.redact, features }
  layouts.assign(recorded(plan(1), { ...RECORDED, redact }), null, 0)
  expect(JSON.stringify(layouts.all)).toContain('abcd1234')
})

test('writePlanAt() is null where nothing is written down', () => {
  const [endpoint] = plan(1).endpoints
  expect(writePlanAt(NO_LAYOUTS, endpoint!, null)).toBeNull()
  const numbers = { ids: { [layoutKey('m', 1)]: 7 }, hmacKeyId: null }
  expect(writePlanAt(numbers, endpoint!, version(1))).toMatchObject({ layout: 7, isRecorded: true })
})

test('noEndpoint() is recorded as the plan says, and not by one of an earlier release', () => {
  expect(noEndpoint(plan(1)).records.isRecorded).toBe(false)
  expect(noEndpoint({ ...plan(1), records: RECORDED })).toMatchObject({
    name: '',
    records: RECORDED,
  })
})

test('data threads write down what the layouts of the spool thread keep, under every policy', () => {
  const rule = fc.constantFrom<Redaction>({ kind: 'drop' }, { kind: 'hmac' }, { kind: 'mask' })
  const input = plan(1).versions[0]!.signature.inputs[0]!.name
  const rules = (...names: string[]) => fc.dictionary(fc.constantFrom(...names), rule)
  const redact = fc.record({
    ...{ features: rules(input), outputs: rules('*', 'y'), requestId: fc.option(rule) },
  })
  fc.assert(
    fc.property(redact, fc.option(fc.constant('abcd1234')), (rulesOfAll, keyId) => {
      const layouts = new RecordLayouts(keyId)
      const ruled = recorded(plan(1), { ...RECORDED, redact: rulesOfAll })
      const { numbers, fresh } = layouts.assign(ruled, null, 0)
      const written = writePlanAt(numbers, ruled.endpoints[0]!, ruled.versions[0]!)
      const layout = fresh.find(({ id }) => id === written?.layout)
      expect(written?.inputs !== null).toBe(layout?.policy.keepsFeatures)
      expect(written?.outputs !== null).toBe(layout?.policy.keepsOutputs)
    }),
  )
})
