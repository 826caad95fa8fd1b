import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { VersionPolicy } from '../../../src/config/config.ts'
import { aspiredVersions, type VersionSnapshot } from '../../../src/runtime/version-policy.ts'

const LATEST: VersionPolicy = { kind: 'latest', count: 1 }

const aspired = (
  snapshot: Omit<VersionSnapshot, 'policy'>,
  policy: VersionPolicy = LATEST,
): number[] => aspiredVersions({ ...snapshot, policy })

const sound = (...versions: number[]) => versions.map((version) => ({ version, fault: null }))
const faulty = (version: number) => ({ version, fault: { code: 'MODEL_INVALID' } })

test('aspiredVersions() wants nothing of an empty model', () => {
  expect(aspired({ aliases: { champion: 1 }, versions: [] })).toEqual([])
})

test('aspiredVersions() wants the latest, by number and not by text', () => {
  expect(aspired({ aliases: {}, versions: sound(10, 9, 2) })).toEqual([10])
})

test('aspiredVersions() wants every version that an alias names, once', () => {
  const aliases = { champion: 1, challenger: 3, blue: 1, gone: 8 }
  expect(aspired({ aliases, versions: sound(1, 2, 3, 4) })).toEqual([1, 3, 4])
})

test('aspiredVersions() wants the latest sound version as well when the latest has a fault', () => {
  const versions = [...sound(1, 2), faulty(3), faulty(4)]
  expect(aspired({ aliases: {}, versions })).toEqual([2, 4])
  expect(aspired({ aliases: {}, versions: [faulty(3)] })).toEqual([3])
})

test('aspiredVersions() wants as many of the latest as the policy says, and as many that can serve', () => {
  const two: VersionPolicy = { kind: 'latest', count: 2 }
  expect(aspired({ aliases: {}, versions: sound(1, 2, 3, 4) }, two)).toEqual([3, 4])
  expect(aspired({ aliases: {}, versions: [...sound(1, 2, 3), faulty(4)] }, two)).toEqual([2, 3, 4])
  expect(aspired({ aliases: { blue: 1 }, versions: sound(1, 2, 3, 4) }, two)).toEqual([1, 3, 4])
})

test('aspiredVersions() wants all, or those that are named and exist, whatever their faults', () => {
  const versions = [...sound(1, 2, 3), faulty(4)]
  expect(aspired({ aliases: {}, versions }, { kind: 'all' })).toEqual([1, 2, 3, 4])
  const specific: VersionPolicy = { kind: 'specific', versions: [4, 2, 9] }
  expect(aspired({ aliases: { champion: 1 }, versions }, specific)).toEqual([1, 2, 4])
})

test('aspiredVersions() goes on to the next lower version when one has failed, unless a champion is named', () => {
  const failed = (version: number) => ({ version, fault: null, hasFailed: true })
  const versions = [...sound(1, 2), failed(3), failed(4)]
  expect(aspired({ aliases: {}, versions })).toEqual([2, 4])
  expect(aspired({ aliases: { champion: 3 }, versions })).toEqual([3, 4])
  expect(aspired({ aliases: { champion: 7 }, versions })).toEqual([2, 4])
  expect(aspired({ aliases: {}, versions: [failed(1)] })).toEqual([1])
})

const snapshots = fc.record({
  aliases: fc.dictionary(fc.string(), fc.integer({ min: 1, max: 12 })),
  versions: fc.uniqueArray(
    fc.record({
      version: fc.integer({ min: 1, max: 12 }),
      fault: fc.constantFrom(null, { code: 'MODEL_INVALID' }),
      hasFailed: fc.boolean(),
    }),
    { selector: ({ version }) => version },
  ),
})

test('aspiredVersions() depends on neither order, and names existing versions, ascending', () => {
  fc.assert(
    fc.property(snapshots, ({ aliases, versions }) => {
      const wanted = aspired({ aliases, versions })
      const backwards = {
        aliases: Object.fromEntries(Object.entries(aliases).reverse()),
        versions: [...versions].reverse(),
      }
      expect(aspired(backwards)).toEqual(wanted)
      expect(wanted).toEqual([...new Set(wanted)].sort((a, b) => a - b))
      const present = versions.map(({ version }) => version)
      expect(present).toEqual(expect.arrayContaining(wanted))
      expect(wanted.length > 0).toBe(present.length > 0)
    }),
  )
})
