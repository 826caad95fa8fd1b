import { expect, test } from 'vitest'
import { prepareEpoch, releaseEpoch } from '../../../src/server/live-epoch.ts'
import { LiveVersions } from '../../../src/server/live-version.ts'
import { NO_LAYOUTS } from '../../../src/server/record-layouts.ts'
import { SLOT_DOUBLES, slotKeyText } from '../../../src/shared/counters.ts'
import type { EpochPlan, PlannedVersion } from '../../../src/shared/epoch-plan.ts'
import { GatewayError } from '../../../src/shared/errors.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import { OVERFLOW_SLOT } from '../../../src/shared/slot-keys.ts'
import { answerKey, refusedKey } from '../../helpers/counted-slots.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { loadCounting } from '../../helpers/live-versions.ts'

const version = (number: number, more: Partial<PlannedVersion> = {}) =>
  plannedVersion({ model: 'm', version: number, ...more })

const prepare = (
  plan: EpochPlan,
  { load } = loadCounting(),
  slots: Readonly<Record<string, number>> = {},
  versions = new LiveVersions(load),
) => {
  const versionNumbers = plan.versions.map((_, i) => i + 1)
  const settings = { jsonDepthMax: 20, layouts: NO_LAYOUTS }
  return prepareEpoch(plan, { versions, versionNumbers, slots, ...settings })
}

const endpointOf = (plan: EpochPlan) => prepare(plan).epoch.endpoints.get('m')!

test('prepareEpoch() gives an endpoint its one variant with weight, wherever it stands', () => {
  const variants = [
    { name: 'old', version: 1, weightBp: 0 },
    { name: 'new', version: 2, weightBp: 10_000 },
  ]
  const endpoint = endpointOf(epochPlan(1, [version(1), version(2)], { m: variants }))
  expect(endpoint.only?.plan.variant).toBe('new')
  expect(endpoint.variants.map(({ plan }) => plan.variant)).toEqual(['old', 'new'])
  expect(endpoint.only).toBe(endpoint.pinned.get(2))
})

test('prepareEpoch() lets the buckets decide between several variants', () => {
  const variants = [
    { name: 'old', version: 1, weightBp: 7500 },
    { name: 'new', version: 2, weightBp: 2500 },
  ]
  const endpoint = endpointOf(epochPlan(1, [version(1), version(2)], { m: variants }))
  expect(endpoint.only).toBeNull()
  expect(endpoint.buckets.filter((variant) => variant === 1)).toHaveLength(2500)
})

test('prepareEpoch() takes from the version before only what was loaded', () => {
  const { load, loaded } = loadCounting()
  const versions = new LiveVersions(load)
  const manifest = (threshold: number): Manifest => ({
    digest: '',
    features: [],
    task: 'binary',
    threshold,
  })
  const plans = [0.5, 0.9].map((threshold, i) =>
    epochPlan(i + 1, [version(1, { manifest: manifest(threshold) })]),
  )
  const [before, after] = plans.map(
    (plan) => prepare(plan, { load, loaded }, {}, versions).epoch.endpoints.get('m')!.only!,
  )
  expect(after!.version).toBe(before!.version)
  expect(loaded).toHaveLength(1)
  expect([before, after].map((live) => live!.plan.manifest?.threshold)).toEqual([0.5, 0.9])
  expect(after!.head.text('', '', '')).toContain('x-sluice-epoch: 2')
})

test('prepareEpoch() counts each variant in the slot that the agent gave it', () => {
  const slots = { [slotKeyText(answerKey('m'))]: 7, [slotKeyText(refusedKey('m'))]: 5 }
  const { epoch } = prepare(epochPlan(1, [version(1), version(2)]), loadCounting(), slots)
  const endpoint = epoch.endpoints.get('m')!
  expect(endpoint.pinned.get(1)!.counterBase).toBe(7 * SLOT_DOUBLES)
  expect(endpoint.pinned.get(2)!.counterBase).toBe(OVERFLOW_SLOT * SLOT_DOUBLES)
  expect(endpoint.refusedBase).toBe(5 * SLOT_DOUBLES)
})

test('prepareEpoch() reports every version that fails and lets go of the others', () => {
  const { load, loaded } = loadCounting(({ version: number }) => {
    if (number === 1) throw new GatewayError('DIGEST_MISMATCH', 'changed')
    if (number === 2) throw new Error('not even ours')
  })
  const stranger = { inputs: [{ name: 'z', datatype: 'INT64', shape: [-1] }], outputs: [] } as const
  const all = [version(1), version(2), version(3, { signature: stranger }), version(4)]
  const versions = new LiveVersions(load)
  const { epoch, failures } = prepare(epochPlan(1, all), { load, loaded }, {}, versions)
  expect(failures.map(({ version: number, code }) => [number, code])).toEqual([
    [1, 'DIGEST_MISMATCH'],
    [2, 'PREPARE_FAILED'],
    [3, 'BINDING_FAILED'],
  ])
  releaseEpoch(epoch, versions)
  expect(loaded.map(({ session }) => session.disposals)).toEqual([1, 1])
})
