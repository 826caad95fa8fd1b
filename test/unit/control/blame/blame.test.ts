import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BLAME_MS, blamed, type SuspectDeath } from '../../../../src/control/blame/blame.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

/** `A`: it was running; `a`: it was the last that ran. */
const death = (suspects: string, atMs = 0, hadOthers = true): SuspectDeath => ({
  atMs,
  hadOthers,
  suspects: [...suspects].map((letter) => ({
    identity: letter.toLowerCase(),
    isCertain: letter !== letter.toLowerCase(),
  })),
})

const blamedOf = (...deaths: string[]) =>
  blamed(
    deaths.map((each) => death(each)),
    0,
  )

test.each([
  [['A'], null],
  [['A', 'A'], 'a'],
  [['A', 'a'], 'a'],
  // Weak evidence needs one death more.
  [['a', 'a'], null],
  [['a', 'a', 'a'], 'a'],
  // Both must agree on one, and on no other.
  [['AB', 'AB'], null],
  [['AB', 'A'], 'a'],
  [['AB', 'BC'], 'b'],
  [['A', 'B'], null],
  [['A', 'B', 'A', 'B'], 'a'],
  [['Ab', 'Ab', 'Ab'], null],
  [['', '', ''], null],
])('blamed() of deaths %j is %j', (deaths, expected) => {
  expect(blamedOf(...deaths)).toBe(expected)
})

test('blamed() forgets after a minute', () => {
  const deaths = [death('A', 0), death('A', 1000)]
  expect(blamed(deaths, BLAME_MS)).toBe('a')
  expect(blamed(deaths, BLAME_MS + 1)).toBeNull()
})

test('blamed() never blames the only version for being the last that ran', () => {
  expect(blamed(Array(20).fill(death('a', 0, false)), 0)).toBeNull()
  expect(blamed([death('A', 0, false), death('A', 0, false)], 0)).toBe('a')
})

test('blamed() names only what two deaths have in common, whatever their order', () => {
  const anyDeath = fc
    .array(fc.constantFrom(...'aAbBcC'), { maxLength: 4 })
    .map((letters) => death(letters.join('')))
  fc.assert(
    fc.property(fc.array(anyDeath, { maxLength: 6 }), (deaths) => {
      const named = blamed(deaths, 0)
      if (named === null) return
      const own = deaths.filter(({ suspects }) => suspects.some((each) => each.identity === named))
      expect(own.length).toBeGreaterThanOrEqual(2)
      expect(blamed([...deaths].reverse(), 0)).not.toBeNull()
    }),
    { numRuns: propertyRuns() },
  )
})
