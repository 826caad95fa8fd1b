import { readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { rotateReplicaLog, withReplicaLog } from '../../../../src/control/replicas/replica-log.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

test('rotateReplicaLog() keeps one old log, and a writer goes on at the start of the new', () => {
  const folder = makeTempDir()
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  withReplicaLog(folder, 3, (file) => {
    writeSync(file, 'one\n')
    expect(rotateReplicaLog(folder, 3, 4)).toBe(false)
    writeSync(file, 'two\n')
    expect(rotateReplicaLog(folder, 3, 4)).toBe(true)
    writeSync(file, 'three\n')
    expect([read('replica-3.log.old'), read('replica-3.log')]).toEqual(['one\ntwo\n', 'three\n'])
    expect(rotateReplicaLog(folder, 3, 4)).toBe(true)
  })
  expect([read('replica-3.log.old'), read('replica-3.log')]).toEqual(['three\n', ''])
  expect(readdirSync(folder)).toHaveLength(2)
})

test('rotateReplicaLog() does nothing where there is no log and appends to one that there is', () => {
  const folder = makeTempDir()
  expect(rotateReplicaLog(folder, 0, 4)).toBe(false)
  withReplicaLog(folder, 0, () => {})
  withReplicaLog(folder, 0, (file) => writeSync(file, 'kept'))
  expect(readFileSync(join(folder, 'replica-0.log'), 'utf8')).toBe('kept')
})
