/** The steps of every tier: one literal table, read by `scripts/tier.ts` and the tidy rules. */

import { matchesGlob } from 'node:path'
import { PROJECTS, type ProjectName } from './projects.ts'

/** A later tier runs the steps of the earlier ones, except soak, which runs alone. */
export type Tier = 'ok' | 'test' | 'full' | 'soak'

/** Those that are installed by a lock file, `test/conformance/clients/requirements-<tool>.txt`. */
export type PythonTool = 'tritonclient' | 'kserve' | 'schemathesis'

/** Programs of others that steps need; `provision.ts` knows where they come from. */
export type Tool = 'promtool' | 'hadolint' | 'chromium' | 'otel-collector' | GoTool | PythonTool

/** Those that are built from their module of Go. */
export type GoTool = 'grpcurl' | 'ghz' | 'grpc-health-probe'

interface StepBase {
  readonly name: string
  /** The first tier that runs it. */
  readonly tier: Tier
  /** Environment on top of the runner's. */
  readonly env?: Readonly<Record<string, string>>
}

/** A program; it counts as one test. */
export interface CommandStep extends StepBase {
  readonly kind: 'command'
  readonly command: readonly string[]
}

/** Tests, counted one by one. Each of its projects and files must have some. */
export interface TestStep extends StepBase {
  readonly kind: 'vitest'
  readonly projects: readonly ProjectName[]
  /** Only these test files of the projects. */
  readonly files?: readonly string[]
  /** All but these. */
  readonly except?: readonly string[]
  /** A program of others without which it is not run. */
  readonly tool?: Tool
  /** It runs again, in another way, what a step before it has run. */
  readonly isRepeat?: boolean
  /** A process for each file: that none leans on what another left behind. */
  readonly isIsolated?: boolean
}

export type Step = CommandStep | TestStep

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
const fullStep = (tool: Tool): TestStep => ({
  name: tool,
  tier: 'full',
  kind: 'vitest',
  projects: ['full'],
  files: [`test/full/${tool}.test.ts`],
  tool,
})

/** One client that others wrote, against gateways of ours; `files`: of `test/conformance`. */
const clientStep = (tool: PythonTool, tier: Tier, files: readonly string[] = [tool]): TestStep => ({
  name: tool,
  tier,
  kind: 'vitest',
  projects: ['conformance'],
  files: files.map((name) => `test/conformance/${name}.test.ts`),
  tool,
})

/** Tests of processes that `npm test` has no time for. */
const AT_LENGTH = [
  'test/fault/aborts.test.ts',
  'test/fault/bad-models.test.ts',
  'test/fault/collector.test.ts',
  'test/fault/compute-hang.test.ts',
  'test/fault/flood.test.ts',
  'test/fault/grpc-connections.test.ts',
  'test/fault/grpc-floods.test.ts',
  'test/fault/grpc-fuzz.test.ts',
  'test/fault/grpc-lives.test.ts',
  'test/fault/grpc-messages.test.ts',
  'test/fault/grpc-state.test.ts',
  'test/fault/poison.test.ts',
  'test/fault/pool-memory.test.ts',
  'test/fault/records-damage.test.ts',
  'test/fault/records-deaths.test.ts',
  'test/fault/records-disk.test.ts',
  'test/fault/records-input.test.ts',
  'test/fault/records-shared.test.ts',
  'test/fault/restart.test.ts',
  'test/fault/supervision.test.ts',
  'test/fault/swaps.test.ts',
  'test/integration/amplification.test.ts',
  'test/integration/hostile-names.test.ts',
  'test/integration/http-engine-tls.test.ts',
  'test/integration/index-changes.test.ts',
  'test/integration/load-generators.test.ts',
  'test/integration/model-control.test.ts',
  'test/integration/model-update.test.ts',
  'test/integration/planning.test.ts',
  'test/integration/recorded-features.test.ts',
  'test/integration/records-kinds.test.ts',
  'test/integration/records-metrics.test.ts',
  'test/integration/records-query.test.ts',
  'test/integration/records-tail.test.ts',
  'test/integration/records-verbs.test.ts',
  'test/integration/shipper.test.ts',
  'test/integration/smuggling.test.ts',
  'test/integration/succession.test.ts',
  'test/integration/tls.test.ts',
] as const

