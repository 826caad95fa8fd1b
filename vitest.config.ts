import { defineConfig } from 'vitest/config'

/** One project per kind of test; `scripts/tier.ts` says which tier runs which. */
const project = (name: string, include: string, more: object = {}) => ({
  test: { name, include: [include], restoreMocks: true, ...more },
})

/** Seed and number of runs of every property come from one place. */
const withSeeds = { setupFiles: ['test/helpers/seeds.ts'] }

/** Tests that start processes run one file at a time, so that none steals another's CPU. */
const withProcesses = { fileParallelism: false, testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    globals: false,
    passWithNoTests: true,
    projects: [
      project('tidy', 'test/*.test.ts', { testTimeout: 30_000, hookTimeout: 30_000 }),
      project('unit', 'test/unit/**/*.test.ts', withSeeds),
      project('property', 'test/property/**/*.test.ts', { ...withSeeds, testTimeout: 300_000 }),
      project('integration', 'test/integration/**/*.test.ts', withProcesses),
      project('fault', 'test/fault/**/*.test.ts', withProcesses),
      project('conformance', 'test/conformance/**/*.test.ts', withProcesses),
      project('regression', 'test/regression/**/*.test.ts', withProcesses),
      project('full', 'test/full/**/*.test.ts', { ...withProcesses, testTimeout: 300_000 }),
      project('soak', 'test/soak/**/*.soak.ts', { ...withProcesses, testTimeout: 3_600_000 }),
    ],
  },
})
