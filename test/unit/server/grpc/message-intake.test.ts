import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MessageIntake } from '../../../../src/server/grpc/message-intake.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const framed = (length: number): Buffer => {
  const bytes = Buffer.alloc(length + 5, 1)
  bytes.writeUInt8(0, 0)
  bytes.writeUInt32BE(length, 1)
  return bytes
}

const withBudget = (budgetBytes: number, bodyBytesMax = 1000) => {
  const held = { bytes: 0 }
  const takeBodyBytes = (bytes: number): boolean => {
    if (bytes > 0 && held.bytes + bytes > budgetBytes) return false
    held.bytes += bytes
    return true
  }
  return { held, intake: new MessageIntake({ bodyBytesMax, takeBodyBytes }) }
}

const pieces = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

test('MessageIntake takes messages however they are cut, and holds nothing between them', () => {
  const lengths = fc.array(fc.nat(300), { minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(lengths, fc.array(fc.nat(), { maxLength: 12 }), (list, cuts) => {
      const { held, intake } = withBudget(Infinity)
      for (const piece of pieces(Buffer.concat(list.map(framed)), cuts)) {
        expect(intake.take(piece)).toBeNull()
        expect(held.bytes).toBeGreaterThanOrEqual(0)
      }
      expect(intake.isBetween).toBe(true)
      expect(held.bytes).toBe(0)
    }),
    { numRuns: propertyRuns(100) },
  )
})

test('MessageIntake refuses a length beyond the limit as soon as it is known', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1001, max: 2 ** 32 - 1 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      (length, cuts) => {
        const { intake } = withBudget(Infinity)
        const prefix = Buffer.alloc(5)
        prefix.writeUInt32BE(length, 1)
        const refusals = pieces(prefix, cuts).map((piece) => intake.take(piece))
        expect(refusals.find((refusal) => refusal !== null)?.code).toBe('BODY_TOO_LARGE')
      },
    ),
    { numRuns: propertyRuns(100) },
  )
})

test('MessageIntake refuses a whole message beyond the limit', () => {
  expect(withBudget(Infinity).intake.take(framed(1001))?.code).toBe('BODY_TOO_LARGE')
})

test('MessageIntake holds what waits for its rest, and gives it back', () => {
  const { held, intake } = withBudget(10_000)
  expect(intake.take(framed(900).subarray(0, 500))).toBeNull()
  expect(held.bytes).toBeGreaterThanOrEqual(500)
  intake.release()
  expect(held.bytes).toBe(0)
})

test('MessageIntake counts an object for each piece, so that single bytes are no bargain', () => {
  const { held, intake } = withBudget(Infinity)
  for (const byte of framed(900).subarray(0, 300)) intake.take(Buffer.of(byte))
  expect(held.bytes).toBeGreaterThan(300 * 100)
})

test('MessageIntake refuses what exceeds the budget', () => {
  expect(withBudget(100).intake.take(framed(900).subarray(0, 500))?.code).toBe(
    'BODY_BUDGET_EXHAUSTED',
  )
})

test('MessageIntake refuses a message that begins with no flag', () => {
  for (const cut of [0, 1, 5, 12]) {
    const { intake } = withBudget(Infinity)
    const bytes = Buffer.concat([framed(2), Buffer.from([2]), framed(2).subarray(1)])
    const refusals = pieces(bytes, [cut]).map((piece) => intake.take(piece))
    expect(refusals.find((refusal) => refusal !== null)?.code).toBe('REQUEST_MALFORMED')
  }
})
