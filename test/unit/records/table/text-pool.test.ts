import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TextPool } from '../../../../src/records/table/text-pool.ts'

const texts = fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('a', 'b', '')), {
  maxLength: 300,
})

test('put() numbers every distinct text once, and gives it back', () => {
  fc.assert(
    fc.property(texts, (given) => {
      const pool = new TextPool()
      const byText = new Map<string, number>()
      for (const text of given) {
        const index = pool.putText(text)
        expect(pool.textAt(index)).toBe(text)
        expect(byText.get(text) ?? index).toBe(index)
        byText.set(text, index)
      }
      expect(pool.count).toBe(byText.size)
    }),
  )
})

test('put() and putText() number the same text alike', () => {
  fc.assert(
    fc.property(texts, (given) => {
      const pool = new TextPool()
      for (const text of given) {
        const bytes = new TextEncoder().encode(`..${text}.`)
        expect(pool.put(bytes, 2, bytes.length - 1)).toBe(pool.putText(text))
      }
    }),
  )
})

test('a pool of texts that differ keeps each of them', () => {
  const pool = new TextPool(false)
  const indices = ['a', 'a', 'b'].map((text) => pool.putText(text))
  expect(indices).toEqual([0, 1, 2])
  expect(indices.map((index) => pool.textAt(index))).toEqual(['a', 'a', 'b'])
})

test('put() keeps a text of ten million characters', () => {
  const pool = new TextPool()
  const text = 'é'.repeat(5_000_000)
  const index = pool.putText(text)
  expect(pool.textAt(index) === text).toBe(true)
  expect(pool.usedBytes).toBeGreaterThan(10_000_000)
})

test('clear() forgets all texts', () => {
  const pool = new TextPool()
  pool.putText('a')
  pool.putText('b')
  pool.clear()
  expect(pool.count).toBe(0)
  expect(pool.putText('b')).toBe(0)
  expect(pool.textAt(0)).toBe('b')
})
