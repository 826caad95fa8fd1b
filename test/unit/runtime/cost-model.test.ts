import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CostModel } from '../../../src/runtime/cost-model.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const SEED = [
  [1, 110],
  [2, 120],
  [4, 140],
  [64, 740],
] as const

/** `count` runs whose rows come from `sizes` in turn, each at the cost that `us` says. */
const observeMany = (
  model: CostModel,
  count: number,
  sizes: readonly number[],
  us: (rows: number) => number,
) => {
  for (let i = 0; i < count; i++) {
    const rows = sizes[i % sizes.length]!
    model.observe(rows, us(rows))
  }
}

describe('CostModel', () => {
  test('starts with the line through the figures of the proving run', () => {
    const model = new CostModel(SEED)
    expect(model.a).toBeCloseTo(100, -1)
    expect(model.b).toBeCloseTo(10, 0)
    expect(model.estimateUs(64)).toBeCloseTo(740, -1)
  })

  test('expects nothing where nothing is known, and the first run as it was', () => {
    const model = new CostModel([])
    expect(model.estimateUs(1000)).toBe(0)
    model.observe(4, 80)
    expect(model.estimateUs(4)).toBeCloseTo(80)
  })

  test('finds a and b of the runs, whatever was proved', () => {
    const model = new CostModel(SEED)
    observeMany(model, 200, [1, 8, 32], (rows) => 50 + 40 * rows)
    expect(model.a).toBeCloseTo(50, -1)
    expect(model.b).toBeCloseTo(40, 0)
  })

  test('scales what was proved when all runs have long had one number of rows', () => {
    const model = new CostModel(SEED)
    observeMany(model, 500, [1], () => 220)
    expect(model.estimateUs(1)).toBeCloseTo(220, 0)
    expect(model.estimateUs(64)).toBeGreaterThan(0.9 * 1480)
  })

  test('takes a run that was held up for one of three times its cost', () => {
    const model = new CostModel([[1, 10]])
    observeMany(model, 100, [1], () => 10)
    model.observe(1, 20_000)
    expect(model.estimateUs(1)).toBeLessThan(11)
  })

  test('believes what costs ten times as much from now on within 120 runs', () => {
    const model = new CostModel(SEED)
    observeMany(model, 120, [1, 4], (rows) => 1000 + 100 * rows)
    expect(model.estimateUs(4)).toBeGreaterThan(0.9 * 1400)
  })

  test('believes what costs a hundredth within 30 runs', () => {
    const model = new CostModel([[1, 50_000]])
    observeMany(model, 30, [1], () => 500)
    expect(model.estimateUs(1) / 500).toBeCloseTo(1, 0)
  })

  test('never expects less than nothing, and stays finite, whatever runs take', () => {
    const pair = fc.tuple(fc.integer({ min: 1, max: 4096 }), fc.double({ min: 0, max: 1e9 }))
    const pairs = (maxLength: number) =>
      fc.array(
        pair.filter(([, us]) => !Number.isNaN(us)),
        { maxLength },
      )
    const property = fc.property(pairs(10), pairs(200), (seed, runs) => {
      const model = new CostModel(seed)
      for (const [rows, us] of runs) {
        model.observe(rows, us)
        expect(model.a).toBeGreaterThanOrEqual(-1e-6)
        expect(model.b).toBeGreaterThanOrEqual(0)
        expect(Number.isFinite(model.estimateUs(4096))).toBe(true)
      }
    })
    fc.assert(property, { numRuns: propertyRuns(200) })
  })
})
