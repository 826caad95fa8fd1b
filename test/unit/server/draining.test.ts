import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ACCEPTING } from '../../../src/server/accepting.ts'
import {
  type DrainFacts,
  lookAtDrain,
  mayCloseListener,
  maySendAway,
} from '../../../src/server/draining.ts'

const quiet = { underWay: 0, inFlight: 0, connections: 0 }

test('lookAtDrain() lets a thread without connections end at once', () => {
  expect(lookAtDrain(quiet, null, 5000)).toEqual({ quietSinceMs: 5000, mayEnd: true })
})

test.each([
  ['a body still arrives', { ...quiet, underWay: 1, connections: 1 }],
  ['an answer of a client that has gone is still counted', { ...quiet, inFlight: 1 }],
])('lookAtDrain() waits while %s', (_, facts) => {
  expect(lookAtDrain(facts, 0, 60_000)).toEqual({ quietSinceMs: null, mayEnd: false })
})

test('lookAtDrain() gives idle connections a second for their next request', () => {
  const idle = { ...quiet, connections: 3 }
  expect(lookAtDrain(idle, null, 5000)).toEqual({ quietSinceMs: 5000, mayEnd: false })
  expect(lookAtDrain(idle, 5000, 5999).mayEnd).toBe(false)
  expect(lookAtDrain(idle, 5000, 6000).mayEnd).toBe(true)
})

test('lookAtDrain() ends nothing that is under way, and ends what stays quiet', () => {
  const facts: fc.Arbitrary<DrainFacts> = fc.record({
    underWay: fc.integer({ min: 0, max: 2 }),
    inFlight: fc.integer({ min: 0, max: 2 }),
    connections: fc.integer({ min: 0, max: 2 }),
  })
  const steps = fc.array(fc.tuple(facts, fc.integer({ min: 1, max: 1200 })), { minLength: 1 })
  fc.assert(
    fc.property(steps, (all) => {
      let nowMs = 0
      let since: number | null = null
      let busyMs = 0
      for (const [seen, gapMs] of all) {
        nowMs += gapMs
        const isBusy = seen.underWay + seen.inFlight > 0
        if (isBusy) busyMs = nowMs
        const { mayEnd, quietSinceMs } = lookAtDrain(seen, since, nowMs)
        since = quietSinceMs
        if (isBusy) expect(mayEnd).toBe(false)
        else if (seen.connections === 0) expect(mayEnd).toBe(true)
        else if (mayEnd) expect(nowMs - busyMs).toBeGreaterThanOrEqual(1000)
      }
    }),
  )
})

test('mayCloseListener() wants a turn that has only just read its sockets, at first', () => {
  expect(mayCloseListener(0.03, 0)).toBe(true)
  expect(mayCloseListener(0.3, 0)).toBe(false)
  expect(mayCloseListener(0.3, 200)).toBe(true)
})

test('mayCloseListener() asks ever less, and after a second nothing', () => {
  const anyMs = fc.double({ min: 0, max: 2000, noNaN: true })
  fc.assert(
    fc.property(anyMs, anyMs, anyMs, (readMs, triedMs, moreMs) => {
      if (mayCloseListener(readMs, triedMs)) {
        expect(mayCloseListener(readMs, triedMs + moreMs)).toBe(true)
      }
      expect(mayCloseListener(readMs, 1000 + triedMs)).toBe(true)
    }),
  )
})

test('maySendAway() waits for the listeners of all threads, for two seconds at most', () => {
  const { OPEN, FULL, LATE, ENDED } = ACCEPTING
  expect(maySendAway([ENDED], 0)).toBe(true)
  expect(maySendAway([ENDED, ENDED], 0)).toBe(true)
  for (const other of [OPEN, FULL, LATE]) {
    expect(maySendAway([ENDED, other], 1999)).toBe(false)
    expect(maySendAway([ENDED, other], 2000)).toBe(true)
  }
})
