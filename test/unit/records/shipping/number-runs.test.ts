import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NumberRuns } from '../../../../src/records/shipping/number-runs.ts'

test('numbers that lie side by side are one run', () => {
  const set = new NumberRuns([[1, 3]])
  set.add([5, 4])
  set.add([9, 7, 8, 2, 7])
  expect(set.runs).toEqual([
    [1, 5],
    [7, 9],
  ])
})

const MAX = 30
const all = Array.from({ length: MAX + 1 }, (_, number) => number)
const someNumbers = fc.array(fc.integer({ min: 1, max: MAX - 1 }))

const expectInOrder = ({ runs }: NumberRuns): void => {
  const isBehind = ([from, to]: readonly [number, number], i: number) =>
    from <= to && from > (runs[i - 1]?.[1] ?? -1) + 1
  expect(runs.every(isBehind)).toBe(true)
}

test('it is a set, whatever comes, also after it was written down', () => {
  fc.assert(
    fc.property(fc.array(someNumbers), (parts) => {
      const set = new NumberRuns()
      for (const numbers of parts) set.add(numbers)
      const again = new NumberRuns(set.runs)
      const isIn = all.map((number) => parts.flat().includes(number))
      expect(all.map((number) => set.has(number))).toEqual(isIn)
      expect(all.map((number) => again.has(number))).toEqual(isIn)
      expectInOrder(set)
    }),
  )
})

test('bridge() adds what is nowhere to make runs fewer, no more and from the lowest on', () => {
  fc.assert(
    fc.property(someNumbers, someNumbers, fc.integer({ min: 1, max: 9 }), (numbers, there, max) => {
      const set = new NumberRuns()
      set.add(numbers)
      const before = new NumberRuns(set.runs)
      const apart = there.filter((number) => !set.has(number)).sort((a, b) => a - b)
      set.bridge(Float64Array.from([...apart, ...numbers]).sort(), max)
      expectInOrder(set)
      expect(all.filter((number) => before.has(number) && !set.has(number))).toEqual([])
      expect(apart.filter((number) => set.has(number))).toEqual([])
      const added = all.filter((number) => set.has(number) && !before.has(number))
      if (added.length > 0) expect(set.runs.length).toBeGreaterThanOrEqual(max)
      // Below what was bridged last nothing is left to bridge, nor anywhere where too many are.
      const end = set.runs.length > max ? MAX : (added.at(-1) ?? 0)
      for (const [i, [from]] of set.runs.entries()) {
        if (i === 0 || from > end) continue
        const last = set.runs[i - 1]![1]
        expect(apart.some((number) => number > last && number < from)).toBe(true)
      }
    }),
  )
})
