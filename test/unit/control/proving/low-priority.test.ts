import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { LOW_PRIORITY, lowerPriority } from '../../../../src/control/proving/low-priority.ts'
import { until } from '../../../helpers/until.ts'

test('lowerPriority() lowers a process, and the group that the kernel made of its session', async () => {
  const child = spawn(process.execPath, [], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  onTestFinished(() => void child.kill('SIGKILL'))
  const own = getPriority()
  await until(() => lowerPriority(child.pid!), { what: 'its turn to lower a group' })
  expect(getPriority(child.pid!)).toBe(Math.max(own, LOW_PRIORITY))
  expect(getPriority()).toBe(own)
  const group = `/proc/${child.pid}/autogroup`
  if (existsSync(group)) expect(readFileSync(group, 'utf8')).toContain(`nice ${LOW_PRIORITY}\n`)
})

test('lowerPriority() of a process that has gone has nothing to do', async () => {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore', detached: true })
  const { pid } = child
  await new Promise((resolve) => child.once('close', resolve))
  expect(lowerPriority(pid!)).toBe(true)
})
