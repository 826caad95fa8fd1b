import { expect, test } from 'vitest'
import { lookMs, nextStep } from '../../../../src/server/grpc/connection-life.ts'
import { GRPC_LIMITS } from '../../../helpers/grpc-engine.ts'

const FACTS = {
  ...{ beganMs: 0, ageMs: 1_800_000, quietSinceMs: 0, heardMs: 0 },
  ...{ askedMs: null, isGoing: false, isExpired: false },
}
type Facts = Parameters<typeof nextStep>[0]

const step = (facts: Partial<Facts>, calls: number, nowMs: number) =>
  nextStep({ ...FACTS, ...facts }, calls, GRPC_LIMITS, nowMs)

test('a silent connection is asked after 30 s whether anybody is there, and ends 10 s later', () => {
  expect(step({}, 1, 29_999)).toBe('none')
  expect(step({}, 1, 30_000)).toBe('ask')
  expect(step({ askedMs: 30_000 }, 1, 39_999)).toBe('none')
  expect(step({ askedMs: 30_000 }, 1, 40_000)).toBe('destroy')
  expect(step({ heardMs: 30_000 }, 1, 59_999)).toBe('none')
})

test('one without calls is told to go after 300 s, and once', () => {
  expect(step({ heardMs: 290_000 }, 0, 299_999)).toBe('none')
  expect(step({ heardMs: 290_000 }, 0, 300_000)).toBe('go')
  expect(step({ heardMs: 290_000 }, 1, 300_000)).toBe('none')
  expect(step({ heardMs: 290_000, isGoing: true }, 0, 300_000)).toBe('none')
  expect(step({ heardMs: 290_000, quietSinceMs: 100_000 }, 0, 300_000)).toBe('none')
})

test('an old one is told to go, and ends 30 s later whatever is under way', () => {
  const busy = { heardMs: 1_799_000 }
  expect(step(busy, 3, 1_799_999)).toBe('none')
  expect(step(busy, 3, 1_800_000)).toBe('go')
  expect(step({ ...busy, isGoing: true }, 3, 1_829_999)).toBe('none')
  expect(step({ ...busy, isGoing: true }, 3, 1_830_000)).toBe('expire')
  expect(step({ ...busy, isGoing: true, isExpired: true }, 3, 1_831_000)).toBe('destroy')
})

test('one that goes is not asked any more: a session that closes takes no ping', () => {
  expect(step({ isGoing: true }, 1, 60_000)).toBe('none')
  expect(step({ isGoing: true, askedMs: 55_000 }, 1, 65_000)).toBe('destroy')
})

test('lookMs() is a quarter of the shortest time, and no less than 20 ms', () => {
  expect(lookMs(GRPC_LIMITS)).toBe(1000)
  expect(lookMs({ ...GRPC_LIMITS, connectionIdleSeconds: 0.4 })).toBe(100)
  expect(lookMs({ ...GRPC_LIMITS, connectionIdleSeconds: 0.001 })).toBe(20)
})
