import { expect, test } from 'vitest'
import { boundsOf, type ProfiledFeature } from '../../../src/registry/profile-bounds.ts'

const category = (value: string | number, count = 1) => ({ value, count })

/** Of a version that has all features of the profile. */
const boundsOfAll = (profiled: readonly ProfiledFeature[]) => boundsOf(profiled, profiled)

test('boundsOf() gives the range of numbers, and null where the profile has none', () => {
  expect(
    boundsOfAll([
      { name: 'a', min: -1.5, max: 3 },
      { name: 'b', min: null },
    ]),
  ).toEqual([
    { name: 'a', min: -1.5, max: 3, categories: [], moreCategories: 0 },
    { name: 'b', min: null, max: null, categories: [], moreCategories: 0 },
  ])
})

test('boundsOf() has the features of the manifest only, in its order', () => {
  const profiled = ['a', 'b', 'c'].map((name) => ({ name }))
  const bounds = boundsOf(profiled, [{ name: 'c' }, { name: 'x' }, { name: 'a' }])
  expect(bounds.map(({ name }) => name)).toEqual(['c', 'a'])
})

test('boundsOf() lists the most frequent categories first, as text, each once', () => {
  const categories = [
    ...[category('rare', 1), category('usual', 9), category(7, 5), category('b', 5)],
    ...[category('7', 4), category(7.5, 1)],
  ]
  expect(boundsOfAll([{ name: 'a', categories }])).toMatchObject([
    { categories: ['usual', '7', 'b', 'rare', '7.5'], moreCategories: 0 },
  ])
})

test('boundsOf() lists at most 50 categories of a feature and counts the others', () => {
  const categories = Array.from({ length: 5000 }, (_, i) => category(`c${i}`, 5000 - i))
  const [bounds] = boundsOfAll([{ name: 'a', categories }])
  expect(bounds?.categories).toEqual(categories.slice(0, 50).map(({ value }) => value))
  expect(bounds?.moreCategories).toBe(4950)
})

test('boundsOf() lists no category of more than 64 characters', () => {
  const categories = [category('x'.repeat(65), 9), category('x'.repeat(64), 1)]
  expect(boundsOfAll([{ name: 'a', categories }])).toMatchObject([
    { categories: ['x'.repeat(64)], moreCategories: 1 },
  ])
})

test('boundsOf() keeps a version of 10,000 features of 50 categories within 128 KiB', () => {
  const categories = Array.from({ length: 50 }, (_, i) => category(`${i}`.padStart(64, 'ä')))
  const features = Array.from({ length: 10_000 }, (_, i) => ({ name: `f${i}`, categories }))
  const bounds = boundsOfAll([...features, { name: 'last', min: 1 }])
  expect(Buffer.byteLength(JSON.stringify(bounds))).toBeLessThan(132_000)
  expect(bounds.length).toBeGreaterThan(18)
  expect(bounds.at(-1)?.name).toBe('last')
})
