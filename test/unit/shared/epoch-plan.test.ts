import { expect, test } from 'vitest'
import {
  decodeFailures,
  decodePlan,
  encodeJson,
  loadKey,
  type PrepareFailure,
  sessionKey,
} from '../../../src/shared/epoch-plan.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'

test('decodePlan() reads what encodeJson() wrote, a missing value of NaN included', () => {
  const feature = { name: 'wind', type: 'number', tensor: 'x', optional: true } as const
  const features = [0, 1].map((column) => ({ ...feature, column, missing: Number.NaN }))
  const manifest: Manifest = { digest: 'd', features, task: 'other', threshold: 0.3 }
  const plan = epochPlan(7, [plannedVersion({ model: 'flüge', version: 1, manifest })])
  expect(decodePlan(encodeJson(plan))).toEqual(plan)
})

test('decodeFailures() reads what encodeJson() wrote', () => {
  const failures: PrepareFailure[] = [
    { model: 'a', version: 1, code: 'BINDING_FAILED', detail: 'The version has no input "x"' },
  ]
  expect(decodeFailures(encodeJson(failures))).toEqual(failures)
  expect(decodeFailures(encodeJson([]))).toEqual([])
})

const version = plannedVersion({ model: 'a', version: 1 })

test('loadKey() is the same whatever else the plan says of a version', () => {
  const exampleRow = { x: 1 }
  const manifest: Manifest = { digest: '', features: [], task: 'binary', threshold: 0.2 }
  const placement = { ...version.placement, reason: 'another sentence' }
  const copy = { ...version, manifest, exampleRow, placement, batching: { ...version.batching } }
  expect(loadKey(copy)).toBe(loadKey(version))
})

test.each([
  ['other proven bytes', { provenSha256: 'other' }],
  ['another batch policy', { batching: { ...version.batching, rowsMax: 1 } }],
  ['other settings of a session', { session: { ...version.session, intraOpThreads: 2 } }],
  ['another queue', { queue: { ...version.queue, levels: 2, defaultLevel: 1 } }],
  ['another place', { placement: { kind: 'pooled' as const, instances: 1, reason: '' } }],
  ['another number', { version: 2 }],
  ['another model', { model: 'b' }],
])('loadKey() is another one for %s', (_, changed) => {
  expect(loadKey({ ...version, ...changed })).not.toBe(loadKey(version))
})

test.each([
  ['another batch policy', { batching: { ...version.batching, rowsMax: 1 } }, true],
  ['another queue', { queue: { ...version.queue, levels: 2, defaultLevel: 1 } }, true],
  ['other instances', { placement: { ...version.placement, instances: 3 } }, true],
  ['another place', { placement: { ...version.placement, kind: 'pooled' as const } }, false],
  ['other settings', { session: { ...version.session, intraOpThreads: 2 } }, false],
  ['other proven bytes', { provenSha256: 'other' }, false],
])('sessionKey() with %s', (_, changed, isSame) => {
  expect(sessionKey({ ...version, ...changed }) === sessionKey(version)).toBe(isSame)
})
