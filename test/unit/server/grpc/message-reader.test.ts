import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MessageReader } from '../../../../src/server/grpc/message-reader.ts'
import { BodyBudget } from '../../../helpers/body-budget.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const framed = (content: Uint8Array, flag = 0): Buffer => {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt8(flag, 0)
  prefix.writeUInt32BE(content.length, 1)
  return Buffer.concat([prefix, content])
}

const cut = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const at = [0, ...cuts.map((one) => one % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

const CUTS = fc.array(fc.nat(), { maxLength: 12 })

test('MessageReader finds the messages however they are cut, and holds nothing behind them', () => {
  const messages = fc.array(fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.nat(1)), {
    maxLength: 6,
  })
  fc.assert(
    fc.property(messages, CUTS, (list, cuts) => {
      const budget = new BodyBudget(1000)
      const reader = new MessageReader(budget)
      const found: [Uint8Array, number][] = []
      for (const piece of cut(
        Buffer.concat(list.map(([bytes, flag]) => framed(bytes, flag))),
        cuts,
      )) {
        reader.push(piece)
        while (reader.next())
          found.push([Uint8Array.from(reader.content), Number(reader.isCompressed)])
        expect(reader.refusal).toBeNull()
      }
      expect(found).toEqual(list)
      expect(reader.isEmpty).toBe(true)
      reader.release()
      expect(budget.takenBytes).toBe(0)
    }),
    { numRuns: propertyRuns(200) },
  )
})

test('MessageReader lets what was not asked for wait', () => {
  const reader = new MessageReader(new BodyBudget(1000))
  reader.push(Buffer.concat([framed(Buffer.of(1)), framed(Buffer.of(2))]))
  expect(reader.next()).toBe(true)
  reader.push(framed(Buffer.of(3)).subarray(0, 3))
  expect([reader.next(), reader.content[0]]).toEqual([true, 2])
  expect([reader.next(), reader.isEmpty]).toEqual([false, false])
  reader.push(framed(Buffer.of(3)).subarray(3))
  expect([reader.next(), reader.content[0], reader.next()]).toEqual([true, 3, false])
})

test('MessageReader refuses a length beyond the limit as soon as it is known', () => {
  const lengths = fc.integer({ min: 1001, max: 2 ** 32 - 1 })
  fc.assert(
    fc.property(lengths, CUTS, (length, cuts) => {
      const reader = new MessageReader(new BodyBudget(1000))
      const prefix = Buffer.alloc(5)
      prefix.writeUInt32BE(length, 1)
      for (const piece of cut(prefix, cuts)) {
        reader.push(piece)
        expect(reader.next()).toBe(false)
      }
      expect(reader.refusal?.code).toBe('BODY_TOO_LARGE')
    }),
    { numRuns: propertyRuns(100) },
  )
})

test('MessageReader refuses a first byte that is no flag', () => {
  const reader = new MessageReader(new BodyBudget(1000))
  reader.push(Buffer.of(2, 0, 0, 0, 1, 1))
  expect([reader.next(), reader.refusal?.code]).toEqual([false, 'REQUEST_MALFORMED'])
})

test('MessageReader takes a message of several pieces out of the budget, and gives it back', () => {
  const budget = new BodyBudget(10_000, 6000)
  const reader = new MessageReader(budget)
  const bytes = framed(new Uint8Array(5000))
  reader.push(bytes.subarray(0, 100))
  expect(reader.next()).toBe(false)
  expect(budget.takenBytes).toBeGreaterThan(0)
  reader.push(bytes.subarray(100))
  expect([reader.next(), reader.content.length, reader.isEmpty]).toEqual([true, 5000, true])
  reader.release()
  expect(budget.takenBytes).toBe(0)
})

test('MessageReader refuses what exceeds the budget', () => {
  const reader = new MessageReader(new BodyBudget(10_000, 100))
  reader.push(framed(new Uint8Array(5000)).subarray(0, 3000))
  expect([reader.next(), reader.refusal?.code]).toEqual([false, 'BODY_BUDGET_EXHAUSTED'])
})
