import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearest } from '../../../src/shared/nearest.ts'

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

const names = fc.string({ minLength: 1, maxLength: 20 })

test('nearest() finds a candidate itself, and gives only candidates', () => {
  fc.assert(
    fc.property(names, fc.array(names), (name, others) => {
      expect([name, ...others]).toContain(nearest(name, [name, ...others]))
      const found = nearest(name, others)
      expect(found === null || others.includes(found)).toBe(true)
    }),
  )
})
