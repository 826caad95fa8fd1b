import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { EXAMPLE_REPOSITORY } from '../../helpers/example.ts'
import { manifestJson, profileJson } from '../../helpers/manifests.ts'
import { scan, scanModel, versionFault } from '../../helpers/scanned-model.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'
import { makeTree } from '../../helpers/tree.ts'

const versionNumbers = ({ versions }: { versions: readonly { version: number }[] }) =>
  versions.map(({ version }) => version)

test('scanRepository() throws REPOSITORY_UNREADABLE when the folder is absent or a file', () => {
  const root = makeTree({ file: '' })
  expect(() => scan(join(root, 'absent'))).toThrow('The model repository does not exist')
  expect(() => scan(join(root, 'file'))).toThrow('The model repository cannot be read (ENOTDIR)')
  expect(() => scan('\0')).toThrow('The model repository cannot be read (ERR_INVALID_ARG_VALUE)')
})

test('scanRepository() finds nothing in an empty folder', () => {
  expect(scan(makeTempDir())).toEqual({ models: [], faults: [] })
})

test('scanRepository() reads the example', () => {
  const { models, faults } = scan(EXAMPLE_REPOSITORY)
  expect(faults).toEqual([])
  expect(models).toMatchObject([
    {
      name: 'flight-delay',
      faults: [],
      isBroken: false,
      versions: [
        { version: 1, fault: null, manifest: { task: 'binary' } },
        { version: 2, fault: null, manifest: { task: 'binary' } },
      ],
    },
  ])
})

test('scanRepository() takes a bare model.onnx', () => {
  expect(scanModel({ '1/model.onnx': 'x' })).toMatchObject({
    config: repositoryParsers.defaultConfig,
    aliases: {},
    faults: [],
    versions: [{ version: 1, manifest: null, exampleRow: null, fault: null }],
  })
})

test('scanRepository() reads manifest, profile, aliases and model.yaml', () => {
  const model = scanModel({
    '1/model.onnx': 'x',
    '1/manifest.json': manifestJson(),
    '1/profile.json': profileJson(),
    'aliases.json': { champion: 1 },
    'model.yaml': 'max_batch_size: 8',
  })
  expect(model).toMatchObject({
    aliases: { champion: 1 },
    config: { maxBatchSize: 8 },
    versions: [{ manifest: { threshold: 0.25 }, exampleRow: { distance: 1400 }, fault: null }],
  })
})

test('scanRepository() sorts versions by number and models by name', () => {
  const root = makeTree({ 'b/10/model.onnx': '', 'b/9/model.onnx': '', 'a/1/model.onnx': '' })
  const { models } = scan(root)
  expect(models.map(({ name }) => name)).toEqual(['a', 'b'])
  expect(versionNumbers(models[1]!)).toEqual([9, 10])
})

test.each(['0', '01', 'x', '-1', '1.0', '1e3', '1000000000000000', 'latest', 'configs'])(
  'scanRepository() warns that folder %s is no version',
  (name) => {
    const { faults, versions, isBroken } = scanModel({
      '1/model.onnx': 'x',
      [`${name}/model.onnx`]: 'x',
    })
    expect(versionNumbers({ versions })).toEqual([1])
    expect(isBroken).toBe(false)
    expect(faults).toEqual([
      {
        code: 'MODEL_INVALID',
        detail: `'${name}' is no version: a number from 1, of at most 15 digits`,
        file: `m/${name}`,
        isWarning: true,
      },
    ])
  },
)

test('scanRepository() tells version numbers of 15 digits apart, and sorts them', () => {
  const numbers = [2, 1_700_000_000, 1_700_000_000_001, 999_999_999_999_998, 999_999_999_999_999]
  const files = numbers.toReversed().map((version) => [`${version}/model.onnx`, 'x'])
  const model = scanModel({
    ...Object.fromEntries(files),
    'aliases.json': { champion: 999_999_999_999_998 },
  })
  expect(versionNumbers(model)).toEqual(numbers)
  expect(model.faults).toEqual([])
})

test('scanRepository() passes over what mkfs leaves', () => {
  const files = { '1/model.onnx': 'x', 'lost+found': null }
  expect(scanModel(files)).toMatchObject({ faults: [], versions: [{ version: 1 }] })
  const { models, faults } = scan(makeTree({ 'm/1/model.onnx': 'x', 'lost+found/#12': '' }))
  expect(faults).toEqual([])
  expect(models).toMatchObject([{ name: 'm' }])
})

