import { expect, test } from 'vitest'
import { apiSource } from '../../../../src/server/openapi/source.ts'
import { epochPlan, plannedVersion } from '../../../helpers/epoch-plans.ts'
import { RequestPath } from '../../../helpers/request-path.ts'

const bounds = [{ name: 'a', min: 1, max: 2, categories: [], moreCategories: 0 }]

const VERSIONS = [
  plannedVersion({ model: 'm', version: 10, exampleRow: { x: 1 }, bounds }),
  plannedVersion({ model: 'm', version: 9 }),
  plannedVersion({ model: 'm', version: 11 }),
]

const VARIANTS = [
  { name: 'v9', version: 9, weightBp: 1000 },
  { name: 'v10', version: 10, weightBp: 9000 },
  { name: 'v11', version: 11, weightBp: 0 },
]

const HAS = { hasDocsPage: true, hasFeedback: true }

const source = () =>
  apiSource(new RequestPath(epochPlan(7, VERSIONS, { m: VARIANTS })).epochs.current().epoch, HAS)

test('apiSource() has the versions with traffic first by traffic, and all of them by number', () => {
  const [endpoint] = source().endpoints
  expect(endpoint?.answering.map(({ version }) => version)).toEqual([10, 9])
  expect(endpoint?.pinned.map(({ version }) => version)).toEqual([9, 10, 11])
})

test('apiSource() has the profile of each version, if there is one', () => {
  const [first, second] = source().endpoints[0]!.answering
  expect(first?.exampleRow).toEqual({ x: 1 })
  expect([...first!.bounds]).toEqual([['a', bounds[0]]])
  expect(second?.exampleRow).toBeNull()
  expect(second?.bounds.size).toBe(0)
})

test('apiSource() takes a plan of an earlier release, without bounds', () => {
  const { bounds: _, ...earlier } = VERSIONS[0]!
  const { epoch } = new RequestPath(epochPlan(1, [earlier])).epochs.current()
  expect(apiSource(epoch, HAS).endpoints[0]?.answering[0]?.bounds.size).toBe(0)
})

test('apiSource() names the default endpoint and those that are not available', () => {
  expect(source()).toMatchObject({ defaultEndpoint: 'm', unavailable: [] })
})
