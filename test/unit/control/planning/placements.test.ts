import { expect, test } from 'vitest'
import { Placements } from '../../../../src/control/planning/placements.ts'
import {
  RUN_ROWS_AT,
  RUN_SECONDS_AT,
  RUNS_AT,
  SLOT_DOUBLES,
  slotKeyText,
} from '../../../../src/shared/counters.ts'
import type { PlannedVersion } from '../../../../src/shared/epoch-plan.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import { answerKey } from '../../../helpers/counted-slots.ts'
import { plannedVersion } from '../../../helpers/epoch-plans.ts'

const AUTO = { wish: 'auto', instances: null } as const
const HOST = { replicas: 1, dataThreads: 1, computeThreads: 1, sessionBytesMax: 2 ** 30 }

/** A version that serves under a gateway which places it, looked at once a second. */
const world = (asked: Parameters<Placements['place']>[2] = AUTO) => {
  const placements = new Placements(HOST, createLogger({ level: 'silent', component: 'test' }))
  const unplaced = plannedVersion({
    ...{ model: 'm', version: 1 },
    runUsByRows: [[1, 100]],
    batching: { rowsMax: 1, mixesRequests: true, preferredRows: [], queueDelayUsMax: 0 },
  })
  const place = (more: Partial<PlannedVersion> = {}): PlannedVersion => {
    const version = { ...unplaced, ...more }
    return { ...version, placement: placements.place(version, 1, asked) }
  }
  const slots = ['a', 'b'].map(() => new Float64Array(SLOT_DOUBLES))
  const bySlot = new Map(
    slots.map((slot, i) => [slotKeyText({ ...answerKey('m'), endpoint: `e${i}` }), slot]),
  )
  let nowMs = 0
  /** Runs of both endpoints for so many seconds; whether the version moved. */
  const serve = (version: PlannedVersion, seconds: number, us: number): boolean => {
    for (let i = 0; i < seconds; i++) {
      nowMs += 1000
      for (const slot of slots) {
        slot[RUNS_AT]! += 5
        slot[RUN_ROWS_AT]! += 5
        slot[RUN_SECONDS_AT]! += (5 * us) / 1e6
      }
      if (placements.look([version], bySlot, nowMs)) return true
    }
    return false
  }
  return { place, serve }
}

test('look() moves a version that is slower than it was proved, and place() knows why', () => {
  const { place, serve } = world()
  const version = place()
  expect(version.placement).toMatchObject({ kind: 'inline' })
  expect(serve(version, 60, 300)).toBe(false)
  expect(serve(version, 60, 5000)).toBe(true)
  const moved = place()
  expect(moved.placement).toEqual({
    ...{ kind: 'pooled', instances: 1 },
    reason:
      'pooled: a run takes, as it serves, 5.0 ms; inline is for less than 1.0 ms; 1 session in each replica',
  })
  // Nothing follows from it while the epoch is still to come, or once it is there.
  expect(serve(moved, 60, 5000)).toBe(false)
  // Other policies of its queue are no other version; other bytes are.
  const queued = { batching: { ...version.batching, queueDelayUsMax: 5 } }
  expect(place(queued).placement).toMatchObject({ kind: 'pooled' })
  expect(place({ provenSha256: 'other' }).placement).toMatchObject({ kind: 'inline' })
})

test('look() leaves what is pinned, and what it does not know', () => {
  const { place, serve } = world({ wish: 'inline', instances: null })
  const version = place()
  expect(serve(version, 120, 5000)).toBe(false)
  expect(place().placement).toMatchObject({ kind: 'inline' })
  const adopted = plannedVersion({ model: 'm', version: 1, provenSha256: 'of an earlier control' })
  expect(serve(adopted, 120, 5000)).toBe(false)
})
