import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeyRing } from '../../../src/server/key-ring.ts'

const sha256 = (text: string) => createHash('sha256').update(text, 'latin1').digest('hex')

test('find() gives the place of every key, and -1 for all others', () => {
  const key = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(fc.uniqueArray(key, { maxLength: 20 }), key, (keys, other) => {
      const ring = new KeyRing(keys.map(sha256))
      expect(keys.map((each) => ring.find(each))).toEqual(keys.map((_, i) => i))
      expect(ring.find(other)).toBe(keys.indexOf(other))
    }),
  )
})

test('find() knows no digest that differs in one bit', () => {
  const digest = Buffer.from(sha256('the key'), 'hex')
  for (let bit = 0; bit < 256; bit++) {
    const near = Buffer.from(digest)
    near[bit >> 3]! ^= 1 << (bit & 7)
    expect(new KeyRing([near.toString('hex')]).find('the key')).toBe(-1)
  }
})

test.each([[''], ['x'.repeat(513)]])('find() takes no key of such a length: %j', (key) => {
  expect(new KeyRing([sha256(key)]).find(key)).toBe(-1)
})

test('find() of a ring without keys finds none', () => {
  expect(new KeyRing([]).find('any')).toBe(-1)
})

test('find() reads a header as bytes', () => {
  expect(new KeyRing([sha256('\xe4\xff')]).find('\xe4\xff')).toBe(0)
})
