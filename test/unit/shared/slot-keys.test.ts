import { expect, test } from 'vitest'
import { slotKeyText } from '../../../src/shared/counters.ts'
import { isModelName } from '../../../src/shared/ids.ts'
import {
  FIXED_KEYS,
  NO_ENDPOINT_KEY,
  OVERFLOW_KEY,
  OVERFLOW_SLOT,
  slotKeysOf,
  variantName,
} from '../../../src/shared/slot-keys.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'

const textsOf = (plan: Parameters<typeof slotKeysOf>[0]) => slotKeysOf(plan).map(slotKeyText)

test('slotKeysOf() begins with the keys that every replica has', () => {
  const plan = epochPlan(1, [])
  expect(slotKeysOf(plan)).toEqual([NO_ENDPOINT_KEY, OVERFLOW_KEY])
  expect(FIXED_KEYS[OVERFLOW_SLOT]).toBe(OVERFLOW_KEY)
})

test('slotKeysOf() has one key for refusals of each endpoint and one for each of its versions', () => {
  const versions = [
    plannedVersion({ model: 'a', version: 1 }),
    plannedVersion({ model: 'b', version: 7 }),
    plannedVersion({ model: 'a', version: 2 }),
  ]
  const keys = slotKeysOf(epochPlan(1, versions)).slice(FIXED_KEYS.length)
  const short = keys.map(({ endpoint, model, version, variant, role }) =>
    [endpoint, model, version, variant, role].join(' '),
  )
  expect(short).toEqual([
    'a a   refused',
    'a a 1 v1 answer',
    'a a 2 v2 answer',
    'b b   refused',
    'b b 7 v7 answer',
  ])
  expect(new Set(textsOf(epochPlan(1, versions))).size).toBe(FIXED_KEYS.length + 5)
})

test('slotKeysOf() names a version by its variant, and without one by its number', () => {
  const variants = [{ name: 'canary', version: 2, weightBp: 10_000 }]
  expect(variantName(variants, 2)).toBe('canary')
  expect(variantName(variants, 3)).toBe('v3')
})

test('OVERFLOW_KEY bears a name that no endpoint can have', () => {
  expect(isModelName(OVERFLOW_KEY.endpoint)).toBe(false)
  expect(slotKeyText(OVERFLOW_KEY)).not.toBe(slotKeyText(NO_ENDPOINT_KEY))
})
