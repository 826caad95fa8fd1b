import { expect, test } from 'vitest'
import { type Manifest, reviveManifest } from '../../../src/shared/manifest.ts'

test('reviveManifest() brings back a missing value of NaN, and nothing else', () => {
  const feature = {
    name: 'missing',
    type: 'number',
    tensor: 'x',
    column: 0,
    optional: true,
  } as const
  const manifest: Manifest = {
    digest: 'd',
    features: [
      { ...feature, missing: Number.NaN },
      { ...feature, missing: 0 },
      { ...feature, missing: '' },
    ],
    task: 'other',
  }
  const document = { manifest, exampleRow: { missing: null, column_of: 1 } }
  expect(JSON.parse(JSON.stringify(document), reviveManifest)).toEqual(document)
  expect(JSON.parse(JSON.stringify(document)).manifest.features[0].missing).toBeNull()
})
