/**
 * Whatever arrives, and whenever: every request leaves once, with its own rows, in runs that are as
 * large as the policy says and no later than it says.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BatchPolicy } from '../../src/shared/epoch-plan.ts'
import { BatcherRig, doubled, type Outcome, repeated } from '../helpers/batcher-rig.ts'
import { POISON } from '../helpers/counting-session.ts'
import { propertyRuns } from '../helpers/seeds.ts'

interface Arrival {
  readonly values: readonly number[]
  readonly isInPlace: boolean
  readonly turnsAfter: number
  readonly msAfter: number
}

const arrivals = fc.array(
  fc.record({
    values: fc.array(fc.oneof({ weight: 9, arbitrary: fc.nat(1000) }, fc.constant(POISON)), {
      minLength: 1,
      maxLength: 12,
    }),
    isInPlace: fc.boolean(),
    turnsAfter: fc.nat(2),
    msAfter: fc.constantFrom(0, 0, 0.3, 1, 2),
  }),
  { maxLength: 40 },
)

const policies = fc
  .record({
    rowsMax: fc.integer({ min: 0, max: 10 }),
    mixesRequests: fc.boolean(),
    queueDelayUsMax: fc.constantFrom(0, 500, 3000),
    preferredRows: fc.constantFrom([], [3], [2, 4], [100]),
  })
  .map((policy) => ({ ...policy, mixesRequests: policy.mixesRequests && policy.rowsMax > 0 }))

const setUps = fc.record({
  policy: policies,
  innerShape: fc.constantFrom([2], [-1]),
  throwsFor: fc.constantFrom(new Set<number>(), new Set([1, 4, 9])),
})

type SetUp = typeof setUps extends fc.Arbitrary<infer T> ? T : never

const wanted = (
  member: number,
  values: readonly number[],
  { policy, throwsFor }: SetUp,
): Outcome => {
  if (throwsFor.has(member)) return { fault: new Error(`for ${member}`) }
  const bad = values.indexOf(POISON)
  if (bad < 0) return { answer: doubled(values) }
  const badRow = policy.rowsMax === 0 ? -1 : bad
  return { code: 'INFERENCE_FAILED', detail: expect.any(String), badRow }
}

/** Rows that end the waiting; a run takes no time here, so nothing else may wait. */
const enoughOf = ({ rowsMax, preferredRows }: BatchPolicy): number => {
  const sizes = preferredRows.filter((rows) => rows <= rowsMax)
  return sizes.length === 0 ? rowsMax : Math.max(...sizes)
}

/** Plays arrivals and checks, after every turn, what still waits. */
const play = (setUp: SetUp, all: readonly Arrival[], check: (waiting: number[]) => void) => {
  const rig = new BatcherRig(setUp)
  const admittedMs = new Map<number, number>()
  const rowsOf = (member: number) => (setUp.policy.rowsMax === 0 ? 1 : all[member]!.values.length)
  const turn = () => {
    rig.turns.turn()
    const waiting = [...admittedMs.keys()].filter((member) => !rig.outcomes.has(member))
    expect(rig.batcher.queuedRows).toBe(waiting.reduce((sum, each) => sum + rowsOf(each), 0))
    for (const member of waiting) {
      const waitedMs = rig.turns.nowMs - admittedMs.get(member)!
      expect(waitedMs).toBeLessThan(setUp.policy.queueDelayUsMax / 1000)
    }
    check(waiting)
  }
  for (const [member, { values, isInPlace, turnsAfter, msAfter }] of all.entries()) {
    admittedMs.set(member, rig.turns.nowMs)
    if (isInPlace) rig.admit(member, values)
    else rig.admitTensors(member, values)
    for (let i = 0; i < turnsAfter; i++) turn()
    rig.turns.advance(msAfter)
  }
  turn()
  rig.settle()
  return rig
}

