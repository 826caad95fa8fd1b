/**
 * Runs a tier of tests: `node scripts/tier.ts ok | test | full | soak`.
 *
 * It holds the tier to its time, prints a line for each step with its time and a line for
 * everything that was not run and why, and ends with `N passed, N failed`: the tests of vitest plus
 * one for each other step.
 */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { reapProcessesNaming, runStep, type StepOutcome } from './tier/process-group.ts'
import { provision, toolFolders } from './tier/provision.ts'
import {
  COMMANDS,
  MINUTES_MAX,
  STEPS,
  type Step,
  stepsOf,
  type Tier,
  tiersLeftOut,
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
    ...step.command.flatMap((project) => ['--project', project]),
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
}

const countsOf = (step: Step, outcome: StepOutcome, report: string): Counts => {
  if (step.kind === 'vitest') return countReport(report, outcome.exitCode)
  const isPassed = outcome.exitCode === 0
  return { passed: isPassed ? 1 : 0, failed: isPassed ? 0 : 1, skipped: [] }
}

/** Why a step is left out on this machine, or null. */
const reasonToSkip = (step: Step): string | null => {
  if (step.needs !== undefined && !existsSync(join(ROOT, step.needs))) {
    return `there is no ${step.needs}`
  }
  return step.tool === undefined ? null : provision(step.tool)
}

const keepSoakOutput = (output: string): void => {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT })
  const folder = join(ROOT, 'bench/results')
  mkdirSync(folder, { recursive: true })
  const cpu = cpus()
  const head = `commit ${String(commit).trim()}, ${cpu.length} x ${cpu[0]?.model}, node ${process.version}\n`
  const path = join(folder, `soak-${new Date().toISOString().slice(0, 10)}.txt`)
  writeFileSync(path, head + output)
  say('kept', 'soak', path.slice(ROOT.length))
}

const runOne = async (step: Step, deadlineMs: number, folder: string): Promise<Counts> => {
  const startMs = performance.now()
  const report = join(folder, 'report.json')
  rmSync(report, { force: true })
  const outcome = await runStep(commandOf(step, report), {
    env: environment(step, folder),
    timeoutMs: Math.max(1, deadlineMs - startMs),
    isShown: step.tier === 'soak',
  })
  const left = reapProcessesNaming(folder)
  const counts = countsOf(step, outcome, report)
  const failed = Math.max(counts.failed, outcome.isTimedOut ? 1 : 0) + (left.length > 0 ? 1 : 0)
  if (failed > 0 && step.tier !== 'soak') console.log(outcome.output)
  for (const line of left) say('left', step.name, `a process was not ended: ${line}`)
  if (outcome.isTimedOut) say('late', step.name, 'the time of the tier is over')
  for (const name of counts.skipped) say('not run', step.name, `skipped test: ${name}`)
  const detail = step.kind === 'vitest' ? `  ${counts.passed} passed, ${counts.failed} failed` : ''
  say(failed > 0 ? 'FAILED' : 'ok', step.name, `${seconds(startMs)}${detail}`)
  if (step.tier === 'soak') keepSoakOutput(outcome.output)
  return { ...counts, failed }
}

/** Test files of `test/full` that no step runs: they would rot unseen. */
const forgottenFiles = (): string[] => {
  const folder = join(ROOT, 'test/full')
  if (!existsSync(folder)) return []
  const known = new Set(STEPS.flatMap((step) => step.files ?? []))
  return readdirSync(folder)
    .map((name) => `test/full/${name}`)
    .filter((path) => path.endsWith('.test.ts') && !known.has(path))
}

const runTier = async (tier: Tier): Promise<number> => {
  const startMs = performance.now()
  const deadlineMs = startMs + MINUTES_MAX[tier] * 60_000
  const folder = mkdtempSync(join(tmpdir(), 'st-'))
  let passed = 0
  let failed = 0
  try {
    for (const step of stepsOf(tier)) {
      const reason = reasonToSkip(step)
      if (reason !== null) {
        say('not run', step.name, reason)
        continue
      }
      const counts = await runOne(step, deadlineMs, folder)
      passed += counts.passed
      failed += counts.failed
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  for (const path of forgottenFiles()) {
    failed++
    say('FAILED', path, 'no step of scripts/tier/steps.ts runs it')
  }
  for (const other of tiersLeftOut(tier)) say('not run', `tier ${other}`, `run ${COMMANDS[other]}`)
  console.log(`\n${COMMANDS[tier]} took ${seconds(startMs)} of ${MINUTES_MAX[tier]} min`)
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

const tier = process.argv[2] ?? ''
if (Object.hasOwn(COMMANDS, tier)) {
  process.chdir(ROOT)
  process.exitCode = await runTier(tier as Tier)
} else {
  console.error(`Unknown tier "${tier}"; one of ${Object.keys(COMMANDS).join(', ')} is wanted`)
  process.exitCode = 2
}
