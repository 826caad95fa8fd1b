import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  findIdentity,
  isAlive,
  ownIdentity,
  parseStat,
} from '../../../src/shared/process-identity.ts'

const hasProc = existsSync('/proc/self/stat')

test('ownIdentity() names this process and is alive', () => {
  const own = ownIdentity()
  expect(own.pid).toBe(process.pid)
  expect(own).toEqual(findIdentity(process.pid))
  expect(isAlive(own)).toBe(true)
})

test.each([0, -1, 1.5, Number.NaN, 2 ** 22 + 1])('findIdentity(%d) finds no process', (pid) => {
  expect(findIdentity(pid)).toBeNull()
})

test('isAlive() is false once the process has ended', async () => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
  await once(child, 'spawn')
  const identity = findIdentity(child.pid!)!
  expect(isAlive(identity)).toBe(true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isAlive(identity)).toBe(false)
})

// Skipped: without /proc only the pid is known.
test.skipIf(!hasProc)('isAlive() is false for another process of the same pid', () => {
  const own = ownIdentity()
  expect(isAlive({ ...own, startTime: '1' })).toBe(false)
  expect(isAlive({ ...own, bootId: 'another boot' })).toBe(false)
})

test('isAlive() gives what is unknown the benefit of the doubt', () => {
  expect(isAlive({ pid: process.pid, startTime: '', bootId: '' })).toBe(true)
})

const fields = (state: string) => `${state} ${Array.from({ length: 18 }, () => '0').join(' ')} 4711`

test('parseStat() reads state and start time after any command', () => {
  for (const command of ['node', 'a b', ') S 1 (', '((']) {
    const stat = `42 (${command}) ${fields('S')} 9 9\n`
    expect(parseStat(stat)).toEqual({ state: 'S', startTime: '4711' })
  }
})

test.each(['', 'x', '42 (node', '42 (node) S 1 2 3', `42 (node) ${fields('Sleep')}`])(
  'parseStat(%j) is null',
  (stat) => expect(parseStat(stat)).toBeNull(),
)
