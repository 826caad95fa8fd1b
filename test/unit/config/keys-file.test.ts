import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { makeTree } from '../../helpers/tree.ts'

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)]
const key = (name: string, hash: string) => `- {name: ${name}, sha256: ${hash}, endpoints: ["*"]}\n`
const CONFIG = 'model_repository: models\naccess:\n  keys_file: keys.yaml\n'

const load = (files: Record<string, string | null>, config = CONFIG) => {
  const cwd = makeTree({ 'sluice.yaml': config, ...files })
  return { cwd, result: loadConfig({ flags: {}, env: {}, cwd }) }
}

const problems = (files: Record<string, string | null>, config = CONFIG) => {
  const { result } = load(files, config)
  return 'problems' in result ? result.problems : []
}

test('readKeysFile() adds its keys to those of the config', () => {
  const own = `  keys:\n    ${key('own', A)}`
  const { result, cwd } = load({ 'keys.yaml': key('file', B) }, `${CONFIG}${own}`)
  if ('problems' in result) throw new Error(JSON.stringify(result.problems))
  expect(result.config.access.keys.map(({ name }) => name)).toEqual(['own', 'file'])
  expect(result.config.access.keysFile).toBe(join(cwd, 'keys.yaml'))
})

test('readKeysFile() is asked again by every load', () => {
  const { cwd } = load({ 'keys.yaml': key('old', A) })
  writeFileSync(join(cwd, 'keys.yaml'), key('new', B))
  const result = loadConfig({ flags: {}, env: {}, cwd })
  expect('problems' in result ? [] : result.config.access.keys.map(({ name }) => name)).toEqual([
    'new',
  ])
})

test.each([
  ['that is missing', {}, 'no such file'],
  ['that is a folder', { 'keys.yaml': null }, 'not a file'],
  ['without a key', { 'keys.yaml': '[]' }, 'lists no key'],
  ['that is empty', { 'keys.yaml': '' }, 'wanted'],
  ['that is no YAML', { 'keys.yaml': '- {name: a' }, ''],
])('readKeysFile() refuses a file %s', (_what, files, message) => {
  const [found] = problems(files as Record<string, string | null>)
  expect(found?.message).toContain(message)
})

test('readKeysFile() says where in the file a fault is', () => {
  const [found] = problems({
    'keys.yaml': `${key('a', A)}- {name: b, sha256: 1, endpoints: [m]}\n`,
  })
  expect(found).toMatchObject({ source: 'keys.yaml', line: 2, path: '1.sha256' })
})

test('a name may not stand in the config and in the file', () => {
  const own = `  keys:\n    ${key('a', A)}`
  expect(problems({ 'keys.yaml': key('a', B) }, `${CONFIG}${own}`)).toMatchObject([
    { path: 'access.keys_file', message: 'names a key twice' },
  ])
})
