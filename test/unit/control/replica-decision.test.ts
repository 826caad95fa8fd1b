import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Decision,
  decide,
  KILL_AGAIN_MS,
  type ProcessFacts,
  type ReplicaFacts,
  WATCH_MS,
} from '../../../src/control/replica-decision.ts'

const NOW = 1000

const child: ProcessFacts = {
  hasEnded: false,
  isChild: true,
  isConnected: true,
  connectByMs: 0,
  endByMs: null,
}

const wait = (untilMs: number | null): Decision => ({ action: 'wait', untilMs })
const facts = (process: Partial<ProcessFacts>): ReplicaFacts => ({
  isWanted: true,
  startAtMs: 0,
  process: { ...child, ...process },
})

const CASES: [string, ReplicaFacts, Decision][] = [
  ['no process, none wanted', { isWanted: false, startAtMs: 0, process: null }, wait(null)],
  ['no process, start due', { isWanted: true, startAtMs: NOW, process: null }, { action: 'start' }],
  ['no process, start later', { isWanted: true, startAtMs: NOW + 1, process: null }, wait(NOW + 1)],
  ['connected child', facts({}), wait(null)],
  ['connected stranger', facts({ isChild: false }), wait(null)],
  ['ended', facts({ hasEnded: true }), { action: 'bury' }],
  ['ended while ending', facts({ hasEnded: true, endByMs: 5 }), { action: 'bury' }],
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
    { action: 'kill', reason: 'did not say hello' },
  ],
  ['ending child', facts({ endByMs: 1500 }), wait(1500)],
  ['ending stranger', facts({ endByMs: 1500, isChild: false }), wait(NOW + WATCH_MS)],
  ['ending child that never dialled', facts({ endByMs: 1500, isConnected: false }), wait(1500)],
  ['overdue', facts({ endByMs: NOW }), { action: 'kill', reason: 'did not end in time' }],
]

test.each(CASES)('decide() about a replica: %s', (_, given, wanted) => {
  expect(decide(given, NOW)).toEqual(wanted)
})

const time = fc.integer({ min: 0, max: 2000 })
const anyFacts: fc.Arbitrary<ReplicaFacts> = fc.record({
  isWanted: fc.boolean(),
  startAtMs: time,
  process: fc.option(
    fc.record({
      hasEnded: fc.boolean(),
      isChild: fc.boolean(),
      isConnected: fc.boolean(),
      connectByMs: time,
      endByMs: fc.option(time),
    }),
  ),
})

test('decide() waits only for a later time, and never starts beside a process', () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      const decision = decide(given, NOW)
      if (decision.action === 'wait' && decision.untilMs !== null) {
        expect(decision.untilMs).toBeGreaterThan(NOW)
      }
      if (decision.action === 'start') expect([given.process, given.isWanted]).toEqual([null, true])
      if (given.process?.hasEnded === true) expect(decision.action).toBe('bury')
    }),
  )
})

test('decide() kills once, then waits for the kill to take effect', () => {
  fc.assert(
    fc.property(anyFacts, (given) => {
      if (given.process === null || decide(given, NOW).action !== 'kill') return
      const killed = { ...given, process: { ...given.process, endByMs: NOW + KILL_AGAIN_MS } }
      expect(decide(killed, NOW).action).toBe('wait')
      expect(decide(killed, NOW + KILL_AGAIN_MS).action).toBe('kill')
    }),
  )
})
