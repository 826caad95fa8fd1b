/**
 * What a run of a version costs: microseconds = a + b * rows, with a and b not negative, from the
 * runs themselves. Decayed least squares: the last runs, some 32 of them, count most.
 *
 * - Before the first run the figures of the proving run stand.
 * - While all runs have one number of rows, nothing tells a from b: the slope is drawn to that of
 *   the proving run, scaled to what runs cost now, by `PULL`.
 * - A run that was held up (another process had the core) counts as at most `RISE_MAX` times what
 *   was expected: one of 20 ms among runs of 10 us is no reason to refuse anybody. What costs more
 *   from now on is believed after some runs.
 * - Where a run took less than half of what was expected, older runs are forgotten faster: a wrong
 *   figure that is too high keeps requests out, one that is too low is corrected by them.
 */

import type { PlannedVersion } from '../shared/epoch-plan.ts'

/** Weight that older runs keep at each run. */
const KEPT = 31 / 32
/** The same where the run was cheaper than half of what was expected. */
const KEPT_WHEN_CHEAPER = 0.75
/** Runs that the figures of the proving run count for, all of them together. */
const SEED_WEIGHT_MAX = 4
const RISE_MAX = 3
/** Weight of the expected slope: against a spread of the rows of this part of their mean. */
const PULL = 0.1 ** 2

export class CostModel {
  /** Microseconds of a run, however few its rows. */
  a = 0
  /** Microseconds that each row adds. */
  b = 0
  /** Microseconds of all runs so far. */
  ranUs = 0
  /** The line of the proving run: where runs do not tell a from b, its slope does. */
  readonly #shapeA: number
  readonly #shapeB: number
  #weight = 0
  #meanRows = 0
  #meanUs = 0
  #variance = 0
  #covariance = 0

  /** `seed`: none where a version could not be measured; then runs cost nothing yet. */
  constructor(seed: PlannedVersion['runUsByRows']) {
    this.#shapeA = 0
    this.#shapeB = 1
    for (const [rows, us] of seed) this.#take(rows, us, 1)
    this.#weight = Math.min(this.#weight, SEED_WEIGHT_MAX)
    this.#shapeA = this.a
    this.#shapeB = this.a + this.b > 0 ? this.b : 1
  }

  /** Microseconds that a run of so many rows is expected to take. */
  estimateUs(rows: number): number {
    return this.a + this.b * rows
  }

  /** A run has taken `us` microseconds. */
  observe(rows: number, us: number): void {
    this.ranUs += us
    const expectedUs = this.a + this.b * rows
    if (this.#weight === 0 || expectedUs <= 0) this.#take(rows, us, KEPT)
    else if (us < expectedUs / 2) this.#take(rows, us, KEPT_WHEN_CHEAPER)
    else this.#take(rows, Math.min(us, expectedUs * RISE_MAX), KEPT)
  }

  /** Moments with weights that decay, so that nothing grows; then the line through their mean. */
  #take(rows: number, us: number, kept: number): void {
    this.#weight = this.#weight * kept + 1
    const part = 1 / this.#weight
    const offRows = rows - this.#meanRows
    const offUs = us - this.#meanUs
    this.#meanRows += part * offRows
    this.#meanUs += part * offUs
    this.#variance = (1 - part) * (this.#variance + part * offRows * offRows)
    this.#covariance = (1 - part) * (this.#covariance + part * offRows * offUs)
    this.#draw()
  }

  #draw(): void {
    const rows = this.#meanRows
    const shape = this.#shapeA + this.#shapeB * rows
    const expected = shape > 0 ? (this.#shapeB * this.#meanUs) / shape : 0
    const pull = PULL * rows * rows
    const spread = this.#variance + pull
    const slope = spread > 0 ? (this.#covariance + pull * expected) / spread : 0
    const steepest = rows > 0 ? this.#meanUs / rows : 0
    this.b = Math.min(Math.max(slope, 0), steepest)
    this.a = this.#meanUs - this.b * rows
  }
}
