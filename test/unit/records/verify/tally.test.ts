import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Hole, Tally } from '../../../../src/records/verify/tally.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const LAST = 66_000
const sequence = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 65_500, max: LAST }))
const step = fc.oneof(
  fc.record({ at: sequence, count: fc.nat(300), reason: fc.constant('') }),
  fc.record({ at: sequence, count: fc.nat(300), reason: fc.constantFrom('sampled', 'killed') }),
)

/** The same, number by number. */
const modelOf = (
  steps: readonly { readonly at: number; readonly count: number; readonly reason: string }[],
) => {
  const present = new Set<number>()
  const reasons = new Map<number, string>()
  let duplicates = 0
  for (const { at, count, reason } of steps) {
    for (let i = at; i <= at + count; i++) {
      if (reason !== '') {
        if (!reasons.has(i)) reasons.set(i, reason)
      } else if (present.has(i)) duplicates++
      else present.add(i)
    }
  }
  const holes: { from: number; to: number; reason: string }[] = []
  for (let i = 1; i <= LAST; i++) {
    if (present.has(i)) continue
    const reason = reasons.get(i) ?? ''
    const last = holes.at(-1)
    if (last?.to === i - 1 && last.reason === reason) last.to = i
    else holes.push({ from: i, to: i, reason })
  }
  return { present: present.size, duplicates, holes }
}

test('a tally agrees with one that keeps every number', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const tally = new Tally()
      for (const { at, count, reason } of steps) {
        if (reason !== '') tally.explain(at, at + count, reason)
        else for (let i = at; i <= at + count; i++) tally.record(i)
      }
      const model = modelOf(steps)
      expect(tally.present).toBe(model.present)
      expect(tally.duplicates).toBe(model.duplicates)
      expect([...tally.holes(1, LAST)]).toEqual(model.holes)
    }),
    { numRuns: propertyRuns(30) },
  )
})

test('recordSpooled() counts what is in a file as well once, whichever was first', () => {
  const tally = new Tally()
  tally.record(1)
  for (const sequence of [1, 2, 3, 3]) tally.recordSpooled(sequence)
  tally.record(3)
  expect([tally.present, tally.duplicates, tally.highest]).toEqual([3, 0, 3])
  expect([...tally.holes(1, 4)]).toEqual([{ from: 4, to: 4, reason: '' }])
})

test('explain() refuses what is no run, and holes() find the end of what is none', () => {
  const tally = new Tally()
  for (const [from, to] of [
    [5, 4],
    [-1, 3],
    [1, 2 ** 52],
    [Number.NaN, 3],
  ] as const) {
    expect(() => tally.explain(from, to, 'killed')).toThrow(RangeError)
  }
  tally.record(3)
  expect([...tally.holes(1, Number.MAX_SAFE_INTEGER)]).toEqual([
    { from: 1, to: 2, reason: '' },
    { from: 4, to: Number.MAX_SAFE_INTEGER, reason: '' },
  ])
})

test('holes() of a producer of which nothing is there are one', () => {
  const holes: Hole[] = [...new Tally().holes(1, 50_000_000)]
  expect(holes).toEqual([{ from: 1, to: 50_000_000, reason: '' }])
})
