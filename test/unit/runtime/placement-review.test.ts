import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LiveRuns, PlacementFigures } from '../../../src/runtime/placement.ts'
import { beginReview, reviewPlacement } from '../../../src/runtime/placement-review.ts'
import type { Placement } from '../../../src/shared/placement.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const figures: PlacementFigures = {
  ...{ runUsByRows: [[1, 400]], rowsMax: 1 },
  ...{ memoryBytes: 1, gpus: [] },
}

const HOUR_MS = 3_600_000

/** A version that serves, looked at once a second; moved when the review says so. */
class Served {
  nowMs = 5000
  kind: Placement['kind']
  #totals: LiveRuns = { runs: 77, rows: 77, seconds: 1 }
  #review = beginReview(this.#totals, this.nowMs)
  readonly moves: { readonly atMs: number; readonly kind: Placement['kind'] }[] = []

  constructor(kind: Placement['kind']) {
    this.kind = kind
  }

  /** Runs of one row for so long. */
  serve(forMs: number, us: number, runsPerSecond: number): void {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; ) {
      this.nowMs += 1000
      const { runs, rows, seconds } = this.#totals
      this.#totals = {
        ...{ runs: runs + runsPerSecond, rows: rows + runsPerSecond },
        seconds: seconds + (us * runsPerSecond) / 1e6,
      }
      this.#look()
    }
  }

  /** The counters begin again. */
  forget(): void {
    this.#totals = { runs: 0, rows: 0, seconds: 0 }
    this.#look()
  }

  #look(): void {
    const args = [this.kind, figures, this.#totals, this.nowMs] as const
    const { review, live } = reviewPlacement(this.#review, ...args)
    this.#review = review
    if (live === null) return
    this.kind = this.kind === 'inline' ? 'pooled' : 'inline'
    this.moves.push({ atMs: this.nowMs, kind: this.kind })
  }
}

describe('reviewPlacement()', () => {
  test('moves what clearly takes too long out of the data threads, after three windows', () => {
    const served = new Served('inline')
    served.serve(29_000, 2500, 10)
    expect(served.moves).toEqual([])
    served.serve(1000, 2500, 10)
    expect(served.moves).toEqual([{ atMs: 35_000, kind: 'pooled' }])
  })

  test.each([
    ['a little too long', 1900, 10, HOUR_MS],
    ['too seldom to tell', 9000, 0, HOUR_MS],
    ['only for a moment', 9000, 100, 20_000],
  ])('leaves inline what takes %s', (_, us, runsPerSecond, forMs) => {
    const served = new Served('inline')
    served.serve(forMs, us, runsPerSecond)
    served.serve(HOUR_MS, 300, 100)
    expect(served.moves).toEqual([])
  })

  test('takes what has clearly become quick back after five minutes', () => {
    const served = new Served('pooled')
    served.serve(299_000, 400, 10)
    expect(served.moves).toEqual([])
    served.serve(1000, 400, 10)
    expect(served.moves).toEqual([{ atMs: 305_000, kind: 'inline' }])
  })

  test('needs a thousand runs for the way back', () => {
    const served = new Served('pooled')
    served.serve(490_000, 400, 2)
    expect(served.moves).toEqual([])
    served.serve(20_000, 400, 2)
    expect(served.moves).toHaveLength(1)
  })

  test('begins a window anew where counters fall', () => {
    const served = new Served('inline')
    served.serve(25_000, 2500, 10)
    served.forget()
    served.serve(9000, 2500, 10)
    expect(served.moves).toEqual([])
    served.serve(2000, 2500, 10)
    expect(served.moves).toHaveLength(1)
  })

  test('comes to rest, however load changes: the time between moves doubles', () => {
    const load = fc.record({
      us: fc.constantFrom(100, 900, 1500, 5000),
      forMs: fc.integer({ min: 1, max: 40 }).map((minutes) => minutes * 60_000),
    })
    fc.assert(
      fc.property(fc.array(load, { minLength: 1, maxLength: 8 }), (loads) => {
        const served = new Served('inline')
        for (let day = 0; served.nowMs < 4 * HOUR_MS; day++) {
          const { us, forMs } = loads[day % loads.length]!
          served.serve(forMs, us, 10)
        }
        for (const [i, { atMs }] of served.moves.entries()) {
          if (i === 0) continue
          expect(atMs - served.moves[i - 1]!.atMs).toBeGreaterThanOrEqual(600_000 * 2 ** (i - 1))
        }
      }),
      { numRuns: propertyRuns(20) },
    )
  })
})
