import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Decision,
  decide,
  KILL_AGAIN_MS,
  limitAfter,
  type PlaceFacts,
  type ProcessFacts,
  WATCH_MS,
} from '../../../../src/control/replicas/replica-decision.ts'

const NOW = 1000

const child: ProcessFacts = {
  incarnation: 5,
  hasEnded: false,
  isChild: true,
  isConnected: true,
  connectByMs: 0,
  endByMs: null,
}

const wait = (untilMs: number | null): Decision => ({ action: 'wait', untilMs })
const start: Decision = { action: 'start' }
const bury: Decision = { action: 'bury', incarnation: 5 }
const kill = (reason: string): Decision => ({ action: 'kill', incarnation: 5, reason })
const place = (facts: Partial<PlaceFacts>): PlaceFacts => ({
  isWanted: true,
  startAtMs: 0,
  outdatedUpTo: 0,
  processes: [],
  ...facts,
})
const facts = (...processes: Partial<ProcessFacts>[]): PlaceFacts =>
  place({ processes: processes.map((process) => ({ ...child, ...process })) })

const CASES: [string, PlaceFacts, Decision][] = [
  ['no process, none wanted', place({ isWanted: false }), wait(null)],
  ['no process, start due', place({ startAtMs: NOW }), start],
  ['no process, start later', place({ startAtMs: NOW + 1 }), wait(NOW + 1)],
  ['connected child', facts({}), wait(null)],
  ['connected stranger', facts({ isChild: false }), wait(null)],
  ['ended', facts({ hasEnded: true }), bury],
  ['ended while leaving', facts({ hasEnded: true, endByMs: 5 }), bury],
  ['child that may still dial', facts({ isConnected: false, connectByMs: 3000 }), wait(3000)],
  [
    'stranger that may still dial',
    facts({ isConnected: false, connectByMs: 3000, isChild: false }),
    wait(NOW + WATCH_MS),
  ],
  [
    'stranger whose patience ends sooner than the next look',
    facts({ isConnected: false, connectByMs: NOW + 1, isChild: false }),
    wait(NOW + 1),
  ],
  [
    'child that has not dialled',
    facts({ isConnected: false, connectByMs: NOW }),
    kill('did not say hello'),
  ],
  ['overdue', facts({ endByMs: NOW }), kill('did not end in time')],
  ['leaving, its successor due', facts({ endByMs: 1500 }), start],
  [
    'leaving, its successor later',
    { ...facts({ endByMs: 1500 }), startAtMs: NOW + 100 },
    wait(NOW + 100),
  ],
  ['leaving beside its successor', facts({ endByMs: 1500 }, { incarnation: 6 }), wait(1500)],
  [
    'leaving stranger beside its successor',
    facts({ endByMs: 1500, isChild: false }, { incarnation: 6 }),
    wait(NOW + WATCH_MS),
  ],
  ['leaving, none wanted', { ...facts({ endByMs: 1500 }), isWanted: false }, wait(1500)],
  [
    'leaving without a link',
    { ...facts({ endByMs: 1500, isConnected: false }), isWanted: false },
    wait(1500),
  ],
  ['outdated, its successor due', { ...facts({}), outdatedUpTo: 5 }, start],
  [
    'outdated beside its successor',
    { ...facts({}, { incarnation: 6 }), outdatedUpTo: 5 },
    wait(null),
  ],
  [
    'outdated beside a successor that is leaving',
    { ...facts({}, { incarnation: 6, endByMs: 1500 }), outdatedUpTo: 5, startAtMs: NOW + 9 },
    wait(NOW + 9),
  ],
]

test.each(CASES)('decide() about a place: %s', (_, given, wanted) => {
  expect(decide(given, NOW)).toEqual(wanted)
})

const time = fc.integer({ min: 0, max: 2000 })
const anyProcess: fc.Arbitrary<Omit<ProcessFacts, 'incarnation'>> = fc.record({
  hasEnded: fc.boolean(),
  isChild: fc.boolean(),
  isConnected: fc.boolean(),
  connectByMs: time,
  endByMs: fc.option(time),
})
const anyFacts: fc.Arbitrary<PlaceFacts> = fc.record({
  isWanted: fc.boolean(),
  startAtMs: time,
  outdatedUpTo: fc.nat({ max: 3 }),
  processes: fc
    .array(anyProcess, { maxLength: 3 })
    .map((all) => all.map((process, i) => ({ ...process, incarnation: i + 1 }))),
})

test('decide() waits only for a later time, and starts only where nobody stays who will do', () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      const decision = decide(given, NOW)
      if (decision.action === 'wait' && decision.untilMs !== null) {
        expect(decision.untilMs).toBeGreaterThan(NOW)
      }
      if (decision.action !== 'start') return
      expect(given.isWanted).toBe(true)
      const good = given.processes.filter(
        ({ endByMs, incarnation }) => endByMs === null && incarnation > given.outdatedUpTo,
      )
      expect(good).toEqual([])
    }),
  )
})

/** What the owner of a place does with a decision, time standing still. */
const act = (given: PlaceFacts, decision: Decision, next: number): PlaceFacts => {
  if (decision.action === 'start') {
    const connectByMs = NOW + 10
    const born = { ...child, incarnation: next, isConnected: false, connectByMs }
    return { ...given, processes: [...given.processes, born] }
  }
  if (decision.action === 'wait') return given
  const { incarnation } = decision
  if (decision.action === 'bury') {
    const processes = given.processes.filter((process) => process.incarnation !== incarnation)
    return { ...given, processes }
  }
  const processes = given.processes.map((process) =>
    process.incarnation === incarnation ? { ...process, endByMs: NOW + KILL_AGAIN_MS } : process,
  )
  return { ...given, processes }
}

test('decide() comes to rest: every ended process buried, every overdue one killed once', () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      let place = given
      const done: string[] = []
      let decision = decide(place, NOW)
      for (let n = 0; decision.action !== 'wait'; n++) {
        expect(n).toBeLessThan(10)
        done.push(JSON.stringify(decision))
        place = act(place, decision, 100 + n)
        decision = decide(place, NOW)
      }
      expect(new Set(done).size).toBe(done.length)
      expect(place.processes.filter(({ hasEnded }) => hasEnded)).toEqual([])
      const fit = place.processes.filter(
        ({ endByMs, incarnation }) => endByMs === null && incarnation > given.outdatedUpTo,
      )
      if (given.isWanted && given.startAtMs <= NOW) expect(fit.length).toBeGreaterThan(0)
    }),
  )
})

test('limitAfter() gives time anew only after a standstill, and never takes any', () => {
  expect(limitAfter(500, 900, NOW)).toBe(500)
  expect(limitAfter(500, 500, 2500)).toBe(500)
  expect(limitAfter(500, 500, 2501)).toBe(12_501)
  expect(limitAfter(99_000, 500, 2501)).toBe(99_000)
})