test('scanRepository() passes over hidden and temporary folders, and over files', () => {
  const root = makeTree({
    'm/1/model.onnx': 'x',
    'm/.2.partial/model.onnx': 'x',
    'm/3.tmp/model.onnx': 'x',
    'm/4~/model.onnx': 'x',
    'm/__pycache__/a.pyc': '',
    'm/notes.txt': '',
    'm/link.txt': { link: 'notes.txt' },
    'README.md': '',
    'LINK.md': { link: 'README.md' },
    '.git/1/model.onnx': '',
    _old: null,
  })
  const { models, faults } = scan(root)
  expect(faults).toEqual([])
  expect(models).toMatchObject([{ name: 'm', faults: [], versions: [{ version: 1 }] }])
})

test.each(['a b', 'ünicode', 'a..b', '-a', 'x'.repeat(129)])(
  'scanRepository() refuses %s as the name of a model',
  (name) => {
    const { models, faults } = scan(makeTree({ [`${name}/1/model.onnx`]: 'x' }))
    expect(models).toEqual([])
    const detail = `'${name}' cannot be the name of a model`
    expect(faults).toEqual([{ code: 'MODEL_INVALID', detail, file: name }])
  },
)

test('scanRepository() says that a version has no model.onnx', () => {
  const detail = 'There is no model.onnx'
  const fault = { code: 'MODEL_INVALID', detail, file: 'm/1/model.onnx' }
  expect(versionFault({ '1': null })).toEqual(fault)
})

test('scanRepository() says that model.onnx is a folder', () => {
  const detail = 'model.onnx is no file'
  const fault = { code: 'MODEL_INVALID', detail, file: 'm/1/model.onnx' }
  expect(versionFault({ '1/model.onnx': null })).toEqual(fault)
  const hint = 'model.onnx is no file, but a folder: put what is in it in its place'
  expect(versionFault({ '1/model.onnx/model.onnx': 'x' })).toEqual({ ...fault, detail: hint })
})

test('scanRepository() does not wait for a pipe', () => {
  const root = makeTree({ 'm/1/model.onnx': 'x' })
  execFileSync('mkfifo', [join(root, 'm/1/manifest.json'), join(root, 'm/aliases.json')])
  expect(scan(root).models[0]).toMatchObject({
    isBroken: true,
    faults: [{ code: 'MODEL_CONFIG_INVALID', detail: 'aliases.json is no file' }],
  })
})

test('scanRepository() says that an alias names an absent version', () => {
  const { faults, aliases } = scanModel({
    '1/model.onnx': 'x',
    'aliases.json': { champion: 7, code: 1, detail: 1 },
  })
  expect(aliases).toEqual({ champion: 7, code: 1, detail: 1 })
  expect(faults).toEqual([
    {
      code: 'VERSION_NOT_FOUND',
      detail: "Alias 'champion' names the absent version 7",
      file: 'm/aliases.json',
      path: ['champion'],
    },
  ])
})

test.each([
  ['aliases.json', '{"champion": "two"}'],
  ['aliases.json', 'null'],
  ['model.yaml', 'max_batch: 1'],
  ['model.yaml', '['],
])('scanRepository() breaks the whole model when %s is %s', (name, text) => {
  const model = scanModel({ '1/model.onnx': 'x', [name]: text })
  expect(model.isBroken).toBe(true)
  expect(model.faults).toMatchObject([{ code: 'MODEL_CONFIG_INVALID' }])
  expect(model.versions[0]?.fault?.code).toBe('MODEL_CONFIG_INVALID')
})

test('scanRepository() fails one version for its manifest and keeps the next', () => {
  const { versions, faults } = scanModel({
    '1/model.onnx': 'x',
    '1/manifest.json': '{',
    '2/model.onnx': 'x',
  })
  expect(faults).toEqual([])
  expect(versions.map(({ fault }) => fault?.code)).toEqual(['MANIFEST_INVALID', undefined])
})

const WIDE = {
  example_row: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`f${i}`, i])),
  features: Array.from({ length: 20_000 }, (_, i) => ({ name: `f${i}`, type: 'number', min: i })),
}