export const STEPS: readonly Step[] = [
  { name: 'types', tier: 'ok', kind: 'command', command: ['tsc', '-p', '.'] },
  {
    name: 'format and lint',
    tier: 'ok',
    kind: 'command',
    command: ['biome', 'check', '--error-on-warnings', '.'],
  },
  { name: 'dead code', tier: 'ok', kind: 'command', command: ['knip', '--no-progress'] },
  // A step of its own, so that its time is printed: look into it when it passes 5 s.
  { name: 'tidy', tier: 'ok', kind: 'vitest', projects: ['tidy'] },
  { name: 'unit, property', tier: 'ok', kind: 'vitest', projects: ['unit', 'property'] },
  {
    name: 'integration',
    tier: 'test',
    kind: 'vitest',
    projects: ['integration'],
    except: AT_LENGTH,
  },
  { name: 'fault', tier: 'test', kind: 'vitest', projects: ['fault'], except: AT_LENGTH },
  clientStep('tritonclient', 'test', ['tritonclient', 'tritonclient-tls']),
  {
    name: 'properties, new seeds',
    tier: 'full',
    kind: 'vitest',
    projects: ['property', 'unit'],
    env: { ...NEW_SEEDS, SLUICE_TEST_RUNS_FACTOR: '20' },
    isRepeat: true,
    isIsolated: true,
  },
  {
    name: 'smuggling, fuzz, new seeds',
    tier: 'full',
    kind: 'vitest',
    projects: ['integration', 'fault'],
    files: [
      'test/integration/smuggling.test.ts',
      'test/integration/http-fuzz.test.ts',
      'test/integration/grpc-twins.test.ts',
      'test/fault/grpc-fuzz.test.ts',
    ],
    env: { ...NEW_SEEDS, SLUICE_TEST_RUNS_FACTOR: '5' },
    isRepeat: true,
  },
  {
    name: 'processes at length',
    tier: 'full',
    kind: 'vitest',
    projects: ['fault', 'integration'],
    files: AT_LENGTH,
  },
  {
    name: 'slow clients',
    tier: 'full',
    kind: 'vitest',
    projects: ['full'],
    files: ['test/full/slow-clients.test.ts'],
  },
  {
    name: 'records, with replicas killed',
    tier: 'full',
    kind: 'vitest',
    projects: ['full'],
    files: ['test/full/records.test.ts', 'test/full/records-queries.test.ts'],
  },
  clientStep('kserve', 'full'),
  clientStep('schemathesis', 'full'),
  fullStep('promtool'),
  fullStep('otel-collector'),
  fullStep('hadolint'),
  fullStep('chromium'),
  fullStep('grpcurl'),
  fullStep('grpc-health-probe'),
  fullStep('ghz'),
  {
    // Of 200 runs and more in `npm run ok`.
    name: 'models, 10,000 seeds',
    tier: 'soak',
    kind: 'vitest',
    projects: ['property'],
    files: ['batcher', 'queue', 'pool', 'planning', 'spool', 'recording'].map(
      (name) => `test/property/${name}.test.ts`,
    ),
    env: { ...NEW_SEEDS, SLUICE_TEST_RUNS_FACTOR: '50' },
    isRepeat: true,
  },
  {
    // Of 20 runs in `npm run ok`.
    name: 'shipping, 10,000 seeds',
    tier: 'soak',
    kind: 'vitest',
    projects: ['property'],
    files: ['test/property/shipping.test.ts', 'test/property/shipping-damage.test.ts'],
    env: { ...NEW_SEEDS, SLUICE_TEST_RUNS_FACTOR: '500' },
    isRepeat: true,
  },
  {
    // Of 5 runs and more in `npm run ok`.
    name: 'lives of records, 2,500 seeds',
    tier: 'soak',
    kind: 'vitest',
    projects: ['property'],
    files: ['test/property/record-lives.test.ts', 'test/property/shipping-moves.test.ts'],
    env: { ...NEW_SEEDS, SLUICE_TEST_RUNS_FACTOR: '500' },
    isRepeat: true,
  },
  {
    name: 'soak',
    tier: 'soak',
    kind: 'vitest',
    projects: ['soak'],
    env: { ...NEW_SEEDS, SLUICE_TEST_RUNS_FACTOR: '1000' },
  },
]

const ORDER: readonly Tier[] = ['ok', 'test', 'full']

/** Steps of a tier in order. */
export const stepsOf = (tier: Tier): readonly Step[] =>
  tier === 'soak'
    ? STEPS.filter((step) => step.tier === 'soak')
    : STEPS.filter((step) => ORDER.slice(0, ORDER.indexOf(tier) + 1).includes(step.tier))

/**
 * Whether a step that cannot be run is a failure: where `npm test` is the gate, of CI, it proves
 * nothing about clients that it has not run. Elsewhere, and later, a line says what was not run.
 */
export const isRequired = ({ tier }: Step, isCi: boolean): boolean =>
  isCi && (tier === 'ok' || tier === 'test')

/** Tiers that a run of `tier` leaves out. */
export const tiersLeftOut = (tier: Tier): readonly Tier[] => {
  if (tier === 'soak') return ORDER
  return [...ORDER.slice(ORDER.indexOf(tier) + 1), 'soak']
}

/** Globs of what a step must run: each must match a test file that was run. */
export const wantedOf = ({ projects, files }: TestStep): readonly string[] =>
  files ?? projects.map((name) => PROJECTS[name].include)

/**
 * Where the tables and the test files do not fit: a file that no step runs, or several do, and a
 * project or file of a step that holds no test. One sentence for each.
 *
 * @param paths all test files, relative to the repository
 */
export const misfits = (paths: readonly string[], steps = STEPS): readonly string[] => {
  const tests = steps.filter((step) => step.kind === 'vitest')
  const runs = (step: TestStep, path: string): boolean =>
    step.projects.some((name) => matchesGlob(path, PROJECTS[name].include)) &&
    step.except?.includes(path) !== true &&
    wantedOf(step).some((glob) => matchesGlob(path, glob))
  const lonely = paths.flatMap((path) => {
    const count = tests.filter((step) => step.isRepeat !== true && runs(step, path)).length
    return count === 1 ? [] : [`${path}: run by ${count} steps of scripts/tier/steps.ts; want one`]
  })
  const empty = tests.flatMap((step) =>
    wantedOf(step)
      .filter((glob) => !paths.some((path) => matchesGlob(path, glob)))
      .map((glob) => `scripts/tier/steps.ts: step "${step.name}" wants ${glob}: no such test`),
  )
  const idle = Object.keys(PROJECTS)
    .filter((name) => !tests.some((step) => step.projects.includes(name as ProjectName)))
    .map((name) => `scripts/tier/projects.ts: no step runs project ${name}`)
  return [...lonely, ...empty, ...idle]
}
