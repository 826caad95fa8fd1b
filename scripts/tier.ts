/**
 * Runs a tier of tests: `node scripts/tier.ts ok | test | full | soak`.
 *
 * It holds the tier to its time, prints a line for each step with its time and a line for
 * everything that was not run and why, and ends with `N passed, N failed`: the tests of vitest plus
 * one for each other step.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { countsLinesIn } from './tier/client-counts.ts'
import { reapProcessesNaming, runStep, type StepOutcome } from './tier/process-group.ts'
import { isCi, provision, toolFolders } from './tier/provision.ts'
import { keepSoakOutput } from './tier/soak-output.ts'
import {
  COMMANDS,
  isRequired,
  MINUTES_MAX,
  type Step,
  stepsOf,
  type Tier,
  tiersLeftOut,
  wantedOf,
} from './tier/steps.ts'
import { type Counts, countReport } from './tier/vitest-report.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

const say = (mark: string, name: string, more: string): void =>
  console.log(`  ${mark.padEnd(8)} ${name.padEnd(24)} ${more}`)

const seconds = (fromMs: number): string => `${((performance.now() - fromMs) / 1000).toFixed(1)} s`

/** Test files write under `folder`, so that what they leave behind can be found. */
const environment = (step: Step, folder: string): NodeJS.ProcessEnv => ({
  ...process.env,
  ...step.env,
  TMPDIR: folder,
  NO_COLOR: '1',
  FORCE_COLOR: undefined,
  PATH: [join(ROOT, 'node_modules/.bin'), ...toolFolders(), process.env['PATH']].join(':'),
})

const commandOf = (step: Step, report: string): readonly string[] => {
  if (step.kind === 'command') return step.command
  return [
    'vitest',
    'run',
    ...(step.files ?? []),
    ...(step.except ?? []).flatMap((file) => ['--exclude', file]),
    ...step.projects.flatMap((project) => ['--project', project]),
    ...(step.isIsolated === true ? ['--isolate'] : []),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
}

const countsOf = (step: Step, outcome: StepOutcome, report: string): Counts => {
  if (step.kind === 'vitest') return countReport(report, outcome.exitCode, wantedOf(step), ROOT)
  const isPassed = outcome.exitCode === 0
  return { passed: isPassed ? 1 : 0, failed: isPassed ? 0 : 1, skipped: [], missing: [] }
}

/** Why a step is left out on this machine, or null. */
const reasonToSkip = (step: Step, leftMs: number): string | null =>
  step.kind === 'vitest' && step.tool !== undefined
    ? provision(step.tool, process.env, leftMs)
    : null

interface Run {
  readonly deadlineMs: number
  /** Where test files write. */
  readonly folder: string
  readonly signal: AbortSignal
}

const runOne = async (step: Step, { deadlineMs, folder, signal }: Run): Promise<Counts> => {
  const startMs = performance.now()
  const report = join(folder, 'report.json')
  rmSync(report, { force: true })
  const outcome = await runStep(commandOf(step, report), {
    env: environment(step, folder),
    timeoutMs: Math.max(1, deadlineMs - startMs),
    isShown: step.tier === 'soak',
    signal,
  })
  const left = reapProcessesNaming(folder)
  if (signal.aborted) {
    say('stopped', step.name, String(signal.reason))
    return { passed: 0, failed: 1, skipped: [], missing: [] }
  }
  const counts = countsOf(step, outcome, report)
  const failed = Math.max(counts.failed, outcome.isTimedOut ? 1 : 0) + (left.length > 0 ? 1 : 0)
  if (failed > 0 && step.tier !== 'soak') console.log(outcome.output)
  for (const line of left) say('left', step.name, `a process was not ended: ${line}`)
  for (const glob of counts.missing) say('missing', step.name, `no test was run of ${glob}`)
  if (outcome.isTimedOut) say('late', step.name, 'the time of the tier is over')
  for (const line of countsLinesIn(outcome.output)) say('counts', step.name, line)
  for (const name of counts.skipped) say('not run', step.name, `skipped test: ${name}`)
  const detail = step.kind === 'vitest' ? `  ${counts.passed} passed, ${counts.failed} failed` : ''
  say(failed > 0 ? 'FAILED' : 'ok', step.name, `${seconds(startMs)}${detail}`)
  if (step.tier === 'soak') say('kept', step.name, keepSoakOutput(ROOT, outcome.output, new Date()))
  return { ...counts, failed }
}

const runSteps = async (tier: Tier, run: Run): Promise<{ passed: number; failed: number }> => {
  let passed = 0
  let failed = 0
  for (const step of stepsOf(tier)) {
    const leftMs = run.deadlineMs - performance.now()
    const reason = run.signal.aborted ? String(run.signal.reason) : reasonToSkip(step, leftMs)
    if (reason !== null) {
      say('not run', step.name, reason)
      if (isRequired(step, isCi(process.env))) {
        say('FAILED', step.name, 'CI is set, and it was not run')
        failed++
      }
      continue
    }
    const counts = await runOne(step, run)
    passed += counts.passed
    failed += counts.failed
  }
  return { passed, failed }
}

/** Aborts when somebody wants the runner to end: steps are in groups of their own. */
const abortBySignals = (): { signal: AbortSignal; exitCode: () => number } => {
  const controller = new AbortController()
  let exitCode = 1
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      exitCode = 128 + constants.signals[name]
      controller.abort(`ended by ${name}`)
    })
  }
  return { signal: controller.signal, exitCode: () => exitCode }
}

const runTier = async (tier: Tier): Promise<number> => {
  const startMs = performance.now()
  const { signal, exitCode } = abortBySignals()
  const folder = mkdtempSync(join(tmpdir(), 'st-'))
  const run = { deadlineMs: startMs + MINUTES_MAX[tier] * 60_000, folder, signal }
  try {
    const { passed, failed } = await runSteps(tier, run)
    for (const other of tiersLeftOut(tier)) {
      say('not run', `tier ${other}`, `run ${COMMANDS[other]}`)
    }
    console.log(`\n${COMMANDS[tier]} took ${seconds(startMs)} of ${MINUTES_MAX[tier]} min`)
    console.log(`${passed} passed, ${failed} failed`)
    return failed === 0 && passed > 0 && !signal.aborted ? 0 : exitCode()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const tier = process.argv[2] ?? ''
if (Object.hasOwn(COMMANDS, tier)) {
  process.chdir(ROOT)
  process.exitCode = await runTier(tier as Tier)
} else {
  console.error(`Unknown tier "${tier}"; one of ${Object.keys(COMMANDS).join(', ')} is wanted`)
  process.exitCode = 2
}
