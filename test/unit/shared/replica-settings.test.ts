import { expect, test } from 'vitest'
import type { ReplicaSettings } from '../../../src/shared/epoch-plan.ts'
import { completeSettings, settingsSha256 } from '../../../src/shared/replica-settings.ts'
import { replicaSettings } from '../../helpers/replica-settings.ts'

const settings = { replica: 0, incarnation: 1, threads: 2 } as ReplicaSettings

test('settingsSha256() is the same for every incarnation, and for nothing else', () => {
  const own = settingsSha256(settings)
  expect(settingsSha256({ ...settings, incarnation: 2 })).toBe(own)
  expect(settingsSha256({ ...settings, threads: 3 })).not.toBe(own)
})

test('settingsSha256() tells releases apart, so that old code is replaced after an upgrade', () => {
  expect(settingsSha256(settings, '1.0.0')).not.toBe(settingsSha256(settings, '1.0.1'))
})

const lasting = Object.keys(replicaSettings()).filter((name) => name !== 'incarnation')

test.each(lasting)('settingsSha256() is another one when %s has changed', (name) => {
  const changed = { ...replicaSettings(), [name]: 'changed' }
  expect(settingsSha256(changed)).not.toBe(settingsSha256(replicaSettings()))
})

test('completeSettings() leaves off what an older control does not know', () => {
  const { grpcPort: _, grpc: __, tracing: ___, ...older } = replicaSettings()
  const off = { ...older, grpcPort: null, tracing: null }
  expect(completeSettings(older as ReplicaSettings)).toEqual(off)
  expect(completeSettings({ ...older, grpcPort: 8001 } as ReplicaSettings)).toEqual(off)
})

test('completeSettings() changes nothing that is complete', () => {
  const complete = { ...replicaSettings(), grpcPort: 8001 }
  expect(completeSettings(complete)).toEqual(complete)
})
