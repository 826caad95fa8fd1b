import { appendFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stampModel, stampRepository, stampVersion } from '../../../src/registry/file-stamps.ts'
import { makeTree } from '../../helpers/tree.ts'

test('stampModel() changes with every change of a version, and with that alone', () => {
  const root = makeTree({ 'm/1/model.onnx': 'one', 'm/2/model.onnx': 'two', 'm/2/w/data': 'far' })
  const [file, other] = [join(root, 'm/1/model.onnx'), join(root, 'm/1/manifest.json')]
  const changes = [
    () => appendFileSync(file, 'x'),
    () => utimesSync(file, 1, 1),
    () => writeFileSync(other, '{}'),
    () => renameSync(other, `${other}.tmp`),
    () => rmSync(`${other}.tmp`),
  ]
  const before = stampModel(root, 'm')
  let last = before.versions.get(1)!.text
  for (const change of changes) {
    change()
    const next = stampModel(root, 'm').versions.get(1)!.text
    expect(next).not.toBe(last)
    last = next
  }
  const after = stampModel(root, 'm')
  expect(after.versions.get(2)).toEqual(before.versions.get(2))
  expect(after.settings).toEqual(before.settings)
  appendFileSync(join(root, 'm/2/w/data'), 'x')
  expect(stampModel(root, 'm').versions.get(2)).not.toEqual(before.versions.get(2))
})

test('stampModel() knows files that come beside the versions, and what is ignored not', () => {
  const root = makeTree({ 'm/1/model.onnx': 'one' })
  const { settings } = stampModel(root, 'm')
  makeTree({ 'm/config.pbtxt~': 'x', 'm/.2/model.onnx': 'x' }, root)
  expect(stampModel(root, 'm').settings).toEqual(settings)
  makeTree({ 'm/config.pbtxt': 'x' }, root)
  expect(stampModel(root, 'm').settings.text).not.toBe(settings.text)
})

test('stampVersion() is as old as its youngest file, wherever it is moved from', () => {
  const root = makeTree({ 'm/.1/model.onnx': 'one' })
  const before = stampVersion(join(root, 'm/.1'))
  expect(before.changedMs).toBeGreaterThan(0)
  renameSync(join(root, 'm/.1'), join(root, 'm/1'))
  expect(stampVersion(join(root, 'm/1'))).toEqual(before)
})

test('stampRepository() has every model, and throws where there is no repository', () => {
  const root = makeTree({ 'a/1/model.onnx': 'x', 'b/1/model.onnx': 'y', '.c/1/model.onnx': 'z' })
  expect([...stampRepository(root).keys()]).toEqual(['a', 'b'])
  expect(stampModel(root, 'gone').versions.size).toBe(0)
  expect(() => stampRepository(join(root, 'gone'))).toThrow('The model repository does not exist')
})
