import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { PoisonList } from '../../../../src/control/blame/poison-list.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const VERSION = { model: 'm', version: 2, digest: 'abc' }
const makePath = () => join(makeTempDir('poison'), 'poison.json')

test('PoisonList outlives its process, and knows files that have changed from those that killed', () => {
  const path = makePath()
  const list = new PoisonList(path)
  expect([list.reasonFor(VERSION), existsSync(path)]).toEqual([null, false])
  list.add({ ...VERSION, reason: 'it kills' })
  const next = new PoisonList(path)
  expect(next.reasonFor(VERSION)).toBe('it kills')
  expect(next.reasonFor({ ...VERSION, digest: 'new files' })).toBeNull()
  expect(next.reasonFor({ ...VERSION, version: 3 })).toBeNull()
})

test('forgive() lets all versions of a model in again, and only those', () => {
  const path = makePath()
  const list = new PoisonList(path)
  list.add({ ...VERSION, reason: 'it kills' })
  list.add({ ...VERSION, model: 'other', reason: 'it too' })
  list.forgive('m')
  for (const each of [list, new PoisonList(path)]) {
    expect(each.reasonFor(VERSION)).toBeNull()
    expect(each.reasonFor({ ...VERSION, model: 'other' })).toBe('it too')
  }
})

test.each([
  ['no list', { versions: 7 }],
  ['half a version', { versions: [{ model: 'm', version: 1 }] }],
  ['a number that is none', { versions: [{ ...VERSION, version: 1.5, reason: '' }] }],
])('PoisonList refuses a file with %s', (_, content) => {
  const path = makePath()
  new PoisonList(path).add({ ...VERSION, reason: '' })
  const { format } = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify({ format, ...content }))
  expect(() => new PoisonList(path)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT' }))
})

test('forgive() that cannot be written changes nothing', () => {
  const path = makePath()
  const list = new PoisonList(path)
  list.add({ ...VERSION, reason: 'it kills' })
  rmSync(dirname(path), { recursive: true })
  expect(() => list.forgive('m')).toThrow(expect.objectContaining({ code: 'STATE_UNWRITABLE' }))
  expect(list.reasonFor(VERSION)).toBe('it kills')
})

test('add() counts although it cannot be written', () => {
  const list = new PoisonList(join(makeTempDir('poison'), 'gone', 'poison.json'))
  expect(() => list.add({ ...VERSION, reason: 'it kills' })).toThrow()
  expect(list.reasonFor(VERSION)).toBe('it kills')
})
