import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  allocate,
  BIGINT_BOUNDS,
  canHold,
  DATATYPES,
  ELEMENTS_MAX,
  elementCount,
  formatShape,
  INTEGER_BOUNDS,
  rowElements,
} from '../../../src/shared/tensor.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

test.each([
  [[], 1],
  [[3], 3],
  [[2, 3, 4], 24],
  [[0, 4294967296], 0],
  [[4294967296, 0], -1],
  [[ELEMENTS_MAX], ELEMENTS_MAX],
  [[ELEMENTS_MAX + 1], -1],
  [[65536, 65536], -1],
  [[-1, 2], -1],
  [[1.5], -1],
  [[Number.NaN], -1],
  [[Number.POSITIVE_INFINITY], -1],
])('elementCount() of %j is %i', (shape, count) => {
  expect(elementCount(shape)).toBe(count)
})

test.each([
  [[-1], 1],
  [[-1, 3], 3],
  [[7, 2, 3], 6],
  [[-1, 0], 0],
  [[-1, -1], -1],
  [[-1, 2, -1], -1],
  [[-1, -1, -1], -1],
])('rowElements() of %j is %i', (shape, count) => {
  expect(rowElements(shape)).toBe(count)
})

test.each(DATATYPES)('allocate() gives %s elements that are zero', (datatype) => {
  const data = allocate(datatype, 3)
  expect(data).toHaveLength(3)
  for (const element of data) expect([0, 0n, '']).toContain(element)
})

test('the bounds of the integer datatypes are what their arrays hold, and no more', () => {
  for (const [datatype, [low, high]] of Object.entries(INTEGER_BOUNDS)) {
    const data = allocate(datatype as 'INT8', 1) as Int8Array
    for (const bound of [low, high]) {
      data[0] = bound
      expect(data[0]).toBe(bound)
    }
    for (const beyond of [low - 1, high + 1]) {
      data[0] = beyond
      expect(data[0]).not.toBe(beyond)
    }
  }
  for (const [datatype, [low, high]] of Object.entries(BIGINT_BOUNDS)) {
    const data = allocate(datatype as 'INT64', 1) as BigInt64Array
    for (const [value, isHeld] of [
      [low, true],
      [high, true],
      [low - 1n, false],
      [high + 1n, false],
    ] as const) {
      data[0] = value
      expect(data[0] === value).toBe(isHeld)
    }
  }
})

const NUMBERS = fc.oneof(
  fc.double(),
  fc.integer({ min: -300, max: 300 }),
  fc.constantFrom(0.5, 2 ** 31, 2 ** 32, -(2 ** 63), 2 ** 63, 2 ** 64, 3.4028235677973366e38),
)

const NUMERIC = DATATYPES.filter((datatype) => datatype !== 'BYTES')

test('canHold() takes the numbers that a tensor gives back, to the precision of its floats', () => {
  fc.assert(
    fc.property(fc.constantFrom(...NUMERIC), NUMBERS, (datatype, value) => {
      const data = allocate(datatype, 1) as Float64Array | BigInt64Array
      const isBig = datatype === 'INT64' || datatype === 'UINT64'
      const isWhole = Number.isInteger(value)
      if (!isBig || isWhole) data[0] = (isBig ? BigInt(value) : value) as never
      const back = Number(data[0])
      const isKept =
        datatype === 'FP32' || datatype === 'FP64'
          ? Number.isFinite(back) || Number.isNaN(value)
          : isWhole && back === value
      // The bytes of BOOL hold more than BOOL means.
      const isMeant = datatype !== 'BOOL' || value === 0 || value === 1
      expect(canHold(datatype, value)).toBe(isKept && isMeant)
    }),
    { numRuns: propertyRuns(1000) },
  )
})

test.each(DATATYPES)('canHold() takes text in BYTES only, not in %s', (datatype) => {
  expect(canHold(datatype, '')).toBe(datatype === 'BYTES')
  expect(canHold(datatype, '1')).toBe(datatype === 'BYTES')
  expect(canHold(datatype, 1)).toBe(datatype !== 'BYTES')
})

test('formatShape() is JSON', () => {
  const shapes = fc.array(fc.integer({ min: -1 }))
  fc.assert(
    fc.property(shapes, (shape) => {
      expect(JSON.parse(formatShape(shape))).toEqual(shape)
    }),
    { numRuns: propertyRuns() },
  )
})
