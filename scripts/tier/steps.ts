/** The steps of every tier: one literal table, read by `scripts/tier.ts`. */

/** A later tier runs the steps of the earlier ones, except soak, which runs alone. */
export type Tier = 'ok' | 'test' | 'full' | 'soak'

/** Programs of others that steps need; `provision.ts` knows where they come from. */
export type Tool = 'promtool' | 'hadolint'

export interface Step {
  readonly name: string
  /** The first tier that runs it. */
  readonly tier: Tier
  /** `vitest` steps are counted test by test, `command` steps count as one. */
  readonly kind: 'command' | 'vitest'
  /** Program and arguments; for vitest the projects. */
  readonly command: readonly string[]
  /** Environment on top of the runner's. */
  readonly env?: Readonly<Record<string, string>>
  /** Must exist for the step to make sense, relative to the repository. */
  readonly needs?: string
  /** Only these test files of the vitest projects. */
  readonly files?: readonly string[]
  /** A program of others that the runner installs where it is missing. */
  readonly tool?: Tool
}

/** Minutes after which the runner ends a tier. */
export const MINUTES_MAX: Readonly<Record<Tier, number>> = { ok: 3, test: 12, full: 40, soak: 480 }

/** The command of each tier, for the lines that say what was not run. */
export const COMMANDS: Readonly<Record<Tier, string>> = {
  ok: 'npm run ok',
  test: 'npm test',
  full: 'npm run test:full',
  soak: 'npm run test:soak',
}

const NEW_SEEDS = { SLUICE_TEST_SEED: 'random' }

/** One file of `test/full` that needs one program of others. */
const fullStep = (name: string, tool: Tool): Step => ({
  name,
  tier: 'full',
  kind: 'vitest',
  command: ['full'],
  files: [`test/full/${name}.test.ts`],
  needs: `test/full/${name}.test.ts`,
  tool,
})

export const STEPS: readonly Step[] = [
  { name: 'types', tier: 'ok', kind: 'command', command: ['tsc', '-p', '.'] },
  {
    name: 'format and lint',
    tier: 'ok',
    kind: 'command',
    command: ['biome', 'check', '--error-on-warnings', '.'],
  },
  { name: 'dead code', tier: 'ok', kind: 'command', command: ['knip', '--no-progress'] },
  {
    name: 'tidy, unit, property',
    tier: 'ok',
    kind: 'vitest',
    command: ['tidy', 'unit', 'property'],
  },
  {
    name: 'integration',
    tier: 'test',
    kind: 'vitest',
    command: ['integration'],
    needs: 'test/integration',
  },
  { name: 'fault', tier: 'test', kind: 'vitest', command: ['fault'], needs: 'test/fault' },
  {
    name: 'conformance',
    tier: 'test',
    kind: 'vitest',
    command: ['conformance'],
    needs: 'test/conformance',
  },
  {
    name: 'regression',
    tier: 'test',
    kind: 'vitest',
    command: ['regression'],
    needs: 'test/regression',
  },
  {
    name: 'properties, new seeds',
    tier: 'full',
    kind: 'vitest',
    command: ['property', 'unit'],
    env: { ...NEW_SEEDS, SLUICE_TEST_RUNS_FACTOR: '20' },
  },
  fullStep('promtool', 'promtool'),
  fullStep('hadolint', 'hadolint'),
  {
    name: 'soak',
    tier: 'soak',
    kind: 'vitest',
    command: ['soak'],
    env: { ...NEW_SEEDS, SLUICE_TEST_RUNS_FACTOR: '1000' },
    needs: 'test/soak',
  },
]

const ORDER: readonly Tier[] = ['ok', 'test', 'full']

/** Steps of a tier in order. */
export const stepsOf = (tier: Tier): readonly Step[] =>
  tier === 'soak'
    ? STEPS.filter((step) => step.tier === 'soak')
    : STEPS.filter((step) => ORDER.slice(0, ORDER.indexOf(tier) + 1).includes(step.tier))

/** Tiers that a run of `tier` leaves out. */
export const tiersLeftOut = (tier: Tier): readonly Tier[] => {
  if (tier === 'soak') return ORDER
  return [...ORDER.slice(ORDER.indexOf(tier) + 1), 'soak']
}
