import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PoisonList } from '../../../../src/control/blame/poison-list.ts'
import { PoisonWatch } from '../../../../src/control/blame/poison-watch.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import {
  markIdentity,
  marksFileName,
  openMarks,
  RunMark,
} from '../../../../src/shared/run-marks.ts'
import { epochPlan, plannedVersion } from '../../../helpers/epoch-plans.ts'
import { FakeClock } from '../../../helpers/fake-clock.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const [GUILTY, OTHER] = ['guilty', 'other'].map((model, i) =>
  plannedVersion({ model, version: i + 1 }),
) as [ReturnType<typeof plannedVersion>, ReturnType<typeof plannedVersion>]

/** A replica that dies with these marks: `run` of a version, or the last one of its thread. */
interface Fate {
  readonly detail: string
  readonly runs?: typeof GUILTY
  readonly last?: typeof GUILTY
  readonly hangs?: string
}

const makeWatch = () => {
  const runPath = makeTempDir('run')
  const clock = new FakeClock()
  const failed: string[] = []
  const state = { oomKills: 0, plans: 0, incarnation: 0 }
  const list = new PoisonList(join(makeTempDir('state'), 'poison.json'))
  const watch = new PoisonWatch({
    ...{ clock, runPath, list },
    logger: createLogger({ level: 'silent', component: 'test' }),
    catalog: {
      models: new Map(),
      markFailed: ({ model }, { code }) => void failed.push(`${model} ${code}`),
    },
    publisher: { plan: epochPlan(1, [GUILTY, OTHER]) },
    onRoutedOut: () => void state.plans++,
    oomKills: () => state.oomKills,
  })
  const die = ({ detail, runs, last, hangs }: Fate) => {
    const incarnation = ++state.incarnation
    const path = join(runPath, marksFileName(0, incarnation))
    const fd = openMarks(path)
    for (const [i, version] of [GUILTY, OTHER].entries()) markIdentity(fd, i + 1, version)
    if (runs !== undefined) new RunMark(fd, 0).begin(runs.version)
    if (last !== undefined) new RunMark(fd, 1).ran(last.version)
    if (hangs !== undefined) watch.onThreadDead(incarnation, hangs)
    const death = { index: 0, pid: 1, incarnation, isFatal: false, isAdopted: false }
    watch.onDied({ ...death, detail })
    expect(existsSync(path)).toBe(false)
  }
  return { clock, failed, state, list, die }
}

test.each(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT'])(
  'PoisonWatch condemns what ran at two deaths by %s',
  (signal) => {
    const { failed, state, list, die } = makeWatch()
    die({ detail: `signal ${signal}`, runs: GUILTY })
    expect(failed).toEqual([])
    die({ detail: `signal ${signal}`, runs: GUILTY })
    expect([failed, state.plans]).toEqual([['guilty VERSION_POISONED'], 1])
    expect(list.reasonFor(GUILTY)).toContain(signal)
    expect(list.reasonFor(OTHER)).toBeNull()
  },
)

test.each(['signal SIGKILL', 'signal SIGTERM', 'exit code 1', 'exit code 0', 'ended'])(
  'PoisonWatch blames nobody for %s',
  (detail) => {
    const { failed, die } = makeWatch()
    for (let i = 0; i < 5; i++) die({ detail, runs: GUILTY })
    expect(failed).toEqual([])
  },
)

test('PoisonWatch condemns what took all memory, by the count of the kernel', () => {
  const { failed, state, die } = makeWatch()
  for (let i = 0; i < 2; i++) {
    state.oomKills++
    die({ detail: 'signal SIGKILL', runs: GUILTY })
  }
  expect(failed).toEqual(['guilty VERSION_POISONED'])
})

test('PoisonWatch condemns what the watchdog found hanging, and no other thread', () => {
  const { failed, die } = makeWatch()
  const hangs = 'compute thread 0: run guilty v1'
  for (let i = 0; i < 2; i++) die({ detail: 'signal SIGKILL', hangs, runs: OTHER })
  expect(failed).toEqual(['guilty VERSION_POISONED'])
})

test('PoisonWatch does not take a load, or a thread at rest, for a run', () => {
  const { failed, die } = makeWatch()
  for (const hangs of ['thread 0: load guilty v1', 'thread 0: idle', 'thread 0: run gone v9']) {
    for (let i = 0; i < 2; i++) die({ detail: 'signal SIGKILL', hangs })
  }
  for (let i = 0; i < 5; i++) die({ detail: 'signal SIGSEGV' })
  expect(failed).toEqual([])
})

test('PoisonWatch wants more of what was only the last to run, and forgets in a minute', async () => {
  const { clock, failed, die } = makeWatch()
  const fate = { detail: 'signal SIGSEGV', last: GUILTY }
  die(fate)
  die(fate)
  await clock.advance(60_001)
  die(fate)
  die(fate)
  expect(failed).toEqual([])
  die(fate)
  expect(failed).toEqual(['guilty VERSION_POISONED'])
})
