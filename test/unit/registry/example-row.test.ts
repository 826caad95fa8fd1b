import { expect, test } from 'vitest'
import { repositoryParsers } from '../../../src/config/parsers.ts'
import { exampleRowFault } from '../../../src/registry/example-row.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import { manifestJson } from '../../helpers/manifests.ts'

const manifest = repositoryParsers.parseManifest(
  new TextEncoder().encode(JSON.stringify(manifestJson())),
) as Manifest

test.each([
  [{ distance: 1, carrier: 'UA' }, null],
  [{ distance: 1, carrier: 'UA', seats: null }, null],
  [{ distance: 1 }, "lacks 'carrier', which is not optional"],
  [{ distance: null, carrier: 'UA' }, "lacks 'distance', which is not optional"],
  [{ distance: '1', carrier: 'UA' }, "has 'distance' as string, not number"],
  [{ distance: 1, carrier: 7 }, "has 'carrier' as number, not category"],
  [{ distance: 1, carrier: 'UA', zebra: 1 }, "names 'zebra', which is no feature of the manifest"],
])('exampleRowFault() of %j is %j', (row, fault) => {
  expect(exampleRowFault(row, manifest)).toBe(fault)
})

test('exampleRowFault() takes nothing from the prototype of a row', () => {
  const features = [{ ...manifest.features[0]!, name: 'constructor' }]
  expect(exampleRowFault({}, { ...manifest, features })).toMatch(/^lacks 'constructor'/)
})

test('exampleRowFault() refuses a row that plans could not carry', () => {
  const row = { distance: 1, carrier: 'x'.repeat(2 ** 20) }
  expect(exampleRowFault(row, manifest)).toBe('has 1048603 bytes, more than 1048576')
})
