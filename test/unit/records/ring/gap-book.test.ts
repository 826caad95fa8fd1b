import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GAP_REASON, GAP_REASON_COUNT } from '../../../../src/records/reasons.ts'
import { GapBook, type GapBookLimits } from '../../../../src/records/ring/gap-book.ts'
import type { GapRuns } from '../../../../src/records/ring/gap-runs.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const { SAMPLED, RING_FULL, SEVERAL, UNACCOUNTED, DISABLED } = GAP_REASON
const RECORD = 0

/** What should be known of each number, and what the ring has been told. */
interface Model {
  /** By number: open, or how it ended. */
  readonly ends: Map<number, number | 'open'>
  /** By number: the reasons that runs in the ring gave it. */
  readonly told: Map<number, number[]>
}

interface Real {
  readonly book: GapBook
  readonly counts: Float64Array
}

const openOf = ({ ends }: Model): number[] =>
  [...ends].flatMap(([sequence, end]) => (end === 'open' ? [sequence] : []))

/** Whoever the book no longer knows was given up. */
const giveUp = (model: Model, { book }: Real): void => {
  for (const sequence of openOf(model)) {
    if (!book.isOpen(sequence)) model.ends.set(sequence, UNACCOUNTED)
  }
}

const putInto =
  (model: Model, entries: number, each: number) =>
  (runs: GapRuns): boolean => {
    if (entries-- <= 0) return false
    for (let i = 0; i < each && runs.length > 0; i++) {
      for (let sequence = runs.from(0); sequence <= runs.to(0); sequence++) {
        const reasons = model.told.get(sequence) ?? []
        model.told.set(sequence, [...reasons, runs.reason(0)])
      }
      runs.take(1)
    }
    return true
  }

const check = (model: Model, { book, counts }: Real): void => {
  giveUp(model, { book, counts })
  const floor = book.floor()
  for (const [sequence, end] of model.ends) {
    expect(book.isOpen(sequence)).toBe(end === 'open')
    if (end === 'open') expect(floor).toBeLessThanOrEqual(sequence)
    const told = model.told.get(sequence) ?? []
    const exact = told.filter((reason) => reason !== SEVERAL)
    // One reason at most, and none for what has a record or is open.
    if (end === RECORD || end === 'open') expect(exact).toEqual([])
    else expect([[], [end]]).toContainEqual(exact)
    if (end !== RECORD && end !== 'open' && sequence < floor) {
      expect(told.length).toBeGreaterThan(0)
    }
  }
  const counted = new Float64Array(GAP_REASON_COUNT)
  for (const end of model.ends.values()) if (end !== 'open' && end !== RECORD) counted[end]!++
  expect([...counts]).toEqual([...counted])
}

const ends = fc.constantFrom(RECORD, RECORD, SAMPLED, RING_FULL, DISABLED)

const settle = (model: Model, { book }: Real, sequence: number, end: number): void => {
  if (end === RECORD) book.recorded(sequence)
  else book.skipped(sequence, end)
  if (model.ends.get(sequence) === 'open') model.ends.set(sequence, end)
}

const step = (text: string, run: (model: Model, real: Real) => void) => ({
  toString: () => text,
  check: () => true,
  run: (model: Model, real: Real): void => {
    run(model, real)
    check(model, real)
  },
})

const steps = [
  fc.integer({ min: 1, max: 40 }).map((count) =>
    step(`take ${count}`, (model, real) => {
      for (let i = 0; i < count; i++) {
        const sequence = real.book.take()
        expect(sequence).toBe(model.ends.size + 1)
        model.ends.set(sequence, 'open')
        giveUp(model, real)
      }
    }),
  ),
  fc.tuple(fc.array(fc.tuple(fc.nat(), ends), { minLength: 1, maxLength: 30 })).map(([some]) =>
    step(`settle ${some.length} open ones`, (model, real) => {
      for (const [at, end] of some) {
        const open = openOf(model)
        if (open.length > 0) settle(model, real, open[at % open.length]!, end)
      }
    }),
  ),
  ends.map((end) =>
    step(`settle all open ones as ${end}`, (model, real) => {
      for (const sequence of openOf(model)) settle(model, real, sequence, end)
    }),
  ),
  fc.tuple(fc.nat(), ends).map(([at, end]) =>
    step('settle any number again, or one that nobody took', (model, real) => {
      settle(model, real, at % (model.ends.size + 3), end)
    }),
  ),
  fc.tuple(fc.nat(4), fc.integer({ min: 1, max: 3 }), fc.boolean()).map(([entries, each, isBeat]) =>
    step(`flush into ${entries} entries, isBeat ${isBeat}`, (model, real) => {
      real.book.flush(putInto(model, entries, each), isBeat)
    }),
  ),
]

const limits: fc.Arbitrary<GapBookLimits> = fc.record({
  window: fc.constantFrom(2, 8, 64),
  stragglersMax: fc.integer({ min: 1, max: 6 }),
  runsMax: fc.integer({ min: 1, max: 6 }),
})

test('every number ends in one way, whatever the order, and the floor passes none that is open', () => {
  fc.assert(
    fc.property(limits, fc.commands(steps, { maxCommands: 60 }), (bounds, commands) => {
      const counts = new Float64Array(GAP_REASON_COUNT)
      const model: Model = { ends: new Map(), told: new Map() }
      const real = { book: new GapBook(counts, bounds), counts }
      fc.modelRun(() => ({ model, real }), commands)
      const { book } = real
      book.close()
      check(model, real)
      book.flush(putInto(model, Number.POSITIVE_INFINITY, 1), true)
      expect(book.floor()).toBe(book.taken + 1)
      check(model, real)
    }),
    { numRuns: propertyRuns(200) },
  )
})

test('who is open holds up others for two beats, then only the floor', () => {
  const book = new GapBook(new Float64Array(GAP_REASON_COUNT))
  const told: number[] = []
  const put = (runs: GapRuns): boolean => {
    told.push(runs.from(0))
    runs.take(1)
    return true
  }
  for (let i = 0; i < 3; i++) book.take()
  book.skipped(2, SAMPLED)
  book.flush(put, true)
  book.flush(put, false)
  expect([told, book.floor()]).toEqual([[], 1])
  book.flush(put, true)
  expect([told, book.floor()]).toEqual([[2], 1])
  book.recorded(1)
  expect(book.floor()).toBe(3)
  book.skipped(3, SAMPLED)
  expect(book.floor()).toBe(3)
  book.flush(put, false)
  expect([told, book.floor()]).toEqual([[2, 3], 4])
})

test('a number that nobody settles pins neither window nor memory', () => {
  const counts = new Float64Array(GAP_REASON_COUNT)
  const book = new GapBook(counts)
  const leaked = book.take()
  for (let i = 0; i < 1_000_000; i++) book.recorded(book.take())
  expect([book.isOpen(leaked), book.floor()]).toEqual([true, leaked])
  book.recorded(leaked)
  expect(book.floor()).toBeGreaterThan(1_000_000 - 300_000)
  expect(counts[UNACCOUNTED]).toBe(0)
})

test('isDue says when many have been taken', () => {
  const book = new GapBook(new Float64Array(GAP_REASON_COUNT))
  const due: number[] = []
  for (let i = 0; i < 10_000; i++) {
    const sequence = book.take()
    if (book.isDue) due.push(sequence)
  }
  expect(due).toEqual([4096, 8192])
})
