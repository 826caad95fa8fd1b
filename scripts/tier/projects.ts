/** The test projects of vitest: which files each holds, and how long one of its tests may take. */

export interface Project {
  /** Glob of its files. */
  readonly include: string
  /** At most so long a test or hook, times the factor of property runs. */
  readonly timeoutMs: number
  /** Its tests start processes: one file at a time, so that none steals another's CPU. */
  readonly startsProcesses?: boolean
}

/** A folder of tests is a project with a row here; the tiers run projects. */
export const PROJECTS = {
  tidy: { include: 'test/tidy.test.ts', timeoutMs: 30_000 },
  unit: { include: 'test/unit/**/*.test.ts', timeoutMs: 15_000 },
  property: { include: 'test/property/**/*.test.ts', timeoutMs: 60_000 },
  integration: {
    include: 'test/integration/**/*.test.ts',
    timeoutMs: 60_000,
    startsProcesses: true,
  },
  fault: { include: 'test/fault/**/*.test.ts', timeoutMs: 60_000, startsProcesses: true },
  conformance: {
    include: 'test/conformance/**/*.test.ts',
    timeoutMs: 300_000,
    startsProcesses: true,
  },
  full: { include: 'test/full/**/*.test.ts', timeoutMs: 300_000, startsProcesses: true },
  soak: { include: 'test/soak/**/*.soak.ts', timeoutMs: 3_600_000, startsProcesses: true },
} as const satisfies Readonly<Record<string, Project>>

export type ProjectName = keyof typeof PROJECTS

/** No tier is longer than this, and a timer of more than 24 days would end at once. */
const TIMEOUT_MS_MAX = 8 * 3_600_000

/** Time limit of a test, in milliseconds, where properties run `factor` times as often. */
export const timeoutMsOf = ({ timeoutMs }: Project, factor: number): number =>
  Math.min(TIMEOUT_MS_MAX, timeoutMs * Math.max(1, factor))
