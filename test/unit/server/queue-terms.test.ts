import { describe, expect, test } from 'vitest'
import type { Grant } from '../../../src/server/access.ts'
import type { Pending } from '../../../src/server/pending.ts'
import {
  admitTimeout,
  NO_TERMS,
  takeTerms,
  termPolicies,
  termsOf,
} from '../../../src/server/queue-terms.ts'
import { FEATURES, GRPC, OIP, TFS } from '../../../src/server/wire-formats.ts'
import { DEFAULT_QUEUE, type QueuePolicies } from '../../../src/shared/queue-policy.ts'

const LIMITS = { timeoutMsDefault: 0, timeoutMsMax: 60_000 }

describe('admitTimeout()', () => {
  test.each([
    ['250', 250],
    ['0', 0],
    ['1.5', 1.5],
    ['999999999999', 60_000],
    ['', Infinity],
  ])('takes %j for %d milliseconds', (sent, ms) => {
    expect(admitTimeout(sent, LIMITS)).toBe(ms)
  })

  test('grants the default to who says nothing', () => {
    expect(admitTimeout('', { ...LIMITS, timeoutMsDefault: 100 })).toBe(100)
    expect(admitTimeout('200', { ...LIMITS, timeoutMsDefault: 100 })).toBe(200)
  })

  test.each(['-1', '1e3', '0x10', '1s', ' 1', '1, 2', 'NaN', '1.', '.5', '9'.repeat(13), '\ud800'])(
    'refuses %j, and says what is wanted',
    (sent) => {
      expect(admitTimeout(sent, LIMITS)).toMatchObject({
        code: 'REQUEST_MALFORMED',
        detail: expect.stringMatching(/^x-sluice-timeout-ms must be a number of milliseconds/),
      })
    },
  )
})

const QUEUE: QueuePolicies = {
  levels: 2,
  defaultLevel: 2,
  base: { ...DEFAULT_QUEUE.base, defaultTimeoutUs: 1000 },
  byLevel: { 1: { ...DEFAULT_QUEUE.base, defaultTimeoutUs: 5000, allowTimeoutOverride: true } },
}

const asked = (askedPriority: number, askedTimeoutUs: number, grant: Grant | null = null) => ({
  askedPriority,
  askedTimeoutUs,
  exchange: { startedMs: 100, grant },
})

describe('termsOf()', () => {
  test.each([
    [0, 0, 2, 101], // says nothing: the default level
    [1, 0, 1, 105],
    [3, 0, 2, 101], // no such level: the default one, as Triton
    [2, 10, 2, 101], // the level lets nobody override its timeout
    [1, 2000, 1, 102], // shorter
    [1, 9000, 1, 105], // never longer
  ])('gives priority %i with timeout %i us level %i until %i', (priority, us, level, untilMs) => {
    const expected = { priority: level, deadlineMs: 170, timeoutMs: untilMs }
    expect(termsOf(QUEUE, asked(priority, us), 170)).toEqual(expected)
  })

  test.each([
    [0, 1, 1],
    [2, 1, 2], // it may ask for less
    [1, 2, 2], // and not for more
    [0, 9, 2],
  ])('gives priority %i of a key with level %i level %i', (priority, best, level) => {
    const grant = { endpoints: null, priority: best }
    expect(termsOf(QUEUE, asked(priority, 0, grant), Infinity).priority).toBe(level)
  })

  test('gives a timeout no meaning where the policy has none to shorten, as Triton', () => {
    const queue = { ...DEFAULT_QUEUE, base: { ...DEFAULT_QUEUE.base, allowTimeoutOverride: true } }
    const expected = { priority: 0, deadlineMs: Infinity, timeoutMs: Infinity }
    for (const policies of [queue, null]) {
      expect(termsOf(policies, asked(1, 5), Infinity)).toEqual(expected)
    }
  })
})

describe('takeTerms()', () => {
  const deadlineOf = (
    timeout: string,
    timeoutMsDefault = 0,
    policies: QueuePolicies | null = null,
  ) => {
    const exchange = { timeout, startedMs: 1000, grant: null }
    const pending = { exchange, format: null, askedPriority: 0, askedTimeoutUs: 0, terms: NO_TERMS }
    const refusal = takeTerms(pending as unknown as Pending, policies, {
      ...LIMITS,
      timeoutMsDefault,
    })
    expect(refusal).toBeNull()
    return pending.terms.deadlineMs - 1000
  }

  test.each([
    ['40', 0, 36], // a tenth is kept for the way of the answer
    ['100', 0, 95],
    ['10000', 0, 9995], // of long times 5 ms
    ['0', 0, 0],
    ['', 60, 55],
    ['', 0, Infinity],
  ])(
    'has a request that grants %j, by default %d ms, answered within %d ms',
    (sent, byDefault, ms) => {
      expect(deadlineOf(sent, byDefault)).toBe(ms)
      expect(deadlineOf(sent, byDefault, QUEUE)).toBe(ms)
    },
  )
})

test.each([
  ['features', FEATURES, 2],
  ['TensorFlow Serving', TFS, 2],
  ['OIP', OIP, 1],
  ['gRPC', GRPC, 1],
])(
  'takeTerms() has a request in %s, until its body is read, on its best level or the default',
  (_title, format, level) => {
    const exchange = { timeout: '', startedMs: 0, grant: null }
    const pending = { exchange, format, askedPriority: 0, askedTimeoutUs: 0, terms: NO_TERMS }
    expect(takeTerms(pending as unknown as Pending, QUEUE, LIMITS)).toBeNull()
    expect(pending.terms.priority).toBe(level)
  },
)

test('termPolicies() knows versions that grant everybody the same', () => {
  expect(termPolicies(DEFAULT_QUEUE)).toBe(null)
  expect(termPolicies(QUEUE)).toBe(QUEUE)
})
