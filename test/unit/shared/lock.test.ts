import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { takeLock } from '../../../src/shared/lock.ts'
import { ownIdentity } from '../../../src/shared/process-identity.ts'
import { stateFolder } from '../../helpers/state-folder.ts'

const lockFolder = (): string => {
  const folder = join(stateFolder(), 'lock')
  mkdirSync(folder)
  return folder
}

const lockFile = (holder: object, version = 1) =>
  JSON.stringify({ format: { name: 'sluice.lock', version }, ...holder })

/** Process 1 runs, but did not start in this tick of another boot. */
const DEAD = { pid: 1, startTime: '1', bootId: 'an earlier boot' }

test('takeLock() refuses a second holder and names the pid of the first', () => {
  const folder = lockFolder()
  const lock = takeLock(folder)
  expect(() => takeLock(folder)).toThrow(
    expect.objectContaining({
      code: 'STATE_DIR_LOCKED',
      message: expect.stringContaining(`Process ${process.pid} `),
    }),
  )
  lock.release()
  takeLock(folder).release()
})

test('takeLock() succeeds a dead holder and leaves one file', () => {
  const folder = lockFolder()
  writeFileSync(join(folder, '41.json'), lockFile(DEAD))
  writeFileSync(join(folder, '7.json'), lockFile(ownIdentity()))
  writeFileSync(join(folder, 'notes'), 'not a lock')
  takeLock(folder)
  expect(readdirSync(folder).sort()).toEqual(['42.json', 'notes'])
})

test('takeLock() respects a holder whose start time is unknown', () => {
  const folder = lockFolder()
  writeFileSync(join(folder, '1.json'), lockFile({ pid: process.pid, startTime: '', bootId: '' }))
  expect(() => takeLock(folder)).toThrow(expect.objectContaining({ code: 'STATE_DIR_LOCKED' }))
})

test.each([
  ['nothing', '', 'STATE_CORRUPT'],
  ['half a file', lockFile(DEAD).slice(0, 30), 'STATE_CORRUPT'],
  ['no pid', lockFile({ startTime: '1', bootId: '' }), 'STATE_CORRUPT'],
  ['a newer format', lockFile(DEAD, 2), 'STATE_TOO_NEW'],
])('takeLock() does not guess about a lock that holds %s', (_, content, code) => {
  const folder = lockFolder()
  writeFileSync(join(folder, '1.json'), content)
  expect(() => takeLock(folder)).toThrow(expect.objectContaining({ code }))
  expect(readdirSync(folder)).toEqual(['1.json'])
})

test('takeLock() takes over what names nobody, where another lock guards the folder', () => {
  const own = lockFile({ pid: process.pid, startTime: '', bootId: '' })
  for (const content of ['', lockFile(DEAD).slice(0, 30), lockFile({ startTime: '1' }), own]) {
    const folder = lockFolder()
    writeFileSync(join(folder, '3.json'), content)
    const told: string[] = []
    takeLock(folder, { onNobody: (name) => void told.push(name) }).release()
    expect([told, readdirSync(folder)]).toEqual([['3.json'], ['4.json']])
  }
  const folder = lockFolder()
  writeFileSync(
    join(folder, '3.json'),
    lockFile({ ...ownIdentity(), pid: process.ppid, startTime: '' }),
  )
  expect(() => takeLock(folder, { onNobody: () => {} })).toThrow(
    expect.objectContaining({ code: 'STATE_DIR_LOCKED' }),
  )
})
