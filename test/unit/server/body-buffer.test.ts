import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyBuffer, isTransferEncodingKnown } from '../../../src/server/body-buffer.ts'
import { BodyBudget } from '../../helpers/body-budget.ts'

const bytes = (length: number, value = 1) => new Uint8Array(length).fill(value)

test('BodyBuffer reserves what came, not what was declared', () => {
  const budget = new BodyBudget(1024 * 1024 * 1024)
  const buffer = new BodyBuffer(budget, 1024 * 1024 * 1024)
  buffer.append(bytes(10))
  expect(budget.takenBytes).toBeLessThanOrEqual(4 * 1024)
})

test('BodyBuffer lets thousands of clients begin chunked bodies within the default budget', () => {
  const budget = new BodyBudget(64 * 1024 * 1024, 256 * 1024 * 1024)
  const buffers = Array.from({ length: 20_000 }, () => new BodyBuffer(budget, Infinity))
  for (const buffer of buffers) {
    buffer.append(bytes(1))
    expect(buffer.refusal).toBeNull()
  }
})

test('BodyBuffer reserves no more than the declared length needs', () => {
  const budget = new BodyBudget(1_000_000)
  const buffer = new BodyBuffer(budget, 3000)
  buffer.append(bytes(100))
  expect(budget.takenBytes).toBe(3000)
  buffer.append(bytes(2900))
  expect(budget.takenBytes).toBe(3000)
})

test('BodyBuffer gives everything back when it refuses, and counts what it drops', () => {
  const budget = new BodyBudget(5000)
  const buffer = new BodyBuffer(budget, Number.POSITIVE_INFINITY)
  buffer.append(bytes(5000))
  expect(buffer.refusal).toBeNull()
  buffer.append(bytes(1))
  expect(buffer.refusal?.code).toBe('BODY_TOO_LARGE')
  expect(budget.takenBytes).toBe(0)
  expect(buffer.view()).toHaveLength(0)
  expect(buffer.isHopeless).toBe(false)
  buffer.append(bytes(5000))
  expect(buffer.isHopeless).toBe(true)
})

test('BodyBuffer refuses for the budget although there was room for the first piece', () => {
  const budget = new BodyBudget(1_000_000, 64 * 1024)
  const buffer = new BodyBuffer(budget, Number.POSITIVE_INFINITY)
  buffer.append(bytes(60_000))
  expect(buffer.refusal).toBeNull()
  buffer.append(bytes(60_000))
  expect(buffer.refusal?.code).toBe('BODY_BUDGET_EXHAUSTED')
  expect(budget.takenBytes).toBe(0)
})

test('BodyBuffer is the sum of its pieces, or one refusal; the budget ends as it began', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 })
  const declared = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(40_000))
  fc.assert(
    fc.property(pieces, declared, fc.nat(30_000), fc.nat(200_000), (all, length, max, room) => {
      const budget = new BodyBudget(max, room)
      const buffer = new BodyBuffer(budget, length)
      for (const piece of all) buffer.append(piece)
      const sum = Buffer.concat(all)
      if (buffer.refusal === null) {
        expect(sum.equals(buffer.view())).toBe(true)
        expect(sum.length).toBeLessThanOrEqual(max)
      } else if (buffer.refusal.code === 'BODY_TOO_LARGE') {
        const isDeclaredTooLarge = length !== Number.POSITIVE_INFINITY && length > max
        expect(isDeclaredTooLarge || sum.length > max).toBe(true)
      } else {
        expect(room).toBeLessThan(130_000)
      }
      buffer.release()
      expect(budget.takenBytes).toBe(0)
    }),
  )
})

test('isTransferEncodingKnown() takes chunked alone, in any case', () => {
  for (const known of ['', 'chunked', 'Chunked']) expect(isTransferEncodingKnown(known)).toBe(true)
  for (const foreign of ['identity', 'gzip, chunked', 'chunked, chunked', ' chunked', 'xchunked']) {
    expect(isTransferEncodingKnown(foreign)).toBe(false)
  }
})
