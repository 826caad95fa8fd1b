import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ACCEPTING,
  type AcceptFacts,
  type AcceptState,
  LOOK_CONNECTIONS_MIN,
  LOOK_MS,
  lookAtAccepting,
  openState,
  PAUSE_MS_MAX,
} from '../../../src/server/accepting.ts'

const { OPEN, FULL, LATE } = ACCEPTING

interface Look {
  readonly connections: number
  readonly lagMs: number
}

/** What comes of looks that follow each other, each as late as it says. */
const run = (looks: readonly Look[], connectionsMax: number) => {
  let nowMs = 1000
  let state = openState(nowMs)
  return looks.map((look) => {
    nowMs += LOOK_MS + look.lagMs
    const facts: AcceptFacts = { ...look, connectionsMax, nowMs }
    const before = state
    state = lookAtAccepting(state, facts)
    return { facts, before, state }
  })
}

const repeated = (times: number, look: Look): Look[] => Array.from({ length: times }, () => look)
const isOpen = ({ accepting }: AcceptState) => accepting === OPEN

const looks = fc
  .array(
    fc.record({
      look: fc.record({
        connections: fc.integer({ min: 0, max: 130 }),
        lagMs: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 3000 })),
      }),
      times: fc.integer({ min: 1, max: 60 }),
    }),
    { maxLength: 20 },
  )
  .map((parts) => parts.flatMap(({ look, times }) => repeated(times, look)))

test('lookAtAccepting() never accepts beyond the most, and is never deaf for long below it', () => {
  fc.assert(
    fc.property(looks, fc.integer({ min: 1, max: 120 }), (given, connectionsMax) => {
      let deafSinceMs: number | null = null
      for (const { facts, before, state } of run(given, connectionsMax)) {
        const { connections, nowMs, lagMs } = facts
        const isFull = connections >= connectionsMax
        if (isFull) expect(state.accepting).toBe(FULL)
        if (isFull || isOpen(state)) deafSinceMs = null
        else {
          deafSinceMs ??= nowMs
          // At the first look after the longest pause it opens, whatever happened before.
          expect(nowMs - deafSinceMs).toBeLessThanOrEqual(PAUSE_MS_MAX + LOOK_MS + lagMs)
        }
        // A thread that is behind was open before: no two pauses follow each other.
        if (state.accepting === LATE && before.accepting !== LATE) expect(isOpen(before)).toBe(true)
      }
    }),
  )
})

test('lookAtAccepting() accepts wherever there is room and the loop keeps up', () => {
  fc.assert(
    fc.property(looks, fc.integer({ min: 2, max: 120 }), (given, connectionsMax) => {
      for (const { facts, state } of run(given, connectionsMax)) {
        const hasRoom = facts.connections <= Math.min(connectionsMax - 1, connectionsMax * 0.95)
        if (hasRoom && facts.lagMs <= 20) expect(isOpen(state)).toBe(true)
      }
    }),
  )
})

test('lookAtAccepting() is full from the most on, and accepts again a little below it', () => {
  const states = (...counts: number[]) =>
    run(
      counts.map((connections) => ({ connections, lagMs: 0 })),
      100,
    ).map(({ state }) => state.accepting)
  expect(states(99, 100, 99, 96, 95, 99)).toEqual([OPEN, FULL, FULL, FULL, OPEN, OPEN])
  expect(states(100, 120, 50)).toEqual([FULL, FULL, OPEN])
})

test('lookAtAccepting() accepts one at a time where one is all that it may have', () => {
  const looked = run(
    [
      { connections: 1, lagMs: 0 },
      { connections: 0, lagMs: 0 },
    ],
    1,
  )
  expect(looked.map(({ state }) => state.accepting)).toEqual([FULL, OPEN])
})

test('lookAtAccepting() waits before it calls a loop late, and opens as soon as it is not', () => {
  const late = { connections: LOOK_CONNECTIONS_MIN, lagMs: 30 }
  const looked = run([...repeated(25, late), { ...late, lagMs: 5 }], 1000)
  const first = looked.findIndex(({ state }) => state.accepting === LATE)
  const { facts } = looked[first]!
  expect(facts.nowMs - looked[0]!.facts.nowMs).toBeGreaterThanOrEqual(500)
  expect(looked.slice(first, -1).every(({ state }) => !isOpen(state))).toBe(true)
  expect(isOpen(looked.at(-1)!.state)).toBe(true)
})

test('lookAtAccepting() lets a thread that stays behind accept now and then', () => {
  const late = { connections: LOOK_CONNECTIONS_MIN, lagMs: 30 }
  const looked = run(repeated(400, late), 1000)
  const open = looked.slice(100).filter(({ state }) => isOpen(state)).length
  expect(open / 300).toBeGreaterThan(0.1)
  expect(open / 300).toBeLessThan(0.5)
})

test('lookAtAccepting() blames no few connections for a late loop', () => {
  const late = { connections: LOOK_CONNECTIONS_MIN - 1, lagMs: 500 }
  expect(run(repeated(50, late), 1000).every(({ state }) => isOpen(state))).toBe(true)
})
