import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KeySlots } from '../../../src/server/key-slots.ts'
import type { PlannedKey } from '../../../src/shared/access-plan.ts'

const key = (sha256: string): PlannedKey => ({
  name: sha256,
  sha256,
  endpoints: null,
  priority: 0,
  rate: null,
})

test('assign() keeps the word of a key, gives each its own, and begins new ones at zero', () => {
  const names = fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { maxLength: 8 })
  fc.assert(
    fc.property(fc.array(names, { maxLength: 8 }), (rounds) => {
      const slots = new KeySlots()
      let before = new Map<string, number>()
      for (const round of rounds) {
        const indices = slots.assign(round.map(key))
        const now = new Map(round.map((name, i) => [name, indices[i]!]))
        expect(new Set(indices).size).toBe(indices.length)
        for (const [name, index] of now) {
          if (before.has(name)) expect(index).toBe(before.get(name))
          else expect(slots.words[index]).toBe(0n)
          slots.words[index] = 7n
        }
        before = now
      }
    }),
  )
})
