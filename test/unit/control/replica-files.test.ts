import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  findLivingReplicas,
  type ReplicaFile,
  removeReplicaFile,
  writeReplicaFile,
} from '../../../src/control/replica-files.ts'
import type { ReplicaSettings } from '../../../src/shared/epoch-plan.ts'
import { ownIdentity } from '../../../src/shared/process-identity.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const settings = { replica: 0, httpPort: 8000 } as ReplicaSettings
const fileOf = (replica: number, changed: Partial<ReplicaFile> = {}): ReplicaFile => ({
  replica,
  incarnation: 5,
  settings,
  identity: ownIdentity(),
  ...changed,
})

test('findLivingReplicas() gives back what was written, by index', () => {
  const folder = makeTempDir()
  const files = [fileOf(2), fileOf(10, { identity: null })]
  for (const file of [...files].reverse()) writeReplicaFile(folder, file)
  expect(findLivingReplicas(folder)).toEqual(files)
  removeReplicaFile(folder, 2)
  removeReplicaFile(folder, 2)
  expect(findLivingReplicas(folder)).toEqual([files[1]])
})

test('findLivingReplicas() removes the files of dead processes and of reused pids', () => {
  const folder = makeTempDir()
  const identity = { ...ownIdentity(), startTime: '1' }
  writeReplicaFile(folder, fileOf(0, { identity }))
  expect(findLivingReplicas(folder)).toEqual([])
  expect(readdirSync(folder)).toEqual([])
})

const format = { name: 'sluice.replica', version: 1 }

test.each([
  ['nothing', ''],
  ['no settings', { format, ...fileOf(0), settings: 1 }],
  ['no incarnation', { format, ...fileOf(0), incarnation: '5' }],
  ['a negative pid', { format, ...fileOf(0), identity: { ...ownIdentity(), pid: -1 } }],
  ['a pid of 0', { format, ...fileOf(0), identity: { ...ownIdentity(), pid: 0 } }],
  ['another index', { format, ...fileOf(1) }],
])('findLivingReplicas() removes a file with %s', (_, content) => {
  const folder = makeTempDir()
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  writeFileSync(join(folder, 'replica-0.json'), text)
  expect(findLivingReplicas(folder)).toEqual([])
  expect(readdirSync(folder)).toEqual([])
})

test('findLivingReplicas() refuses a newer format and leaves foreign files alone', () => {
  const folder = makeTempDir()
  for (const name of ['notes.txt', 'replica-01.json', 'replica-x.json']) {
    writeFileSync(join(folder, name), 'x')
  }
  expect(findLivingReplicas(folder)).toEqual([])
  expect(readdirSync(folder)).toHaveLength(3)
  const newer = { format: { ...format, version: 2 }, ...fileOf(0) }
  writeFileSync(join(folder, 'replica-0.json'), JSON.stringify(newer))
  expect(() => findLivingReplicas(folder)).toThrow(
    expect.objectContaining({ code: 'STATE_TOO_NEW' }),
  )
})