test('scanRepository() keeps of a profile only what the manifest has features for', () => {
  const bare = scanModel({ '1/model.onnx': 'x', '1/profile.json': profileJson(WIDE) })
  expect(bare.versions).toMatchObject([{ exampleRow: null, bounds: [], fault: null }])
  const wide = scanModel({
    '1/model.onnx': 'x',
    '1/manifest.json': manifestJson(),
    '1/profile.json': profileJson({ features: WIDE.features }),
  })
  expect(wide.versions).toMatchObject([{ exampleRow: { distance: 1400 }, bounds: [] }])
})

test('scanRepository() refuses a profile of another file', () => {
  const fault = versionFault({
    '1/model.onnx': 'x',
    '1/manifest.json': manifestJson(),
    '1/profile.json': profileJson({ version_digest: 'b'.repeat(64) }),
  })
  expect(fault?.code).toBe('DIGEST_MISMATCH')
})

test('scanRepository() refuses an example row that the version does not take', () => {
  const fault = versionFault({
    '1/model.onnx': 'x',
    '1/manifest.json': manifestJson(),
    '1/profile.json': profileJson({ example_row: { distnce: 1, carrier: 'UA' } }),
  })
  const detail =
    "profile.json: example_row names 'distnce', which is no feature of the manifest; did you mean 'distance'?"
  const place = { file: 'm/1/profile.json', path: ['example_row'] }
  expect(fault).toEqual({ code: 'MANIFEST_INVALID', detail, ...place })
})

test('scanRepository() refuses a manifest that is longer than memory should hold', () => {
  const root = makeTree({ 'm/1/model.onnx': 'x' })
  const file = join(root, 'm/1/manifest.json')
  writeFileSync(file, '')
  execFileSync('truncate', ['-s', '65M', file])
  expect(scan(root).models[0]?.versions[0]?.fault?.detail).toMatch(/^manifest.json exceeds/)
})

test('scanRepository() reads config.pbtxt, and warns of each thing in it that is not obeyed', () => {
  const text = 'name: "m"\nmax_batch_size: 8\nmetric_tags { }\nx: 1'
  const model = scanModel({ '1/model.onnx': 'x', 'config.pbtxt': text })
  expect(model).toMatchObject({
    ...{ isBroken: false, config: { maxBatchSize: 8 } },
    faults: [
      {
        ...{ file: 'm/config.pbtxt', isWarning: true, problems: [{ line: 3, column: 1 }] },
        detail: expect.stringMatching(/^config.pbtxt:3:1 {2}metric_tags: is not obeyed/),
      },
      { file: 'm/config.pbtxt', isWarning: true, problems: [{ line: 4, column: 1 }] },
    ],
    versions: [{ fault: null }],
  })
})

test.each([
  ['which is of another model', { 'config.pbtxt': 'name: "other"' }, "is not 'm', the name of"],
  ['of a model that is not ONNX', { 'config.pbtxt': 'backend: "python"' }, 'Sluice serves ONNX'],
  [
    'beside model.yaml',
    { 'config.pbtxt': 'backend: "python"', 'model.yaml': '' },
    'There are model.yaml and config.pbtxt; keep the one that counts',
  ],
])('scanRepository() takes a model with a config.pbtxt %s for broken', (_, files, detail) => {
  const model = scanModel({ '1/model.onnx': 'x', 'aliases.json': { champion: 1 }, ...files })
  const fault = { code: 'MODEL_CONFIG_INVALID', file: 'm/config.pbtxt' }
  expect(model).toMatchObject({ isBroken: true, faults: [fault], versions: [{ fault }] })
  expect(model.faults[0]?.detail).toContain(detail)
})

test('scanRepository() warns of a model without a version, and of the folder above being meant', () => {
  expect(scanModel({ 'notes.txt': '' }).faults).toMatchObject([
    { file: 'm', isWarning: true, detail: expect.stringMatching(/^holds no version: .* wanted$/) },
  ])
  const { models } = scan(join(makeTree({ 'credit/1/model.onnx': 'x' }), 'credit'))
  expect(models[0]?.faults[0]?.detail).toMatch(/is the repository the folder above\?$/)
})

test('scanRepository() names no path of this machine', () => {
  const root = makeTree({
    'm/1/manifest.json': null,
    'm/1/model.onnx': 'x',
    'm/aliases.json': null,
  })
  mkdirSync(join(root, 'm/model.yaml'))
  expect(JSON.stringify(scan(root).models.flatMap(({ faults }) => faults))).not.toContain(root)
})
