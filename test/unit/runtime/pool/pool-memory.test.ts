import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  hasPayload,
  mapPool,
  payloadViews,
  poolBytes,
} from '../../../../src/runtime/pool/pool-memory.ts'
import { poolShape, SLOTS_PER_THREAD } from '../../../../src/runtime/pool/pool-shape.ts'
import type { BatchPolicy } from '../../../../src/shared/epoch-plan.ts'
import type { TensorSignature } from '../../../../src/shared/tensor.ts'
import { plannedVersion } from '../../../helpers/epoch-plans.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'
import { rowShapes, signaturesOf } from '../../../helpers/tensor-plans.ts'

const MIB = 1024 * 1024
const NUMBERS = ['BOOL', 'UINT8', 'INT16', 'INT32', 'UINT64', 'FP32', 'FP64'] as const

const versionOf = (
  inputs: readonly TensorSignature[],
  outputs: readonly TensorSignature[],
  more: Partial<BatchPolicy> = {},
) =>
  plannedVersion({
    ...{ model: 'm', version: 1, signature: { inputs, outputs } },
    batching: { rowsMax: 32, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0, ...more },
  })

const floats = (name: string, ...shape: number[]): TensorSignature => ({
  name,
  datatype: 'FP32',
  shape,
})

test('mapPool() gives no column a byte of another, whatever is written', () => {
  const tensors = signaturesOf('x', rowShapes, NUMBERS)
  fc.assert(
    fc.property(tensors, tensors, fc.integer({ min: 1, max: 3 }), (inputs, outputs, threads) => {
      const shape = poolShape(versionOf(inputs, outputs, { rowsMax: 3 }), threads)
      const pool = mapPool(new SharedArrayBuffer(poolBytes(shape)), shape)
      pool.slotDoubles.fill(7.5)
      pool.slotWords.fill(7)
      const slots = [0, 1, shape.payloads - 1, (threads - 1) * SLOTS_PER_THREAD]
      const views = [...new Set(slots)].flatMap((slot) => [
        ...payloadViews(pool, slot, 'inputs'),
        ...payloadViews(pool, slot, 'outputs'),
      ])
      for (const [i, view] of views.entries()) {
        for (let at = 0; at < view.length; at++) {
          view[at] = (typeof view[at] === 'bigint' ? BigInt(i % 100) : i % 100) as never
        }
      }
      for (const [i, view] of views.entries()) {
        expect([...view].every((value) => Number(value) === i % 100)).toBe(true)
      }
      expect(pool.slotDoubles.every((value) => value === 7.5)).toBe(true)
      expect(pool.slotWords.every((value) => value === 7)).toBe(true)
    }),
    { numRuns: propertyRuns(30) },
  )
})

test('poolShape() keeps the payloads of a version within 8 MiB, and a row of 256 KiB in one', () => {
  const wide = poolShape(versionOf([floats('x', -1, 30_000)], [floats('y', -1, 1)]), 2)
  expect([wide.slotRows, wide.payloads]).toEqual([1, 34])
  for (const width of [1, 30, 500, 3000, 60_000]) {
    for (const threads of [1, 2, 4]) {
      const shape = poolShape(versionOf([floats('x', -1, width)], [floats('y', -1, 1)]), threads)
      expect(shape.slotRows).toBeGreaterThan(0)
      expect(shape.payloads * threads * shape.payloadBytes).toBeLessThanOrEqual(8 * MIB)
      expect(poolBytes(shape)).toBeLessThan(8 * MIB + threads * 300 * 1024)
    }
  }
})

test('poolShape() has room for a full batch of the usual rows', () => {
  const shape = poolShape(versionOf([floats('x', -1, 30)], [floats('y', -1, 1)]), 2)
  expect(shape.slotRows).toBe(32)
})

test.each([
  ['text', versionOf([{ name: 'x', datatype: 'BYTES', shape: [-1, 1] }], [floats('y', -1, 1)])],
  [
    'text to answer',
    versionOf([floats('x', -1, 1)], [{ name: 'y', datatype: 'BYTES', shape: [-1] }]),
  ],
  ['a free dimension', versionOf([floats('x', -1, -1)], [floats('y', -1, 1)])],
  ['answers of unknown size', versionOf([floats('x', -1, 2)], [floats('y', -1, -1)])],
  ['a scalar to answer', versionOf([floats('x', -1, 2)], [floats('y')])],
  ['no row dimension', versionOf([floats('x', 2)], [floats('y', 2)], { rowsMax: 0 })],
  ['rows that are too large', versionOf([floats('x', -1, 70_000)], [floats('y', -1, 1)])],
])('poolShape() has no payloads for %s', (_, planned) => {
  const shape = poolShape(planned, 2)
  const pool = mapPool(new SharedArrayBuffer(poolBytes(shape)), shape)
  expect([shape.slotRows, shape.payloads, hasPayload(pool, 0)]).toEqual([0, 0, false])
})

test('mapPool() refuses a block of another size', () => {
  const shape = poolShape(versionOf([floats('x', -1, 2)], [floats('y', -1, 2)]), 1)
  expect(() => mapPool(new SharedArrayBuffer(64), shape)).toThrow(RangeError)
})
