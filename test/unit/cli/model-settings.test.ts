import { join } from 'node:path'
import { expect, test } from 'vitest'
import { modelControlOf, repositoryAt } from '../../../src/cli/model-settings.ts'
import { loadConfig } from '../../../src/config/load.ts'
import { makeTree } from '../../helpers/tree.ts'

test('repositoryAt() reads a model by itself as it reads it with all others', () => {
  const root = makeTree({ 'a/1/model.onnx': 'x', 'b/2/model.onnx': 'y' })
  const repository = repositoryAt(root)
  const { models } = repository.scan()
  expect(models.map(({ name }) => repository.scanModel(name))).toEqual(models)
  expect(models.map(({ name }) => [name, repository.stampModel(name)])).toEqual([
    ...repository.stamps(),
  ])
  expect(['c', 'a/1'].map((name) => repository.scanModel(name))).toEqual([null, null])
  expect(() => repositoryAt(join(root, 'gone')).scanModel('a')).toThrow('does not exist')
})

test('modelControlOf() has times in milliseconds', () => {
  const flags = {
    'model-repository': 'm',
    'model-control-mode': 'explicit',
    'load-model': '["a","b"]',
  }
  const loaded = loadConfig({ file: undefined, flags, env: {}, cwd: makeTree({}) })
  if (!('config' in loaded)) throw new Error('It is invalid')
  expect(modelControlOf(loaded.config)).toEqual({
    ...{ mode: 'explicit', pollMs: 15_000, loadModels: ['a', 'b'] },
    retries: { max: 5, firstMs: 1000 },
  })
})
