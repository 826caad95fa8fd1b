import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  BATCH_SIZE_SLOTS,
  batchSizeSlot,
  PROTOCOLS,
  parseSlotKey,
  REASONS,
  reasonIndex,
  reasonName,
  requestsIndex,
  type SlotKey,
  slotKeyText,
  TOTAL_AT,
} from '../../../src/shared/counters.ts'
import { ERROR_CODES } from '../../../src/shared/errors.ts'

test('reasonName() names what reasonIndex() numbers, and there is room for codes to come', () => {
  for (const code of ERROR_CODES) expect(reasonName(reasonIndex(code))).toBe(code)
  expect([reasonName(0), reasonName(1), reasonName(REASONS - 1)]).toEqual(['ok', 'aborted', ''])
  expect(reasonIndex(ERROR_CODES.at(-1)!)).toBeLessThan(REASONS)
})

test('requestsIndex() gives every pair its own place before the histograms', () => {
  const all = PROTOCOLS.flatMap((_, protocol) =>
    Array.from({ length: REASONS }, (_unused, reason) => requestsIndex(protocol, reason)),
  )
  expect(new Set(all).size).toBe(all.length)
  expect(Math.max(...all)).toBe(TOTAL_AT - 1)
})

test('batchSizeSlot() holds up to two to the power of its index', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 20 }), (rows) => {
      const slot = batchSizeSlot(rows)
      if (slot < BATCH_SIZE_SLOTS - 1) expect(rows).toBeLessThanOrEqual(2 ** slot)
      if (slot > 0) expect(rows).toBeGreaterThan(2 ** (slot - 1))
    }),
  )
})

test('parseSlotKey() reads what slotKeyText() wrote, whatever the names', () => {
  const key: fc.Arbitrary<SlotKey> = fc.record({
    endpoint: fc.string({ unit: 'binary' }),
    model: fc.string(),
    version: fc.string(),
    variant: fc.string(),
    role: fc.constantFrom('answer', 'refused'),
  })
  fc.assert(
    fc.property(key, (one) => {
      expect(parseSlotKey(slotKeyText(one))).toEqual({ ...one })
    }),
  )
})
