import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  type ReplicaFile,
  readReplicaFiles,
  removeReplicaFile,
  writeReplicaFile,
} from '../../../../src/control/replicas/replica-files.ts'
import { ownIdentity } from '../../../../src/shared/process-identity.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const format = { name: 'sluice.replica', version: 1 }

const fileOf = (
  replica: number,
  incarnation: number,
  changed: Partial<ReplicaFile> = {},
): ReplicaFile => ({
  ...{ replica, incarnation, host: '127.0.0.1', httpPort: 8000, grpcPort: 8001 },
  identity: ownIdentity(),
  ...changed,
})

test('readReplicaFiles() gives back what was written, a process and its successor too', () => {
  const folder = makeTempDir()
  const files = [fileOf(2, 5), fileOf(2, 11), fileOf(10, 6, { identity: null, grpcPort: null })]
  for (const file of [...files].reverse()) writeReplicaFile(folder, file)
  expect(readReplicaFiles(folder)).toEqual({ living: files, dead: [] })
  removeReplicaFile(folder, files[0]!)
  removeReplicaFile(folder, files[0]!)
  expect(readReplicaFiles(folder).living).toEqual(files.slice(1))
})

test('readReplicaFiles() reads a file of a release without gRPC', () => {
  const folder = makeTempDir()
  const { grpcPort: _, ...file } = fileOf(0, 5)
  writeFileSync(join(folder, 'replica-0-5.json'), JSON.stringify({ format, ...file }))
  expect(readReplicaFiles(folder)).toEqual({ living: [{ ...file, grpcPort: null }], dead: [] })
})

test('readReplicaFiles() names dead processes and reused pids, and removes nothing', () => {
  const folder = makeTempDir()
  const identity = { ...ownIdentity(), startTime: '1' }
  writeReplicaFile(folder, fileOf(0, 7, { identity }))
  const dead = [{ replica: 0, incarnation: 7 }]
  expect(readReplicaFiles(folder)).toEqual({ living: [], dead })
  expect(readdirSync(folder)).toEqual(['replica-0-7.json'])
})

test.each([
  ['nothing', ''],
  ['no port', { format, ...fileOf(0, 5), httpPort: '8000' }],
  ['a word for the port of gRPC', { format, ...fileOf(0, 5), grpcPort: 'off' }],
  ['no host', { format, ...fileOf(0, 5), host: null }],
  ['no incarnation', { format, ...fileOf(0, 5), incarnation: '5' }],
  ['a negative pid', { format, ...fileOf(0, 5), identity: { ...ownIdentity(), pid: -1 } }],
  ['a pid of 0', { format, ...fileOf(0, 5), identity: { ...ownIdentity(), pid: 0 } }],
  ['another index', { format, ...fileOf(1, 5) }],
  ['another incarnation', { format, ...fileOf(0, 6) }],
])('readReplicaFiles() counts a file with %s among the dead', (_, content) => {
  const folder = makeTempDir()
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  writeFileSync(join(folder, 'replica-0-5.json'), text)
  expect(readReplicaFiles(folder)).toEqual({ living: [], dead: [{ replica: 0, incarnation: 5 }] })
})

test('readReplicaFiles() refuses a newer format and leaves foreign files alone', () => {
  const folder = makeTempDir()
  for (const name of ['notes.txt', 'replica-01-1.json', 'replica-0-0.json', 'replica-0.json']) {
    writeFileSync(join(folder, name), 'x')
  }
  expect(readReplicaFiles(folder)).toEqual({ living: [], dead: [] })
  const newer = { format: { ...format, version: 2 }, ...fileOf(0, 5) }
  writeFileSync(join(folder, 'replica-0-5.json'), JSON.stringify(newer))
  expect(() => readReplicaFiles(folder)).toThrow(expect.objectContaining({ code: 'STATE_TOO_NEW' }))
})
