import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Run, SeenSet } from '../../../../src/records/shipping/seen-set.ts'

/** What a set should know, number by number. */
class Model {
  readonly recorded = new Set<number>()
  readonly explained = new Set<number>([0])

  unsettled(from: number, to: number): Run[] {
    const found: [number, number][] = []
    for (let i = from; i <= to; i++) {
      if (this.recorded.has(i) || this.explained.has(i)) continue
      const last = found.at(-1)
      if (last?.[1] === i - 1) last[1] = i
      else found.push([i, i])
    }
    return found
  }
}

/** Runs that touch are one. */
const joined = (runs: readonly Run[]): Run[] => {
  const found: [number, number][] = []
  for (const [from, to] of runs) {
    const last = found.at(-1)
    if (last?.[1] === from - 1) last[1] = to
    else found.push([from, to])
  }
  return found
}

const numbersOf = (runs: readonly Run[]): number[] =>
  runs.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))

const LAST = 70_500
const sequence = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 65_000, max: LAST }))
const step = fc.oneof(
  fc.record({ kind: fc.constant('record' as const), at: sequence }),
  fc.record({ kind: fc.constant('explain' as const), at: sequence, count: fc.nat(200) }),
  fc.record({ kind: fc.constant('advance' as const), at: sequence }),
  fc.record({ kind: fc.constant('reload' as const) }),
)

test('a set agrees with one that keeps every number', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let set = new SeenSet()
      const model = new Model()
      let floor = 0
      for (const each of steps) {
        if (each.kind === 'record') {
          // Below the window what is explained is not told from what is recorded: the floor says
          // that no record of it is still to come.
          if (each.at < floor && model.explained.has(each.at)) continue
          expect(set.record(each.at)).toBe(!model.recorded.has(each.at))
          model.recorded.add(each.at)
        } else if (each.kind === 'explain') {
          const to = each.at + each.count
          expect(joined(set.explain(each.at, to))).toEqual(model.unsettled(each.at, to))
          for (let i = each.at; i <= to; i++) model.explained.add(i)
        } else if (each.kind === 'advance') {
          set.advance(each.at)
          floor = Math.max(floor, each.at)
        } else {
          set = new SeenSet(JSON.parse(JSON.stringify(set.snapshot())))
        }
      }
      expect(joined(set.unsettled(1, LAST))).toEqual(model.unsettled(1, LAST))
    }),
  )
})

test('record() takes every number once, in whatever order', () => {
  const set = new SeenSet()
  const order = Array.from({ length: 5000 }, (_, i) => ((i * 7919) % 5000) + 1)
  expect(order.every((each) => set.record(each))).toBe(true)
  expect(order.some((each) => set.record(each))).toBe(false)
  expect(set.unsettled(1, 5000)).toEqual([])
})

test('advance() keeps what never came, and takes it when it comes after all', () => {
  const set = new SeenSet()
  for (let i = 1; i <= 200_000; i++) if (i < 500 || i > 520) set.record(i)
  set.advance(200_001)
  expect(set.snapshot().holes).toEqual([[500, 520]])
  expect(set.record(510)).toBe(true)
  expect(set.record(510)).toBe(false)
  expect(set.snapshot().holes).toEqual([
    [500, 509],
    [511, 520],
  ])
  expect(set.explain(505, 515)).toEqual([
    [505, 509],
    [511, 515],
  ])
  expect(set.unsettled(1, 200_000)).toEqual([
    [500, 504],
    [516, 520],
  ])
})

test('explain() takes runs of billions, in bounded memory', () => {
  const set = new SeenSet()
  const [from, to] = [10, 2 ** 40]
  expect(numbersOf([[1, 9]]).every((each) => set.record(each))).toBe(true)
  const fresh = set.explain(from, to)
  expect(fresh[0]![0]).toBe(from)
  expect(fresh.at(-1)![1]).toBe(to)
  expect(set.unsettled(1, to + 2)).toEqual([[to + 1, to + 2]])
  expect(set.record(to + 1)).toBe(true)
  set.advance(to + 2)
  expect(set.record(to + 1)).toBe(false)
  expect(set.snapshot().holes).toEqual([])
})

test('a snapshot of a hundred thousand records is short', () => {
  const set = new SeenSet()
  for (let i = 1; i <= 100_000; i++) set.record(i)
  set.advance(100_001)
  expect(JSON.stringify(set.snapshot()).length).toBeLessThan(300)
})
