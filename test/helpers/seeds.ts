/**
 * How many runs a property gets, and from which seed: one place, so that a tier can turn one knob.
 * Vitest loads this before every unit and property test; a property that wants another number of
 * runs says `{ numRuns: propertyRuns(1000) }`.
 *
 * `npm run ok` and `npm test` use a fixed seed, so that they fail for what changed and not by
 * chance; `npm run test:full` and `npm run test:soak` take new seeds and more runs. On failure
 * fast-check prints seed and path, and this repeats it:
 *
 *     SLUICE_TEST_SEED=<seed> npx vitest run <file>
 */

import { randomInt } from 'node:crypto'
import { configureGlobal } from 'fast-check'

const FIXED_SEED = 20_250_101
const DEFAULT_RUNS = 100
const INT32_MAX = 2 ** 31 - 1

const factor = (): number => {
  const given = Number(process.env['SLUICE_TEST_RUNS_FACTOR'] ?? '1')
  return Number.isFinite(given) && given > 0 ? given : 1
}

const seed = (): number => {
  const given = process.env['SLUICE_TEST_SEED'] ?? ''
  if (given === 'random') return randomInt(INT32_MAX)
  return given === '' ? FIXED_SEED : Number(given)
}

/** Runs for the tier that is running, from those of `npm run ok`. */
export const propertyRuns = (runs = DEFAULT_RUNS): number =>
  Math.max(1, Math.round(runs * factor()))

configureGlobal({ seed: seed(), numRuns: propertyRuns() })
