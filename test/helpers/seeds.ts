/**
 * How many runs a property gets, and from which seed: one place, so that a tier can turn one knob.
 * Vitest loads this before every test file; a property that wants another number of runs says
 * `{ numRuns: propertyRuns(1000) }`.
 *
 * `npm run ok` and `npm test` use a fixed seed, so that they fail for what changed and not by
 * chance; `npm run test:full` and `npm run test:soak` take new seeds and more runs. On failure
 * fast-check prints seed and path, and this repeats it:
 *
 *     SLUICE_TEST_SEED=<seed> npx vitest run <file>
 */

import { randomInt } from 'node:crypto'
import { configureGlobal } from 'fast-check'
import { runsFactor } from './runs-factor.ts'

const FIXED_SEED = 20_250_101
const DEFAULT_RUNS = 100
const INT32_MAX = 2 ** 31 - 1

/** The seed that a variable asks for: a number, `random` for a new one, nothing for the fixed. */
export const seedOf = (given = ''): number => {
  if (given === 'random') return randomInt(INT32_MAX)
  if (given === '') return FIXED_SEED
  const seed = Number(given)
  if (Number.isInteger(seed) && Math.abs(seed) <= INT32_MAX) return seed
  throw new Error(`SLUICE_TEST_SEED must be a whole number or "random", and is "${given}"`)
}

/** Runs for the tier that is running, from those of `npm run ok`. */
export const propertyRuns = (runs = DEFAULT_RUNS): number =>
  Math.max(1, Math.round(runs * runsFactor()))

configureGlobal({ seed: seedOf(process.env['SLUICE_TEST_SEED']), numRuns: propertyRuns() })
