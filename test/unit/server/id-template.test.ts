import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdTemplate } from '../../../src/server/id-template.ts'

const sequence = fc.oneof(
  fc.integer({ min: 1, max: 200 }),
  fc.integer({ min: 8_900, max: 11_100 }),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
)

test('write() puts the id into both places, whatever numbers were written before', () => {
  const text = fc.string({ unit: 'binary', maxLength: 8 })
  const parts = fc.record({
    before: text,
    between: text,
    after: text,
    frontBytes: fc.nat({ max: 9 }),
    backBytes: fc.nat({ max: 9 }),
  })
  fc.assert(
    fc.property(parts, fc.array(sequence, { minLength: 1 }), (given, sequences) => {
      const template = new IdTemplate(given)
      for (const number of sequences) {
        const id = `gw.0.1-7-${number}`
        template.write('gw.0.1-7-', number)
        const { bytes, end } = template
        const written = Buffer.from(bytes.subarray(given.frontBytes, end))
        expect(written).toEqual(
          Buffer.from(`${given.before}${id}${given.between}${id}${given.after}`),
        )
        expect(bytes.length - end).toBe(given.backBytes)
        const view = template.view(given.frontBytes, end)
        expect([view.buffer, Buffer.from(view)]).toEqual([bytes.buffer, written])
      }
    }),
  )
})
