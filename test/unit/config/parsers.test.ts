import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { DIGEST, manifestJson, profileJson } from '../../helpers/manifests.ts'

const { parseManifest, parseProfile } = repositoryParsers

const utf8 = (content: string | object): Uint8Array =>
  new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content))

const feature = (more: object) => ({
  features: [{ name: 'a', type: 'number', tensor: 't', column: 0, ...more }],
})

const BAD_MANIFESTS: readonly (readonly [string, object | string, string])[] = [
  ['nothing', '', 'manifest.json:1:1  Is not JSON: it ends too early'],
  ['half a file', '{"format": {', 'manifest.json:1:13  Is not JSON: it ends too early'],
  ['text', 'root:x:0:0:root', 'manifest.json:1:1  Is not JSON: an unexpected character'],
  ['NaN', '{"missing": NaN}', 'json:1:13  Is not JSON: NaN and Infinity are no JSON; write null'],
  [
    '-Infinity',
    '{"a": -Infinity}',
    'json:1:7  Is not JSON: NaN and Infinity are no JSON; write null',
  ],
  ['a comma too many', '{\n "a": 1,\n}', 'json:3:1  Is not JSON: a comma too many, or a value'],
  ['a comment', '{\n // digest\n}', 'json:2:2  Is not JSON: JSON has no comments'],
  ['null', 'null', 'manifest.json:1:1  got nothing; wanted map'],
  ['a list', '[]', 'manifest.json:1:1  got a list; wanted map'],
  ['no format', { digest: DIGEST }, 'format: is missing; wanted map'],
  [
    'a newer format',
    manifestJson({ format: { name: 'sluice-manifest', version: 2 } }),
    'manifest.json:1:37  has format version 2; this release reads version 1',
  ],
  [
    'a foreign format',
    manifestJson({ format: { name: 'mlflow', version: 1 } }),
    'format.name: got "mlflow"; wanted `sluice-manifest`',
  ],
  ['no digest', manifestJson({ digest: undefined }), 'digest: is missing; wanted string'],
  ['a short digest', manifestJson({ digest: 'abc' }), 'digest: is no SHA-256'],
  ['a misspelt task', manifestJson({ task: 'binry' }), "(did you mean 'binary'?)"],
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
  expect(refused).toMatchObject({
    code: 'MANIFEST_INVALID',
    detail: expect.stringContaining(detail),
  })
})

test('parseManifest() refuses bytes that are not UTF-8', () => {
  const detail = 'manifest.json:1:1  Is not JSON: it is not UTF-8'
  expect(parseManifest(Uint8Array.of(0x7b, 0xff))).toMatchObject({
    code: 'MANIFEST_INVALID',
    detail,
  })
})

test('parseManifest() has a place for every fault', () => {
  const text = JSON.stringify(manifestJson({ task: 1, features: [{}] }), null, 2)
  const refused = parseManifest(utf8(text))
  const problems = 'problems' in refused ? refused.problems : []
  const lines = text.split('\n')
  expect(problems.map(({ path }) => path)).toContain('features.0.column')
  for (const { path, line } of problems) {
    expect(lines[line - 1]).toContain(path.startsWith('features') ? '{}' : `"${path}"`)
  }
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
  ['a minimum of text', distance({ min: '1' }), 'features.0.min: got "1"; wanted number'],
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
  expect(parseProfile(utf8(profileJson(more)))).toMatchObject({
    code: 'MANIFEST_INVALID',
    detail: expect.stringContaining(detail),
  })
})

test('parseProfile() gives digest, example row and features', () => {
  expect(parseProfile(utf8(profileJson()))).toMatchObject({
    versionDigest: DIGEST,
    exampleRow: { distance: 1400, seats: null, carrier: 'UA' },
    features: [
      { name: 'distance', min: 3.5, max: 4983 },
      { name: 'carrier', categories: [{ value: 'UA' }] },
    ],
  })
})
