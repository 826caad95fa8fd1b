import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  BATCH_AT,
  BATCH_DOUBLES,
  BATCH_SIZES,
  batchIndex,
  batchRowsMax,
  batchSizeOf,
  PROTOCOLS,
  parseSlotKey,
  REASON_ABORTED,
  REASON_OK,
  REASONS,
  reasonIndex,
  reasonName,
  requestsIndex,
  SECONDS_AT,
  SLOT_DOUBLES,
  type SlotKey,
  slotKeyText,
  TOTAL_AT,
} from '../../../src/shared/counters.ts'
import { ERROR_CODES } from '../../../src/shared/errors.ts'

/** As they were given out. A line may be added; none may change, also when its code is retired. */
const GIVEN = {
  REQUEST_MALFORMED: 2,
  REQUEST_TOO_DEEP: 3,
  DUPLICATE_KEY: 4,
  TENSOR_SHAPE_MISMATCH: 5,
  TENSOR_DATATYPE_MISMATCH: 6,
  INPUT_VALUE_INVALID: 7,
  INPUT_MISSING: 8,
  INPUT_UNKNOWN: 9,
  OUTPUT_UNKNOWN: 10,
  BODY_TOO_LARGE: 11,
  ENCODING_UNSUPPORTED: 12,
  METHOD_NOT_ALLOWED: 13,
  ROUTE_NOT_FOUND: 14,
  ENDPOINT_NOT_FOUND: 15,
  MODEL_NOT_FOUND: 16,
  VERSION_NOT_FOUND: 17,
  VERSION_NOT_READY: 18,
  FORBIDDEN: 19,
  QUEUE_FULL: 20,
  BODY_BUDGET_EXHAUSTED: 21,
  INFERENCE_FAILED: 22,
  OUTPUT_NOT_FINITE: 23,
  INTERNAL: 24,
  MODEL_INVALID: 25,
  MODEL_UNSAFE: 26,
  MANIFEST_INVALID: 27,
  DIGEST_MISMATCH: 28,
  MODEL_CONFIG_INVALID: 29,
  PROVING_CRASHED: 30,
  PROVING_TIMEOUT: 31,
  PROVING_MEMORY: 32,
  PREPARE_FAILED: 33,
  BINDING_FAILED: 34,
  CONFIG_INVALID: 35,
  REPOSITORY_UNREADABLE: 36,
  PORT_IN_USE: 37,
  STATE_DIR_LOCKED: 38,
  STATE_TOO_NEW: 39,
  STATE_CORRUPT: 40,
  SOCKET_PATH_TOO_LONG: 41,
  CONTROL_UNREACHABLE: 42,
  STATE_DIR_INVALID: 43,
  STATE_UNWRITABLE: 44,
  REPLICAS_UNREACHABLE: 45,
  SERVER_TIMEOUT: 46,
  ANSWER_TOO_LARGE: 47,
  ENCODING_RATIO_EXCEEDED: 48,
  CONTROL_BUSY: 49,
  NOT_IMPLEMENTED: 50,
  EXTENSION_UNSUPPORTED: 51,
} as const

test.each(Object.entries(GIVEN))(
  'reasonName() of the number of %s is that code',
  (code, number) => {
    expect(reasonName(number)).toBe(code)
  },
)

test('reasonIndex() gives every code a number of its own, below the end of the block', () => {
  const numbers = ERROR_CODES.map(reasonIndex)
  expect(ERROR_CODES.map((code) => reasonName(reasonIndex(code)))).toEqual(ERROR_CODES)
  expect(new Set(numbers).size).toBe(numbers.length)
  expect(Math.min(...numbers)).toBeGreaterThan(REASON_ABORTED)
  expect(Math.max(...numbers)).toBeLessThan(REASONS)
  expect([reasonName(REASON_OK), reasonName(REASON_ABORTED)]).toEqual(['ok', 'aborted'])
  expect(reasonName(REASONS - 1)).toBe('')
})

test('requestsIndex() gives every pair its own place before the histograms', () => {
  const all = PROTOCOLS.flatMap((_, protocol) =>
    Array.from({ length: REASONS }, (_unused, reason) => requestsIndex(protocol, reason)),
  )
  expect(new Set(all).size).toBe(all.length)
  expect(Math.max(...all)).toBe(TOTAL_AT - 1)
})

test('batchSizeOf() tells sizes up to 128 apart, and above them powers of two', () => {
  const rows = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 2 ** 31 }))
  fc.assert(
    fc.property(rows, (rows) => {
      const size = batchSizeOf(rows)
      expect(rows).toBeLessThanOrEqual(batchRowsMax(size))
      if (size > 0) expect(rows).toBeGreaterThan(batchRowsMax(size - 1))
    }),
  )
  const all = Array.from({ length: BATCH_SIZES }, (_, size) => batchRowsMax(size))
  expect(all.slice(0, 128)).toEqual(Array.from({ length: 128 }, (_, i) => i + 1))
  expect(all.slice(128)).toEqual([
    ...[8, 9, 10, 11, 12, 13, 14, 15, 16].map((n) => 2 ** n),
    Infinity,
  ])
  expect(batchSizeOf(0)).toBe(0)
})

test('SECONDS_AT and batchIndex() name places of their own, up to the end of the slot', () => {
  const sizes = Array.from({ length: BATCH_SIZES }, (_, size) => batchRowsMax(size))
  const runs = sizes.map((rows) => batchIndex(Math.min(rows, 2 ** 20)))
  expect(runs).toEqual(runs.map((_, size) => BATCH_AT + size * BATCH_DOUBLES))
  expect(runs.at(-1)! + BATCH_DOUBLES).toBe(SLOT_DOUBLES)
  const all = [...SECONDS_AT, ...runs]
  expect(new Set(all).size).toBe(all.length)
  expect(Math.max(...all)).toBe(SLOT_DOUBLES - 1)
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
