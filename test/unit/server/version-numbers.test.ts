import fc from 'fast-check'
import { expect, test } from 'vitest'
import { VersionNumbers } from '../../../src/server/version-numbers.ts'
import { plannedVersion } from '../../helpers/epoch-plans.ts'

const anyVersion = fc
  .record({
    model: fc.constantFrom('a', 'b', 'a v1'),
    version: fc.integer({ min: 1, max: 3 }),
    provenSha256: fc.constantFrom('x', 'y'),
  })
  .map((given) => ({ ...plannedVersion(given), ...given }))

const keyOf = ({ model, version, provenSha256 }: ReturnType<typeof plannedVersion>) =>
  JSON.stringify([model, version, provenSha256])

test('numberOf() is the same for the same proven bytes and another for all others', () => {
  fc.assert(
    fc.property(fc.array(anyVersion, { maxLength: 40 }), (all) => {
      const numbers = new VersionNumbers()
      const given = new Map<string, number>()
      for (const version of all) {
        const number = numbers.numberOf(version)
        expect(number).toBeGreaterThan(0)
        expect(given.get(keyOf(version)) ?? number).toBe(number)
        given.set(keyOf(version), number)
        expect(numbers.nameOf(number)).toBe(`${version.model} v${version.version}`)
      }
      expect(new Set(given.values()).size).toBe(given.size)
    }),
  )
})

test('numberOf() takes a version with another batch policy for the same one', () => {
  const numbers = new VersionNumbers()
  const version = plannedVersion({ model: 'a', version: 1 })
  const batching = { ...version.batching, rowsMax: 1 }
  expect(numbers.numberOf({ ...version, batching })).toBe(numbers.numberOf(version))
})

test('nameOf() is empty for what was never given out', () => {
  const numbers = new VersionNumbers()
  numbers.numberOf(plannedVersion({ model: 'a', version: 1 }))
  expect([0, 2, -1].map((number) => numbers.nameOf(number))).toEqual(['', '', ''])
})
