import { expect, test } from 'vitest'
import { boundsOf } from '../../../src/config/profile-bounds.ts'

const category = (value: string | number, count = 1) => ({ value, count })

test('boundsOf() gives the range of numbers, and null where the profile has none', () => {
  expect(
    boundsOf([
      { name: 'a', min: -1.5, max: 3 },
      { name: 'b', min: null },
    ]),
  ).toEqual([
    { name: 'a', min: -1.5, max: 3, categories: [], moreCategories: 0 },
    { name: 'b', min: null, max: null, categories: [], moreCategories: 0 },
  ])
})

test('boundsOf() lists the most frequent categories first, as text', () => {
  const categories = [category('rare', 1), category('usual', 9), category(7, 5), category('b', 5)]
  expect(boundsOf([{ name: 'a', categories }])).toMatchObject([
    { categories: ['usual', '7', 'b', 'rare'], moreCategories: 0 },
  ])
})

test('boundsOf() lists at most 50 categories of a feature and counts the others', () => {
  const categories = Array.from({ length: 5000 }, (_, i) => category(`c${i}`, 5000 - i))
  const [bounds] = boundsOf([{ name: 'a', categories }])
  expect(bounds?.categories).toEqual(categories.slice(0, 50).map(({ value }) => value))
  expect(bounds?.moreCategories).toBe(4950)
})

test('boundsOf() lists no category of more than 64 characters', () => {
  const categories = [category('x'.repeat(65), 9), category('x'.repeat(64), 1)]
  expect(boundsOf([{ name: 'a', categories }])).toMatchObject([
    { categories: ['x'.repeat(64)], moreCategories: 1 },
  ])
})

test('boundsOf() keeps a version of 1,000 features of 50 categories below 200 KB of those', () => {
  const categories = Array.from({ length: 50 }, (_, i) => category(`${i}`.padStart(64, 'x')))
  const features = Array.from({ length: 1000 }, (_, i) => ({ name: `f${i}`, categories }))
  const listed = boundsOf(features).map((bounds) => bounds.categories)
  expect(listed.flat()).toHaveLength(2000)
  expect(JSON.stringify(listed).length).toBeLessThan(200_000)
})
