import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { makeTree } from '../../helpers/tree.ts'

const CONFIG = 'model_repository: models\nrecords: {hmac_key_file: key}\n'
const KEY = '0123456789abcdef'.repeat(2)

const load = (key: string | null, mode = 0o600) => {
  const cwd = makeTree({ 'sluice.yaml': CONFIG })
  if (key !== null) {
    writeFileSync(join(cwd, 'key'), key)
    chmodSync(join(cwd, 'key'), mode)
  }
  return { cwd, result: loadConfig({ flags: {}, env: {}, cwd }) }
}

const problems = (key: string | null, mode?: number) => {
  const { result } = load(key, mode)
  return 'problems' in result ? result.problems.map(({ path, message }) => [path, message]) : []
}

test('recordKeyIn() names the key, and keeps it out of the config', () => {
  const { cwd, result } = load(`${KEY}\n`)
  if ('problems' in result) throw new Error(JSON.stringify(result.problems))
  const { hmacKeyFile, hmacKeyId } = result.config.records
  expect(hmacKeyFile).toBe(join(cwd, 'key'))
  expect(hmacKeyId).toMatch(/^[0-9a-f]{8}$/)
  expect(JSON.stringify(result.config)).not.toContain(KEY)
})

test.each([
  ['that is missing', null, 0o600, 'got key, which cannot be read: no such file'],
  ['that others may read', KEY, 0o644, 'got key, which can be read by others: chmod 600'],
  ['that is short', 'secret', 0o600, 'got key, which holds fewer than 32 bytes'],
  ['that is blank', ' '.repeat(99), 0o600, 'got key, which holds fewer than 32 bytes'],
  ['that is long', 'k'.repeat(5000), 0o600, 'got key, which has more than 4096 bytes'],
])('recordKeyIn() refuses a file %s', (_, key, mode, message) => {
  expect(problems(key, mode)).toEqual([['records.hmac_key_file', message]])
})

// As PostgreSQL has it for the key of its certificate: so are secrets of Kubernetes mounted.
test('recordKeyIn() lets a group read the file where root owns it', () => {
  const isRoot = process.getuid?.() === 0
  expect(problems(KEY, 0o440)).toHaveLength(isRoot ? 0 : 1)
  expect(problems(KEY, 0o460)).toHaveLength(1)
  expect(problems(KEY, 0o444)).toHaveLength(1)
})

test('recordKeyIn() says how to come by a key', () => {
  const { result } = load(null)
  const hint = 'make a key with `openssl rand -hex 32`, and chmod 600'
  expect('problems' in result && result.problems).toMatchObject([{ hint }])
})

test('recordKeyIn() refuses a folder', () => {
  const { cwd } = load(null)
  mkdirSync(join(cwd, 'key'))
  const result = loadConfig({ flags: {}, env: {}, cwd })
  expect('problems' in result && result.problems[0]?.message).toBe('got key, which is not a file')
})
