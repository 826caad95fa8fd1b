import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  readStoredRequests,
  writeStoredRequests,
} from '../../../../src/control/state/stored-requests.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

test('readStoredRequests() gives what was written, and nothing at first', () => {
  const file = join(makeTempDir(), 'requests.json')
  expect(readStoredRequests(file)).toEqual({ loaded: [], unloaded: [] })
  writeStoredRequests(file, { loaded: ['a'], unloaded: ['b', 'c'] }, {})
  expect(readStoredRequests(file)).toEqual({ loaded: ['a'], unloaded: ['b', 'c'] })
})

test('readStoredRequests() refuses what holds no names', () => {
  const file = join(makeTempDir(), 'requests.json')
  const format = { name: 'sluice.requests', version: 1 }
  for (const more of [{}, { loaded: ['a'] }, { loaded: [1], unloaded: [] }]) {
    writeFileSync(file, JSON.stringify({ format, ...more }))
    expect(() => readStoredRequests(file)).toThrow('holds no names of models')
  }
})
