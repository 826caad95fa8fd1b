import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findNearest, nearest, prepareNames } from '../../../src/shared/nearest.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const NAMES = ['distance', 'carrier', 'departure_minute', 'wind_speed', 'wind_gust']

test.each([
  ['distnce', 'distance'], // a letter lost
  ['distancee', 'distance'], // one too many
  ['idstance', 'distance'], // two swapped
  ['carier', 'carrier'],
  ['Carrier', 'carrier'], // another case
  ['windSpeed', 'wind_speed'], // another habit
  ['wind-gust', 'wind_gust'],
  ['departureMinute', 'departure_minute'],
  ['zebra', null],
  ['', null],
  ['x', null],
  ['temperature', null],
])('nearest() to %j is %j', (name, expected) => {
  expect(nearest(name, NAMES)).toBe(expected)
})

test('nearest() prefers the candidate with fewer edits, then the earlier one', () => {
  expect(nearest('wind_gusts', ['wind_guest', 'wind_gust'])).toBe('wind_gust')
  expect(nearest('abcdef', ['abcdex', 'abcdey'])).toBe('abcdex')
})

test('nearest() does not compare what is long, however near', () => {
  const long = 'x'.repeat(65)
  expect(nearest(long, [`${long}y`])).toBe(null)
  expect(nearest('x'.repeat(64), ['x'.repeat(65)])).toBe(null)
})

test('nearest() looks at a bounded number of candidates', () => {
  const candidates = [...Array(2000).fill('nothing like it'), 'distance']
  expect(nearest('distance', candidates)).toBe(null)
})

test.each([
  ['model_repo', 'model_repository'], // the beginning
  ['modelRepo', 'model_repository'],
  ['host', null], // that of several
  ['mod', null], // too short to be one
  ['model_repository_path', null], // the other way round
])('nearest() takes %j for the beginning of %j', (name, expected) => {
  const keys = ['model_repository', 'host_name', 'host_port', 'x']
  expect(nearest(name, keys)).toBe(expected)
  expect(nearest(name, prepareNames(keys))).toBe(expected)
})

/** Distance by the full table, as the books have it (optimal string alignment). */
const distance = (a: string, b: string): number => {
  const table = Array.from({ length: a.length + 1 }, (_, i) => [
    i,
    ...Array.from({ length: b.length }, (_, j) => (i === 0 ? j + 1 : 0)),
  ])
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      const [row, last] = [table[i]!, table[i - 1]!]
      row[j] = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + change)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) row[j] = Math.min(row[j]!, table[i - 2]![j - 2]! + 1)
    }
  }
  return table[a.length]![b.length]!
}

test('nearest() finds what full distances find', () => {
  const word = fc.stringMatching(/^[abc]{1,9}$/)
  const words = fc.array(word, { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(word, words, (name, candidates) => {
      const most = Math.min(3, Math.max(1, Math.floor(name.length / 3)))
      const distances = candidates.map((each) => distance(name, each))
      const least = Math.min(...distances)
      const found = nearest(name, candidates)
      if (least <= most) expect(found).toBe(candidates[distances.indexOf(least)])
      else expect(found === null || found.startsWith(name)).toBe(true)
    }),
    { numRuns: propertyRuns(500) },
  )
})

test.each([
  ['alike', (i: number) => `${'a'.repeat(56)}${String(i).padStart(4, '0')}`],
  ['of all kinds', (i: number) => `${i}`.repeat(20).slice(0, 60)],
  ['nearly the same', (i: number) => `${'ab'.repeat(28)}${'xyz'[i % 3]}${'pqr'[i % 2]}${i % 7}a`],
])('findNearest() looks at few cells of 2,000 long names that are %s', (_kind, nameOf) => {
  const names = prepareNames(Array.from({ length: 2000 }, (_, i) => nameOf(i)))
  const asked = ['a'.repeat(60), 'ab'.repeat(30), `${'1'.repeat(59)}x`, 'z'.repeat(60), nameOf(7)]
  for (const name of asked) {
    // The full tables would be 7,200,000 cells.
    expect(findNearest(name, names).steps).toBeLessThan(201_000)
  }
})

test('findNearest() gives a candidate up as soon as it is too far', () => {
  const names = prepareNames(Array.from({ length: 2000 }, (_, i) => `${i}`.padEnd(60, 'a')))
  const { name, steps } = findNearest('z'.repeat(60), names)
  expect(name).toBeNull()
  expect(steps).toBeLessThan(2000 * 25)
})

const names = fc.string({ minLength: 1, maxLength: 20 })

test('nearest() finds a candidate itself, and gives only candidates', () => {
  fc.assert(
    fc.property(names, fc.array(names), (name, others) => {
      expect([name, ...others]).toContain(nearest(name, [name, ...others]))
      const found = nearest(name, others)
      expect(found === null || others.includes(found)).toBe(true)
    }),
    { numRuns: propertyRuns() },
  )
})
