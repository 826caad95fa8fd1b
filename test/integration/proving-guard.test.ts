import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { ProvingTask } from '../../src/runtime/proving-task.ts'
import { entryPath } from '../../src/shared/threads.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { endless } from '../helpers/models.ts'
import { childrenOf, LIMITS, publish } from '../helpers/prover.ts'
import { isAlive, signal } from '../helpers/reaper.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'
import { until } from '../helpers/until.ts'

const source = (file: string) =>
  JSON.stringify(fileURLToPath(new URL(`../../src/${file}`, import.meta.url)))

/** A process that does nothing but have a version proved. */
const controlOf = (subject: object, folder: string): string => {
  const script = join(folder, 'control.mjs')
  const options = {
    provenPath: join(folder, 'proven'),
    provingPath: join(folder, 'proving'),
    limits: LIMITS,
    ortVersion: 'test',
  }
  const code = `import { Prover } from ${source('control/proving/prover.ts')}
    import { systemClock } from ${source('shared/clock.ts')}
    const options = { ...${JSON.stringify(options)}, clock: systemClock, logger: null,
      isServing: () => false }
    await new Prover(options).prove(${JSON.stringify(subject)})`
  writeFileSync(script, code)
  return script
}

/** Starts control and waits for its proving run, which is killed at the end in any case. */
const startProving = async () => {
  const script = controlOf(publish(endless()), makeTempDir())
  const control = spawn(process.execPath, [script], { stdio: 'inherit' })
  atEnd(() => {
    control.kill('SIGKILL')
  })
  const pid = await until(() => childrenOf(control.pid ?? 0)[0], { what: 'a proving run' })
  atEnd(() => signal(pid, 'SIGKILL'))
  return { control, pid }
}

/** Ticks of 10 ms: starting and loading take about a quarter of a second. */
const HANGING_TICKS = 100

/** User time of a process: field 14 of /proc/pid/stat. */
const cpuTicksOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[11])
}

test('a proving run that hangs ends when control has been killed', async () => {
  const { control, pid } = await startProving()
  // Its first thread loads the model and then never returns.
  await until(() => cpuTicksOf(pid) > HANGING_TICKS, { what: 'the run to hang in its model' })
  control.kill('SIGKILL')
  await until(() => !isAlive(pid), { what: 'the proving run to end' })
  expect(isAlive(pid)).toBe(false)
})

test('a proving run ends when control was killed before it had begun', async () => {
  const { control, pid } = await startProving()
  control.kill('SIGKILL') // the run has not even loaded its first module
  await until(() => !isAlive(pid), { what: 'the proving run to end' })
  expect(isAlive(pid)).toBe(false)
})

test('a proving run ends when its parent is not the control that its task names', async () => {
  const scratch = makeTempDir()
  const task: ProvingTask = {
    ...publish(endless()),
    ...{ rowsMax: 16, memoryBytesMax: LIMITS.memoryBytesMax, controlPid: 1 },
    ...{ scratchFolder: join(scratch, 'scratch'), provenFolder: scratch, cudaVisibleDevices: null },
  }
  const run = spawn(process.execPath, [entryPath('runtime/proving.ts')], { stdio: 'pipe' })
  atEnd(() => {
    run.kill('SIGKILL')
  })
  const ended = once(run, 'close')
  run.stdin.end(JSON.stringify(task))
  expect(await ended).toEqual([null, 'SIGKILL'])
})
