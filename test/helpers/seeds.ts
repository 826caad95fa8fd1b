/**
 * How many runs a property gets, and from which seed: one place, so that a tier can turn one knob.
 *
 * `npm run ok` and `npm test` use a fixed seed, so that they fail for what changed and not by
 * chance; `npm run test:full` and `npm run test:soak` take a new seed and more runs. On failure
 * fast-check prints seed and path, and this repeats it:
 *
 *     SLUICE_TEST_SEED=<seed> npx vitest run <file>
 */

import type { Parameters } from 'fast-check'

const FIXED_SEED = 20_250_101

/** Runs of a property in `npm run ok`; a property may ask for fewer when one run is slow. */
export const PROPERTY_RUNS = 100

const factor = (): number => {
  const given = Number(process.env['SLUICE_TEST_RUNS_FACTOR'] ?? '1')
  return Number.isFinite(given) && given > 0 ? given : 1
}

/** The seed of this test run. */
export const testSeed = (): number => {
  const given = process.env['SLUICE_TEST_SEED']
  if (given === undefined || given === '') return FIXED_SEED
  if (given === 'random') return crypto.getRandomValues(new Int32Array(1))[0] ?? FIXED_SEED
  return Number(given)
}

/** The second argument of `fc.assert`: seed and number of runs for the tier that is running. */
export const propertyOptions = (
  runs = PROPERTY_RUNS,
): Pick<Parameters<void>, 'numRuns' | 'seed'> => ({
  numRuns: Math.max(1, Math.round(runs * factor())),
  seed: testSeed(),
})
