import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  asUnwritable,
  formatNameOf,
  readStateFile,
  writeStateFile,
} from '../../../src/shared/state-file.ts'
import { failingCalls } from '../../helpers/failing-calls.ts'
import { failure } from '../../helpers/failure.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const FORMAT = { name: 'sluice.test', version: 2 }
const MIB = 1024 * 1024

test('readStateFile() gives back what writeStateFile() wrote, and null for no file', () => {
  const path = join(makeTempDir(), 'a.json')
  expect(readStateFile(path, 'a.json', FORMAT)).toBeNull()
  writeStateFile(path, FORMAT, { n: 1 })
  expect(readStateFile(path, 'a.json', FORMAT)).toEqual({ format: FORMAT, n: 1 })
})

test('writeStateFile() writes what can be read, up to its last byte, and refuses the rest', async () => {
  const path = join(makeTempDir(), 'a.json')
  writeStateFile(path, FORMAT, { text: '' })
  const rest = 32 * MIB - statSync(path).size
  writeStateFile(path, FORMAT, { text: 'x'.repeat(rest) })
  expect(statSync(path).size).toBe(32 * MIB)
  expect(readStateFile(path, 'a.json', FORMAT)).toHaveProperty('text')
  const { code, detail } = await failure(() =>
    writeStateFile(path, FORMAT, { text: 'x'.repeat(rest + 1) }),
  )
  expect(code).toBe('STATE_UNWRITABLE')
  expect(detail).toContain('a.json')
  expect(statSync(path).size).toBe(32 * MIB)
})

test('writeStateFile() says that the disk is full, whichever call fails', async () => {
  const folder = makeTempDir()
  const path = join(folder, 'a.json')
  const all = failingCalls(0)
  writeStateFile(path, FORMAT, { n: 0 }, { calls: all })
  for (let n = 1; n <= all.count; n++) {
    const calls = failingCalls(n)
    const { code, detail } = await failure(() => writeStateFile(path, FORMAT, { n }, { calls }))
    expect([code, detail.includes(folder)]).toEqual(['STATE_UNWRITABLE', false])
    expect(detail).toMatch(/^a\.json .*disk is full/)
    expect(readdirSync(folder)).toEqual(['a.json'])
    expect(JSON.parse(readFileSync(path, 'utf8')).format).toEqual(FORMAT)
  }
})

test.each([
  ['EROFS', 'read-only'],
  ['EACCES', 'lacks the right'],
  ['EIO', 'EIO'],
])('asUnwritable() has a sentence for %s', (code, words) => {
  const error = asUnwritable(Object.assign(new Error('x'), { code }), 'The state folder')
  expect(error).toMatchObject({ code: 'STATE_UNWRITABLE', message: expect.stringContaining(words) })
})

test('asUnwritable() gives back what no file system said', () => {
  const fault = new TypeError('a fault of ours')
  expect(asUnwritable(fault, 'x')).toBe(fault)
})

test('formatNameOf() names the format of our files alone, of any version', () => {
  const folder = makeTempDir()
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content)
  mkdirSync(join(folder, 'folder'))
  write('ours', JSON.stringify({ format: { name: 'sluice.x', version: 99 } }))
  write('theirs', '{"port":8080}')
  write('odd', '{"format":{"name":1}}')
  write('list', '[]')
  write('text', 'x')
  const names = ['ours', 'theirs', 'odd', 'list', 'text', 'folder', 'nothing']
  const found = names.map((name) => formatNameOf(join(folder, name)))
  expect(found).toEqual(['sluice.x', null, null, null, null, null, null])
})
