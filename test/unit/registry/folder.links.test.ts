import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scan, scanModel, versionFault } from '../../helpers/scanned-model.ts'
import { type Entry, makeTree } from '../../helpers/tree.ts'

test('scanRepository() follows links within the repository', () => {
  const model = scanModel({ '1/model.onnx': 'x', '2': { link: '1' } })
  expect(model.versions.map(({ fault }) => fault)).toEqual([null, null])
})

const OUTSIDE = makeTree({ 'v/model.onnx': 'x', 'secret.json': 'root:x:0:0' })

test.each<readonly [string, Readonly<Record<string, Entry>>, string]>([
  ['a version', { '1': { link: join(OUTSIDE, 'v') } }, 'The folder of the version'],
  ['model.onnx', { '1/model.onnx': { link: join(OUTSIDE, 'v/model.onnx') } }, 'model.onnx'],
  [
    'a manifest',
    { '1/model.onnx': 'x', '1/manifest.json': { link: join(OUTSIDE, 'secret.json') } },
    'manifest.json',
  ],
  [
    'a profile',
    { '1/model.onnx': 'x', '1/profile.json': { link: '../../../../../../etc/passwd' } },
    'profile.json',
  ],
])('scanRepository() does not follow %s that is a link out of the repository', (_, tree, what) => {
  const detail = `${what} is a link that leads out of the repository`
  expect(versionFault(tree)).toMatchObject({ code: 'MODEL_UNSAFE', detail })
})

test.each(['aliases.json', 'model.yaml'])(
  'scanRepository() does not follow %s that is a link out of the repository',
  (name) => {
    const model = scanModel({ '1/model.onnx': 'x', [name]: { link: join(OUTSIDE, 'secret.json') } })
    const detail = `${name} is a link that leads out of the repository`
    expect(model).toMatchObject({ isBroken: true, faults: [{ code: 'MODEL_UNSAFE', detail }] })
    expect(model.versions[0]?.fault?.code).toBe('MODEL_UNSAFE')
  },
)

test.each([
  ['out of the repository', OUTSIDE, 'MODEL_UNSAFE', 'is a link that leads out of the repository'],
  ['to nowhere', './absent', 'MODEL_INVALID', 'is a link to nowhere'],
  ['to itself', 'm', 'MODEL_INVALID', 'cannot be read (ELOOP)'],
])('scanRepository() keeps the other models when one is a link %s', (_, link, code, reason) => {
  const { models, faults } = scan(makeTree({ m: { link }, 'n/1/model.onnx': 'x' }))
  expect(faults).toEqual([])
  expect(models).toMatchObject([
    { name: 'm', isBroken: true, faults: [{ code, detail: `The folder of the model ${reason}` }] },
    { name: 'n', isBroken: false, faults: [] },
  ])
})

test('scanRepository() follows the link that is the repository itself', () => {
  const root = makeTree({ 'm/1/model.onnx': 'x' })
  const { models } = scan(join(makeTree({ models: { link: root } }), 'models'))
  expect(models).toMatchObject([{ name: 'm', versions: [{ fault: null }] }])
})
