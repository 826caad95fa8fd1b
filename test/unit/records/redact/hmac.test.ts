import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf } from '../../../../src/records/redact/hmac.ts'
import { anyText } from '../../../helpers/record-cases.ts'

test('digestOf() is HMAC-SHA-256: a vector of RFC 4231', () => {
  expect(digestOf('Jefe')('what do ya want for nothing?')).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
})

/** Keys and texts on both sides of every bound: of a block, and of what is kept room for. */
const anyLength = fc
  .tuple(anyText, fc.constantFrom(0, 1, 63, 64, 65, 1023, 1024, 1025, 5000))
  .map(([text, length]) => text.padEnd(length, 'aж€'))

test('digestOf() is what node:crypto says, whatever the key and the texts, one after the other', () => {
  fc.assert(
    fc.property(anyLength, fc.array(anyLength, { minLength: 1 }), (key, texts) => {
      const digest = digestOf(key)
      for (const text of texts) {
        const wanted = createHmac('sha256', Buffer.from(key, 'utf8')).update(text, 'utf8')
        expect(digest(text)).toBe(wanted.digest('hex'))
      }
    }),
  )
})
