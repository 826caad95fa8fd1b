import { expect, test } from 'vitest'
import { openApiText } from '../../../../src/server/openapi/document.ts'
import type { ApiVersion } from '../../../../src/server/openapi/source.ts'
import { ERROR_CODES, ERRORS } from '../../../../src/shared/errors.ts'
import {
  type DocumentText,
  describe,
  endpointOf,
  examplesOf,
  versionOf,
} from '../../../helpers/openapi.ts'
import { feature, flightPlan, planOf, tensor } from '../../../helpers/variant-plans.ts'

const ALL = { hasDocsPage: true, hasFeedback: true }

const flights = (name = 'clicks') => {
  const version = versionOf({ ...flightPlan(), endpoint: name })
  return { ...endpointOf(version), name }
}

test('openApiText() gives every endpoint paths of its own', () => {
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

test('openApiText() has /predict where an endpoint answers it', () => {
  expect(describe(flights()).paths['/predict']).toBeDefined()
  expect(describe(flights('a'), flights('b')).paths['/predict']).toBeUndefined()
})

test('openApiText() names the endpoints that cannot answer', () => {
  const source = { endpoints: [], defaultEndpoint: null, unavailable: ['gone'], ...ALL }
  expect(openApiText(source)).toContain('503 `VERSION_NOT_READY`: `gone`.')
})

test('openApiText() refers to nothing that it does not hold', () => {
  const document = describe(flights())
  const references = JSON.stringify(document).match(/"#\/[^"]+"/g) ?? []
  expect(references.length).toBeGreaterThan(50)
  for (const reference of new Set(references)) {
    const path = JSON.parse(reference).slice(2).split('/') as string[]
    const found = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document)
    expect(found, reference).toBeDefined()
  }
})

/** Every object within, the document included. */
const objectsOf = (value: unknown): Record<string, unknown>[] => {
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.values(value).flatMap(objectsOf)
  return Array.isArray(value) ? inner : [value as Record<string, unknown>, ...inner]
}

const NAMES = ['x', 'version_x', 'pinned_x', 'version-x', 'X', 'Infer.x', 'Infer', 'z', 'y_z']

const normal = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

test('openApiText() has ids and schemas that differ in more than case and punctuation', () => {
  const document = describe(...NAMES.map((name) => flights(name)))
  const ids = objectsOf(document.paths).flatMap(({ operationId }) => operationId ?? [])
  expect(ids.length).toBeGreaterThan(12 * NAMES.length)
  expect(new Set(ids.map((id) => normal(id as string))).size).toBe(ids.length)
  const schemas = Object.keys(document.components.schemas)
  expect(new Set(schemas.map(normal)).size).toBe(schemas.length)
})

test('openApiText() has nothing that generators of clients stumble over', () => {
  const classes = {
    task: 'multiclass',
    classes: ['a', 2],
    score: { output: 'score', column: 0 },
  } as const
  const inputs = [tensor('x', 'UINT8', -1, 1)]
  const category = {
    name: 'c',
    type: 'category',
    vocabulary: ['A'],
    optional: true,
    missing: 0,
  } as const
  const features = [feature({ ...category, tensor: 'x', column: 0 })]
  const mixed = versionOf(planOf({ inputs, features, manifest: classes }))
  const document = describe(flights(), { ...endpointOf(mixed), name: 'mixed' })
  for (const each of objectsOf(document)) {
    expect(each).not.toHaveProperty('oneOf')
    expect(typeof each['items']).not.toBe('boolean')
    if (!Array.isArray(each['enum'])) continue
    expect(new Set(each['enum'].map((value) => typeof value)).size, `${each['enum']}`).toBe(1)
  }
  const schemas = objectsOf(document.components.schemas)
  const titles = schemas.flatMap(({ title }) => (typeof title === 'string' ? [title] : []))
  expect(titles.filter((title) => title !== 'x' && !/numeric|text|score/.test(title))).toEqual([])
})

test('openApiText() refers to the schemas of an endpoint where those of its versions are equal', () => {
  const version = versionOf(flightPlan())
  const keys = (...pinned: ApiVersion[]) =>
    Object.keys(describe({ ...endpointOf(version), pinned }).components.schemas)
  expect(keys(version).filter((key) => key.startsWith('Pinned'))).toEqual([])
  const other = versionOf({ ...flightPlan(), version: 8 })
  expect(keys(version, other)).toContain('PinnedInferAnswer.clicks')
  expect(keys(other)).toContain('PinnedInferAnswer.clicks')
})

test('openApiText() says which headers of a request are read', () => {
  const { paths } = describe(flights())
  const parametersOf = (path: string): string[] =>
    (paths[path]!['post'] as unknown as { parameters: { $ref: string }[] }).parameters.map(
      ({ $ref }) => $ref.split('/').at(-1)!,
    )
  const predict = ['RequestId', 'Explain', 'Timeout', 'ContentEncoding']
  expect(parametersOf('/predict/clicks')).toEqual(predict)
  expect(parametersOf('/v1/models/clicks:predict')).toEqual([...predict, 'AcceptEncoding'])
  const infer = [...predict, 'AcceptEncoding', 'JsonLength']
  expect(parametersOf('/v2/models/clicks/infer')).toEqual(infer)
  expect(parametersOf('/v2/repository/index')).toEqual(['RequestId', 'ContentEncoding'])
})

test('openApiText() says which codes every error answer may have', () => {
  const { components } = describe(flights())
  expect(components.responses['Predict404']?.headers['x-sluice-error']?.schema).toEqual({
    enum: ['ENDPOINT_NOT_FOUND'],
  })
  expect(components.responses['Infer404']?.headers['x-sluice-error']?.schema).toEqual({
    enum: ['MODEL_NOT_FOUND', 'VERSION_NOT_FOUND'],
  })
  expect(components.responses['Predict503']?.headers).toHaveProperty('retry-after')
})

test('openApiText() names every code that a request can be answered with', () => {
  const text = JSON.stringify(describe(flights()))
  const answering = ERROR_CODES.filter((code) => ERRORS[code].http > 0)
  expect(answering.filter((code) => !text.includes(code))).toEqual([])
})

test('openApiText() has the page and feedback only where there are such', () => {
  const source = { endpoints: [], defaultEndpoint: null, unavailable: [] }
  const paths = (has: typeof ALL) =>
    Object.keys(JSON.parse(openApiText({ ...source, ...has })).paths as object)
  expect(paths(ALL)).toEqual(expect.arrayContaining(['/docs', '/feedback']))
  expect(paths({ ...ALL, hasDocsPage: false })).not.toContain('/docs')
  expect(paths({ ...ALL, hasFeedback: false })).not.toContain('/feedback')
})

const wideVersion = (features: number, nameLength = 0) => {
  const all = Array.from({ length: features }, (_, column) =>
    feature({ name: `feature_${column}`.padEnd(nameLength, 'x'), tensor: 'x', column }),
  )
  return versionOf(planOf({ inputs: [tensor('x', 'FP32', -1, features)], features: all }))
}

const endpoints = (count: number, version: ApiVersion) =>
  Array.from({ length: count }, (_, i) => ({ ...endpointOf(version), name: `endpoint-${i}` }))

test('openApiText() describes the endpoints for which there are 4 MiB, and names the others', () => {
  const source = { defaultEndpoint: 'endpoint-499', unavailable: [], ...ALL }
  const text = openApiText({ ...source, endpoints: endpoints(500, wideVersion(30)) })
  expect(text.length).toBeLessThan(4.2 * 2 ** 20)
  expect(text.length).toBeGreaterThan(3.9 * 2 ** 20)
  const { info, paths } = JSON.parse(text) as DocumentText
  expect(paths['/predict']).toBeDefined()
  expect(paths['/predict/endpoint-0']).toBeDefined()
  expect(paths['/predict/endpoint-498']).toBeUndefined()
  expect(info.description).toContain('`endpoint-498`')
  expect(info.description).not.toContain('`endpoint-499`')
})

test('openApiText() does not begin to write an endpoint that is too long', () => {
  const { info, paths } = describe(...endpoints(2, wideVersion(4000, 256)))
  expect(Object.keys(paths)).not.toContain('/predict/endpoint-0')
  expect(info.description).toContain('too long to be described: `endpoint-0`, `endpoint-1`.')
})

test('openApiText() has no example, but a sentence, where rows are long', () => {
  const picture = planOf({ inputs: [tensor('x', 'FP32', -1, 3, 1024, 1024)] })
  const document = describe(endpointOf(versionOf(picture)))
  const paths = new Set(examplesOf(document).map(([path]) => path))
  expect([...paths]).toEqual(['/feedback'])
  expect(JSON.stringify(document).length).toBeLessThan(120_000)
  expect(document.paths['/predict/clicks']?.['post']?.requestBody).toHaveProperty(
    'description',
    expect.stringMatching(/no example/),
  )
})
