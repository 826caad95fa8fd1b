import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aspiredVersions } from '../../../src/runtime/version-policy.ts'

const sound = (...versions: number[]) => versions.map((version) => ({ version, fault: null }))
const faulty = (version: number) => ({ version, fault: { code: 'MODEL_INVALID' } })

test('aspiredVersions() wants nothing of an empty model', () => {
  expect(aspiredVersions({ aliases: { champion: 1 }, versions: [] })).toEqual([])
})

test('aspiredVersions() wants the latest, by number and not by text', () => {
  expect(aspiredVersions({ aliases: {}, versions: sound(10, 9, 2) })).toEqual([10])
})

test('aspiredVersions() wants every version that an alias names, once', () => {
  const aliases = { champion: 1, challenger: 3, blue: 1, gone: 8 }
  expect(aspiredVersions({ aliases, versions: sound(1, 2, 3, 4) })).toEqual([1, 3, 4])
})

test('aspiredVersions() wants the latest sound version as well when the latest has a fault', () => {
  const versions = [...sound(1, 2), faulty(3), faulty(4)]
  expect(aspiredVersions({ aliases: {}, versions })).toEqual([2, 4])
  expect(aspiredVersions({ aliases: {}, versions: [faulty(3)] })).toEqual([3])
})

test('aspiredVersions() goes on to the next lower version when one has failed, unless a champion is named', () => {
  const failed = (version: number) => ({ version, fault: null, hasFailed: true })
  const versions = [...sound(1, 2), failed(3), failed(4)]
  expect(aspiredVersions({ aliases: {}, versions })).toEqual([2, 4])
  expect(aspiredVersions({ aliases: { champion: 3 }, versions })).toEqual([3, 4])
  expect(aspiredVersions({ aliases: { champion: 7 }, versions })).toEqual([2, 4])
  expect(aspiredVersions({ aliases: {}, versions: [failed(1)] })).toEqual([1])
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
      const aspired = aspiredVersions({ aliases, versions })
      const backwards = {
        aliases: Object.fromEntries(Object.entries(aliases).reverse()),
        versions: [...versions].reverse(),
      }
      expect(aspiredVersions(backwards)).toEqual(aspired)
      expect(aspired).toEqual([...new Set(aspired)].sort((a, b) => a - b))
      const present = versions.map(({ version }) => version)
      expect(present).toEqual(expect.arrayContaining(aspired))
      expect(aspired.length > 0).toBe(present.length > 0)
    }),
  )
})
