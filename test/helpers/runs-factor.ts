/** How many times as often as in `npm run ok` properties run, by the tier that is running. */

/** The factor, from `SLUICE_TEST_RUNS_FACTOR`; 1 unless a tier says otherwise. */
export const runsFactor = (environment: NodeJS.ProcessEnv = process.env): number => {
  const given = environment['SLUICE_TEST_RUNS_FACTOR'] ?? '1'
  const factor = Number(given)
  if (Number.isFinite(factor) && factor > 0) return factor
  throw new Error(`SLUICE_TEST_RUNS_FACTOR must be a number above 0, and is "${given}"`)
}
