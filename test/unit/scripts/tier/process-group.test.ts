import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reapProcessesNaming, runStep } from '../../../../scripts/tier/process-group.ts'
import { atEnd } from '../../../helpers/clean-up.ts'
import {
  commandLineOf,
  isAlive,
  processesNaming,
  reap,
  reapAtEnd,
  signal,
} from '../../../helpers/reaper.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'
import { until } from '../../../helpers/until.ts'

/** A process that nobody waits for, with arguments and environment on top. */
const forEver = (args: readonly string[], env: NodeJS.ProcessEnv = {}): number => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', ...args], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, ...env },
  })
  child.unref()
  const pid = child.pid ?? 0
  atEnd(() => signal(pid, 'SIGKILL'))
  return pid
}

test('runStep() gives exit code and output', async () => {
  const command = [
    process.execPath,
    '-e',
    'console.log("out"); console.error("err"); process.exit(3)',
  ]
  const outcome = await runStep(command, { env: process.env, timeoutMs: 20_000, isShown: false })
  expect(outcome).toMatchObject({ exitCode: 3, isTimedOut: false })
  expect(outcome.output).toContain('out')
  expect(outcome.output).toContain('err')
})

test('runStep() kills the whole group when the time is over', async () => {
  const command = ['sh', '-c', 'sleep 600 & sleep 600']
  const outcome = await runStep(command, { env: process.env, timeoutMs: 50, isShown: false })
  expect(outcome).toMatchObject({ exitCode: null, isTimedOut: true })
})

test('runStep() kills the whole group when it is told to end', async () => {
  const controller = new AbortController()
  const options = { env: process.env, timeoutMs: 20_000, isShown: false }
  const folder = makeTempDir()
  const file = join(folder, 'started')
  const command = ['sh', '-c', `sleep 600 & touch ${file}; sleep 600`]
  const outcome = runStep(command, { ...options, signal: controller.signal })
  await until(() => existsSync(file), { what: 'the step to start' })
  controller.abort()
  expect(await outcome).toMatchObject({ exitCode: null, isTimedOut: false })
  const late = await runStep(command, { ...options, signal: controller.signal })
  expect(late).toMatchObject({ exitCode: null, isTimedOut: false })
})

test('runStep() does not wait for a process that left the group and holds its output', async () => {
  const folder = makeTempDir()
  reapAtEnd(folder)
  const script = `require('node:child_process').spawn(process.execPath,
    ['-e', 'setInterval(() => {}, 1000)', ${JSON.stringify(folder)}],
    { detached: true, stdio: 'inherit' }).unref()
    console.log('out')`
  const options = { env: process.env, timeoutMs: 600_000, isShown: false }
  const outcome = await runStep([process.execPath, '-e', script], options)
  expect(outcome).toMatchObject({ exitCode: 0, output: 'out\n', isTimedOut: false })
  expect(processesNaming(folder)).toHaveLength(1)
})

test('runStep() reports a program that does not exist', async () => {
  const options = { env: process.env, timeoutMs: 1000, isShown: false }
  expect((await runStep(['no-such-program'], options)).exitCode).toBe(127)
})

test('reapProcessesNaming() ends a detached process that names the folder', async () => {
  const folder = makeTempDir()
  const pid = forEver([join(folder, 'x')])
  await until(() => commandLineOf(pid).includes(folder), { what: 'the process to start' })
  expect(reapProcessesNaming(folder)).toHaveLength(1)
  await until(() => !isAlive(pid), { what: 'the process to end' })
  expect(reapProcessesNaming(folder)).toEqual([])
})

test('reapProcessesNaming() ends a process that has the folder in its environment', async () => {
  const folder = makeTempDir()
  const pid = forEver([], { TMPDIR: folder })
  await until(() => commandLineOf(pid).includes('setInterval'), { what: 'the process to start' })
  expect(reapProcessesNaming(folder)).toEqual([
    `${pid} ${process.execPath} -e setInterval(() => {}, 1000)`,
  ])
  await until(() => !isAlive(pid), { what: 'the process to end' })
})

test('reap() ends detached processes that name the folder', async () => {
  const folder = makeTempDir()
  const pid = forEver([join(folder, 'x')])
  await until(() => commandLineOf(pid).includes(folder), { what: 'the process to start' })
  expect(processesNaming(folder)).toEqual([pid])
  await reap(folder)
  expect(isAlive(pid)).toBe(false)
})
