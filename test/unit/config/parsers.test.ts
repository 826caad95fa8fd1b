import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { DIGEST, manifestJson, profileJson } from '../../helpers/manifests.ts'

const { parseManifest, parseProfile, parseModelConfig, parseAliases } = repositoryParsers

const utf8 = (content: string | object): Uint8Array =>
  new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content))

const feature = (more: object) => ({
  features: [{ name: 'a', type: 'number', tensor: 't', column: 0, ...more }],
})

const BAD_MANIFESTS: readonly (readonly [string, object | string, string])[] = [
  ['nothing', '', 'manifest.json is not JSON: it ends too early'],
  ['half a file', '{"format": {', 'is not JSON: '],
  ['text', 'root:x:0:0:root', 'manifest.json is not JSON: an unexpected character'],
  ['NaN', '{"missing": NaN}', 'NaN and Infinity are no JSON; write null'],
  ['-Infinity', '{"importance": -Infinity}', 'NaN and Infinity are no JSON; write null'],
  ['null', 'null', 'manifest.json: got nothing; wanted map'],
  ['a list', '[]', 'manifest.json: got a list; wanted map'],
  ['no format', { digest: DIGEST }, 'format: is missing; wanted map'],
  [
    'a newer format',
    manifestJson({ format: { name: 'sluice-manifest', version: 2 } }),
    'manifest.json has format version 2; this release reads version 1',
  ],
  [
    'a foreign format',
    manifestJson({ format: { name: 'mlflow', version: 1 } }),
    'format.name: got "mlflow"; wanted `sluice-manifest`',
  ],
  ['no digest', manifestJson({ digest: undefined }), 'digest: is missing; wanted string'],
  ['a short digest', manifestJson({ digest: 'abc' }), 'digest: is no SHA-256'],
  ['an unknown task', manifestJson({ task: 'ranking' }), 'task: got "ranking"; wanted `binary`'],
  ['a feature of no type', manifestJson(feature({ type: 'int' })), 'features.0.type: got "int"'],
  ['a column below 0', manifestJson(feature({ column: -1 })), 'features.0.column: got -1'],
  ['half a column', manifestJson(feature({ column: 0.5 })), 'features.0.column: got 0.5'],
  ['an empty name', manifestJson(feature({ name: '' })), 'features.0.name: got ""'],
  [
    'a long name',
    manifestJson(feature({ name: 'x'.repeat(257) })),
    `features.0.name: got "${'x'.repeat(60)}..."`,
  ],
  [
    'text fed to numbers',
    manifestJson(feature({ missing: 'none' })),
    'features.0.missing: is of another type than what is fed',
  ],
  [
    'a number fed to text',
    manifestJson(feature({ type: 'category', missing: 0 })),
    'features.0.missing: is of another type than what is fed',
  ],
  [
    'a vocabulary of numbers',
    manifestJson(feature({ vocabulary: ['a'] })),
    'features.0.vocabulary: only a category has a vocabulary',
  ],
  [
    'a category twice',
    manifestJson(feature({ type: 'category', vocabulary: ['a', 'a'] })),
    'features.0.vocabulary: names a category twice',
  ],
  [
    'a feature twice',
    manifestJson({
      features: [
        { name: 'a', type: 'number', tensor: 't', column: 0 },
        { name: 'a', type: 'number', tensor: 't', column: 1 },
      ],
    }),
    'features: names a feature twice',
  ],
  [
    'two features in one column',
    manifestJson({
      features: [
        { name: 'a', type: 'number', tensor: 't', column: 0 },
        { name: 'b', type: 'number', tensor: 't', column: 0 },
      ],
    }),
    'features: puts two features into one column',
  ],
  ['a stray class', manifestJson({ positive_class: 'yes' }), 'positive_class: is none of the clas'],
  ['a class twice', manifestJson({ classes: [1, 1] }), 'classes: names a class twice'],
  [
    'a threshold of text',
    manifestJson({ threshold: '0.5' }),
    'threshold: got "0.5"; wanted number',
  ],
]

