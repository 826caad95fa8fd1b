import { expect, test } from 'vitest'
import type { CatalogModel } from '../../../../src/control/planning/catalog-version.ts'
import { endpointAway } from '../../../../src/control/planning/endpoints-away.ts'
import { plannedVersion } from '../../../helpers/epoch-plans.ts'

const VERSION = plannedVersion({ model: 'm', version: 1 })
const namesIn = (tensors: readonly { readonly name: string }[]) => tensors.map(({ name }) => name)
const INPUTS = namesIn(VERSION.signature.inputs)
const OUTPUTS = namesIn(VERSION.signature.outputs)
const PREVIOUS = [{ name: 'm', contract: { features: [], tensors: VERSION.signature.inputs } }]

const model = (...sound: (typeof VERSION | null)[]) => {
  const versions = new Map(sound.map((each, i) => [i, { sound: each }]))
  return { versions } as unknown as CatalogModel
}

test('endpointAway() of what nobody has looked at knows nothing, unless all of it has failed', () => {
  const unknown = { name: 'm', features: null, outputs: null }
  expect(endpointAway('m', model(), [], [], false)).toEqual(unknown)
  expect(endpointAway('m', model(null), [], [], false)).toEqual(unknown)
  const nothing = { name: 'm', features: [], outputs: [] }
  expect(endpointAway('m', model(null), [], [], true)).toEqual(nothing)
})

test('endpointAway() knows what it had when it served, and what was proved since', () => {
  const known = { name: 'm', features: INPUTS, outputs: OUTPUTS }
  expect(endpointAway('m', model(VERSION), [], [], true)).toEqual(known)
  expect(endpointAway('m', model(null), PREVIOUS, [VERSION], true)).toEqual(known)
  expect(endpointAway('m', model(null), PREVIOUS, [], true)).toEqual({ ...known, outputs: null })
})
