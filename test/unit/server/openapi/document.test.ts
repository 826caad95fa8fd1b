import { expect, test } from 'vitest'
import { openApiDocument } from '../../../../src/server/openapi/document.ts'
import { ERROR_CODES, ERRORS } from '../../../../src/shared/errors.ts'
import { describe, endpointOf, versionOf } from '../../../helpers/openapi.ts'
import { feature, flightPlan, planOf, tensor } from '../../../helpers/variant-plans.ts'

const flights = (name = 'clicks') => {
  const version = versionOf({ ...flightPlan(), endpoint: name })
  return { ...endpointOf(version), name }
}

test('openApiDocument() gives every endpoint paths of its own', () => {
  const { paths } = describe(flights('a'), flights('b'))
  for (const name of ['a', 'b']) {
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining([
        `/predict/${name}`,
        `/v1/models/${name}`,
        `/v1/models/${name}:predict`,
        `/v1/models/${name}/versions/{version}`,
        `/v1/models/${name}/versions/{version}:predict`,
        `/v2/models/${name}`,
        `/v2/models/${name}/ready`,
        `/v2/models/${name}/infer`,
        `/v2/models/${name}/versions/{version}`,
        `/v2/models/${name}/versions/{version}/ready`,
        `/v2/models/${name}/versions/{version}/infer`,
      ]),
    )
  }
})

test('openApiDocument() has /predict where an endpoint answers it', () => {
  expect(describe(flights()).paths['/predict']).toBeDefined()
  expect(describe(flights('a'), flights('b')).paths['/predict']).toBeUndefined()
})

test('openApiDocument() names the endpoints that cannot answer', () => {
  const source = { endpoints: [], defaultEndpoint: null, unavailable: ['gone'], hasDocsPage: true }
  expect(JSON.stringify(openApiDocument(source))).toContain('503 `VERSION_NOT_READY`: gone.')
})

test('openApiDocument() refers to nothing that it does not hold', () => {
  const document = describe(flights())
  const references = JSON.stringify(document).match(/"#\/[^"]+"/g) ?? []
  expect(references.length).toBeGreaterThan(50)
  for (const reference of new Set(references)) {
    const path = JSON.parse(reference).slice(2).split('/') as string[]
    const found = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document)
    expect(found, reference).toBeDefined()
  }
})

test('openApiDocument() says which codes every error answer may have', () => {
  const { components } = describe(flights()) as unknown as {
    components: { responses: Record<string, { headers: Record<string, { schema: object }> }> }
  }
  expect(components.responses['Predict404']?.headers['x-sluice-error']?.schema).toEqual({
    enum: ['ENDPOINT_NOT_FOUND'],
  })
  expect(components.responses['Infer404']?.headers['x-sluice-error']?.schema).toEqual({
    enum: ['MODEL_NOT_FOUND', 'VERSION_NOT_FOUND'],
  })
  expect(components.responses['Predict503']?.headers).toHaveProperty('retry-after')
})

test('openApiDocument() names every code that a request can be answered with', () => {
  const text = JSON.stringify(describe(flights()))
  const answering = ERROR_CODES.filter((code) => ERRORS[code].http > 0)
  expect(answering.filter((code) => !text.includes(code))).toEqual([])
})

test('openApiDocument() has the page only where it is served', () => {
  const source = { endpoints: [], defaultEndpoint: null, unavailable: [] }
  const paths = (hasDocsPage: boolean) =>
    Object.keys(openApiDocument({ ...source, hasDocsPage })['paths'] as object)
  expect(paths(true)).toContain('/docs')
  expect(paths(false)).not.toContain('/docs')
})

test('openApiDocument() of 200 endpoints of 30 features stays below 20 MB', () => {
  const inputs = [tensor('x', 'FP32', -1, 30)]
  const features = Array.from({ length: 30 }, (_, column) =>
    feature({ name: `feature_${column}`, tensor: 'x', column }),
  )
  const version = versionOf(planOf({ inputs, features }))
  const endpoints = Array.from({ length: 200 }, (_, i) => ({
    ...endpointOf(version),
    name: `endpoint-${i}`,
  }))
  expect(JSON.stringify(describe(...endpoints)).length).toBeLessThan(20_000_000)
})