test.each(BAD_MANIFESTS)('parseManifest() refuses %s', (_, content, detail) => {
  const refused = parseManifest(utf8(content))
  expect(refused).toEqual({ code: 'MANIFEST_INVALID', detail: expect.stringContaining(detail) })
})

test('parseManifest() refuses bytes that are not UTF-8', () => {
  const detail = 'manifest.json is not JSON: it is not UTF-8'
  expect(parseManifest(Uint8Array.of(0x7b, 0xff))).toEqual({ code: 'MANIFEST_INVALID', detail })
})

test('parseManifest() shows five faults of many', () => {
  const features = Array.from({ length: 9 }, () => ({}))
  const refused = parseManifest(utf8(manifestJson({ features })))
  expect(refused).toMatchObject({ detail: expect.stringMatching(/; and 31 more$/) })
})

test('parseManifest() gives what serving needs', () => {
  expect(parseManifest(utf8(manifestJson()))).toEqual({
    digest: DIGEST,
    signature: {
      inputs: [
        { name: 'numeric', datatype: 'FP32', shape: [-1, 2] },
        { name: 'categorical', datatype: 'BYTES', shape: [-1, 1] },
      ],
      outputs: [{ name: 'probabilities', datatype: 'FP32', shape: [-1, 2] }],
    },
    features: [
      {
        name: 'distance',
        type: 'number',
        tensor: 'numeric',
        column: 0,
        optional: false,
        missing: Number.NaN,
      },
      { name: 'seats', type: 'integer', tensor: 'numeric', column: 1, optional: true, missing: -1 },
      {
        name: 'carrier',
        type: 'category',
        tensor: 'categorical',
        column: 0,
        optional: false,
        missing: '',
      },
    ],
    task: 'binary',
    score: { output: 'probabilities', column: 1 },
    classes: ['on time', 'late'],
    positiveClass: 'late',
    threshold: 0.25,
  })
})

test('parseManifest() takes null for the missing value to mean the default', () => {
  const manifest = parseManifest(
    utf8(
      manifestJson({
        features: [
          { name: 'a', type: 'number', tensor: 't', column: 0, missing: null },
          { name: 'b', type: 'category', tensor: 's', column: 0, missing: null },
          { name: 'c', type: 'category', tensor: 't', column: 1, missing: null, vocabulary: ['x'] },
        ],
      }),
    ),
  )
  const missing = 'features' in manifest ? manifest.features.map((each) => each.missing) : []
  expect(missing).toEqual([Number.NaN, '', Number.NaN])
})

test('parseManifest() passes over keys that it does not know, also inside, and a byte order mark', () => {
  const json = JSON.stringify(manifestJson({ future: { a: 1 }, ...feature({ unit: 'km' }) }))
  expect(parseManifest(utf8(`\uFEFF${json}`))).toMatchObject({ features: [{ name: 'a' }] })
})

const distance = (more: object) => ({
  features: [{ name: 'distance', type: 'number', edges: [1, 2], counts: [1, 1, 1], ...more }],
})

