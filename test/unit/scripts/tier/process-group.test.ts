import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reapProcessesNaming, runStep } from '../../../../scripts/tier/process-group.ts'
import { commandLineOf, isAlive, processesNaming, reap } from '../../../helpers/reaper.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'
import { until } from '../../../helpers/until.ts'

const forEver = (folder: string): number => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', join(folder, 'x')], {
    detached: true,
    stdio: 'ignore',
  })
  child.unref()
  return child.pid ?? 0
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

test('runStep() reports a program that does not exist', async () => {
  const options = { env: process.env, timeoutMs: 1000, isShown: false }
  expect((await runStep(['no-such-program'], options)).exitCode).toBe(127)
})

test('reapProcessesNaming() ends a detached process that names the folder', async () => {
  const folder = makeTempDir()
  const pid = forEver(folder)
  await until(() => commandLineOf(pid).includes(folder), { what: 'the process to start' })
  expect(reapProcessesNaming(folder)).toHaveLength(1)
  await until(() => !isAlive(pid), { what: 'the process to end' })
  expect(reapProcessesNaming(folder)).toEqual([])
})

test('reap() ends detached processes that name the folder', async () => {
  const folder = makeTempDir()
  const pid = forEver(folder)
  await until(() => commandLineOf(pid).includes(folder), { what: 'the process to start' })
  expect(processesNaming(folder)).toEqual([pid])
  await reap(folder)
  expect(isAlive(pid)).toBe(false)
})