test('Batcher answers every request once, with its own rows and inputs, whatever arrives', () => {
  const property = fc.property(setUps, arrivals, (setUp, all) => {
    const rig = play(setUp, all, () => {})
    expect([rig.batcher.queuedRows, rig.queuedRows]).toEqual([0, 0])
    expect(rig.turns.isIdle).toBe(true)
    expect(rig.unmarked).toBe(0)
    for (const [member, { values }] of all.entries()) {
      expect(rig.outcomes.get(member)).toEqual([wanted(member, values, setUp)])
      expect(rig.inputs.get(member)).toEqual(repeated(values))
    }
    for (const { inputs } of rig.places) expect(inputs).toBeNull()
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
})

test('Batcher lets nothing wait that is enough, or has no reason to', () => {
  const property = fc.property(setUps, arrivals, (setUp, all) => {
    const { policy } = setUp
    play(setUp, all, (waiting) => {
      let rows = 0
      for (const member of waiting) {
        rows += all[member]!.values.length
        expect(policy.preferredRows).not.toContain(rows)
      }
      if (!policy.mixesRequests) expect(waiting).toEqual([])
      else if (waiting.length > 0) expect(rows).toBeLessThan(enoughOf(policy))
    })
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})

test('Batcher runs no more rows at once than the policy allows, and none apart that may mix', () => {
  const property = fc.property(setUps, arrivals, (setUp, all) => {
    const { rowsMax, mixesRequests, queueDelayUsMax } = setUp.policy
    const sound = all.map((arrival) => ({
      ...arrival,
      turnsAfter: 0,
      msAfter: 0,
      values: arrival.values.map(Math.abs),
    }))
    const { served, calls } = play(setUp, sound, () => {})
    const rows = sound.reduce((sum, { values }) => sum + values.length, 0)
    expect(calls.reduce((sum, each) => sum + each, 0)).toBe(rows)
    if (!mixesRequests) {
      expect(served.map(([first]) => first)).toEqual([...sound.keys()])
      return
    }
    for (const [, size] of served) expect(size).toBeLessThanOrEqual(rowsMax)
    // Two neighbours that would fit into one run share it.
    if (queueDelayUsMax > 0) return
    const sizes = served.map(([, size]) => size)
    for (const [i, size] of sizes.entries()) {
      const isLarge = sound[served[i]![0]]!.values.length > rowsMax
      const next = served[i + 1]
      if (isLarge || next === undefined) continue
      const follower = sound[next[0]]!.values.length
      expect(follower > rowsMax || size + follower > rowsMax).toBe(true)
    }
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})

/** Rows of each admitted request that still wait, from what has run. */
const rowsLeft = (rig: BatcherRig, admitted: ReadonlyMap<number, number>): Map<number, number> => {
  const left = new Map([...admitted].filter(([member]) => !rig.outcomes.has(member)))
  for (const [first, rows] of rig.served) {
    if (left.has(first)) left.set(first, left.get(first)! - rows)
  }
  return left
}

test('Batcher keeps a bound that one large request neither breaks nor fills', () => {
  const bounds = fc.record({
    policy: policies.filter(({ rowsMax }) => rowsMax > 0),
    queueRowsMax: fc.integer({ min: 1, max: 8 }),
    runMs: fc.constantFrom(0, 0.6, 2),
  })
  const property = fc.property(bounds, arrivals, ({ policy, queueRowsMax, runMs }, all) => {
    const rig = new BatcherRig({ policy: { ...policy, queueRowsMax }, runMs })
    const admitted = new Map<number, number>()
    for (const [member, { values, turnsAfter, msAfter }] of all.entries()) {
      const left = [...rowsLeft(rig, admitted)]
      const isLarge = ([each]: [number, number]) => admitted.get(each)! > queueRowsMax
      const large = left.filter(isLarge).map(([, rows]) => rows)
      const sum = left.reduce((total, [, rows]) => total + rows, 0)
      expect([rig.batcher.queuedRows, rig.batcher.oversizedRows]).toEqual([sum, large[0] ?? 0])
      expect(large.length).toBeLessThanOrEqual(1)
      const ordinary = sum - (large[0] ?? 0)
      expect(ordinary).toBeLessThanOrEqual(queueRowsMax)
      const fits = ordinary + values.length <= queueRowsMax
      const refusal = rig.batcher.refusal(rig.asker(member), values.length, rig.turns.nowMs)
      expect(refusal === null).toBe(sum === 0 || fits)
      if (refusal === null) {
        admitted.set(member, values.length)
        rig.admit(member, values)
      }
      for (let i = 0; i < turnsAfter; i++) rig.turns.turn()
      rig.turns.advance(msAfter)
    }
    rig.settle()
    expect([...rig.outcomes.keys()].sort()).toEqual([...admitted.keys()].sort())
    expect([rig.batcher.queuedRows, rig.batcher.oversizedRows]).toEqual([0, 0])
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})