test.each<readonly [string, object, string]>([
  ['a newer format', { format: { name: 'sluice-profile', version: 9 } }, 'format version 9'],
  ['a manifest', { format: { name: 'sluice-manifest', version: 1 } }, 'wanted `sluice-profile`'],
  ['no example row', { example_row: undefined }, 'example_row: is missing'],
  ['a nested example', { example_row: { a: [1] } }, 'example_row.a: '],
  ['rows below 0', { rows: -1 }, 'rows: got -1'],
  ['equal edges', distance({ edges: [1, 1] }), 'distinct and ascending as float32'],
  ['falling edges', distance({ edges: [2, 1] }), 'distinct and ascending as float32'],
  ['edges equal as float32', distance({ edges: [1, 1 + 1e-9] }), 'distinct and ascending'],
  ['edges beyond float32', distance({ edges: [1, 1e39] }), 'holds a number beyond float32'],
  ['an edge of text', distance({ edges: ['1', 2] }), 'features.0.edges.0: got "1"; wanted number'],
  ['a count too few', distance({ counts: [1, 1] }), 'counts: must be one more than the edges'],
  ['half a count', distance({ counts: [1, 1, 0.5] }), 'features.0.counts.2: got 0.5'],
  [
    'an atom twice',
    distance({
      atoms: [
        { value: 1, count: 1 },
        { value: 1, count: 2 },
      ],
    }),
    'twice',
  ],
  [
    'a feature twice',
    { features: [...distance({}).features, ...distance({}).features] },
    'features: names a feature twice',
  ],
  ['a score of two bins', { score: { edges: [0.5], counts: [1] } }, 'score.counts: must be one'],
])('parseProfile() refuses %s', (_, more, detail) => {
  expect(parseProfile(utf8(profileJson(more)))).toEqual({
    code: 'MANIFEST_INVALID',
    detail: expect.stringContaining(detail),
  })
})

test('parseProfile() gives digest and example row', () => {
  expect(parseProfile(utf8(profileJson()))).toEqual({
    versionDigest: DIGEST,
    exampleRow: { distance: 1400, seats: null, carrier: 'UA' },
  })
})

test.each([
  [
    'an unknown key',
    'max_batchsize: 4',
    "model.yaml:1:1  max_batchsize: Unknown key 'max_batchsize'  (did you mean 'max_batch_size'?)",
  ],
  [
    'a negative size',
    'max_batch_size: -1',
    'model.yaml:1:1  max_batch_size: got -1; wanted integer 0 to 65536 or null',
  ],
  [
    'a delay of text',
    'dynamic_batching:\n  max_queue_delay_microseconds: 1ms',
    'model.yaml:2:3  dynamic_batching.max_queue_delay_microseconds: got "1ms"; wanted integer 0 to 10000000',
  ],
  [
    'a size of 0',
    'dynamic_batching: {preferred_batch_size: [4, 0]}',
    'model.yaml:1:46  dynamic_batching.preferred_batch_size.1: got 0; wanted integer 1 to 65536',
  ],
  ['a list', '[]', 'model.yaml:1:1  got a list; wanted map'],
  [
    'a duplicate key',
    'max_batch_size: 1\nmax_batch_size: 2',
    'model.yaml:2:1  Map keys must be unique',
  ],
])('parseModelConfig() refuses %s', (_, content, detail) => {
  expect(parseModelConfig(utf8(content))).toEqual({ code: 'MODEL_CONFIG_INVALID', detail })
})

test('parseModelConfig() has a default for every key', () => {
  const { defaultConfig } = repositoryParsers
  expect(parseModelConfig(utf8(''))).toEqual(defaultConfig)
  expect(parseModelConfig(utf8('dynamic_batching:'))).toEqual(defaultConfig)
  expect(
    parseModelConfig(
      utf8('max_batch_size: 0\ndynamic_batching: {max_queue_delay_microseconds: 100}'),
    ),
  ).toEqual({ maxBatchSize: 0, maxQueueDelayUs: 100, preferredBatchSize: [] })
})

test.each([
  ['version 0', { champion: 0 }, 'champion: got '],
  ['half a version', { champion: 1.5 }, 'champion: got '],
  ['a version as text', { champion: '1' }, 'champion: got '],
  ['a name with a slash', { '../x': 1 }, 'is no name'],
  ['an empty name', { '': 1 }, 'is no name'],
  ['a list', [1], 'got a list; wanted map'],
])('parseAliases() refuses %s', (_, content, detail) => {
  expect(parseAliases(utf8(content))).toEqual({
    code: 'MODEL_CONFIG_INVALID',
    detail: expect.stringContaining(detail),
  })
})

test('parseAliases() gives versions by name', () => {
  const aliases = { champion: 1, challenger: 2, code: 3 }
  expect(parseAliases(utf8(aliases))).toEqual(aliases)
})
