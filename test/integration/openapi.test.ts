/** `/openapi.json` of whole gateways: what it promises is what the data plane does. */

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { EXAMPLE_REPOSITORY } from '../helpers/example.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { convolution, identity, mlp, scaleAdd } from '../helpers/models.ts'
import { type DocumentText, examplesOf, validatorOf } from '../helpers/openapi.ts'
import { makeTree } from '../helpers/tree.ts'

const documentOf = async (gateway: TestGateway): Promise<DocumentText> => {
  const response = await fetch(`${gateway.httpUrl}/openapi.json`)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('application/json')
  return (await response.json()) as DocumentText
}

/** What a concrete path stands for in the paths of the description. */
const filled = (path: string): string => path.replace('{version}', '1')

const componentOf = (document: DocumentText, path: string, status: number): string => {
  const { responses } = document.paths[path]!['post']!
  const { $ref } = (responses[status] as { content: Record<string, { schema: { $ref: string } }> })
    .content['application/json']!.schema
  return $ref.slice($ref.lastIndexOf('/') + 1)
}

/** POSTs every example; every one is answered as the description says. */
const tryExamples = async (gateway: TestGateway, document: DocumentText): Promise<string[]> => {
  const validate = validatorOf(document)
  const tried: string[] = []
  for (const [path, { summary, value }] of examplesOf(document)) {
    const response = await gateway.post(filled(path), value)
    const body: unknown = await response.json()
    expect({ path, summary, status: response.status, body }).toMatchObject({ status: 200 })
    expect(validate(componentOf(document, path, 200), body), path).toBeNull()
    tried.push(path)
  }
  return tried
}

test('every example of the flight delay is answered, and is the row of its profile', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY })
  const document = await documentOf(gateway)
  const tried = await tryExamples(gateway, document)
  expect(new Set(tried)).toEqual(
    new Set([
      '/predict',
      '/predict/flight-delay',
      '/v1/models/flight-delay:predict',
      '/v1/models/flight-delay/versions/{version}:predict',
      '/v2/models/flight-delay/infer',
      '/v2/models/flight-delay/versions/{version}/infer',
    ]),
  )
  const summaries = examplesOf(document).map(([, { summary }]) => summary)
  expect(summaries.filter((summary) => !summary.includes('the row of the profile'))).toEqual([])
  const row = JSON.stringify(document.components.schemas['Row.flight-delay'])
  expect(row).toContain('"x-sluice-range":[80,4983]')
  expect(row).toContain('"x-sluice-categories":["EWR","JFK","LGA"]')
})

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const manifest = (bytes: Uint8Array, more: object): object => ({
  format: { name: 'sluice-manifest', version: 1 },
  digest: digestOf(bytes),
  features: ['a', 'b', 'c'].map((name, column) => ({ name, type: 'number', tensor: 'x', column })),
  score: { output: 'y' },
  ...more,
})

const CLASSIFIER = mlp([3, 4, 3])
const REGRESSOR = mlp([3, 4, 1])

const repository = (): string =>
  makeTree({
    'bare/1/model.onnx': scaleAdd(3),
    'picture/1/model.onnx': convolution(),
    'text/1/model.onnx': identity('BYTES'),
    'long/1/model.onnx': identity('INT64', ['N']),
    'flags/1/model.onnx': identity('BOOL', [2, 2]),
    'free/1/model.onnx': identity('FP64', ['N', 'M']),
    'kinds/1/model.onnx': CLASSIFIER,
    'kinds/1/manifest.json': manifest(CLASSIFIER, {
      task: 'multiclass',
      classes: ['red', 'green', 3],
    }),
    'price/1/model.onnx': REGRESSOR,
    'price/1/manifest.json': manifest(REGRESSOR, { task: 'regression' }),
  })

test('every example of models of all kinds is answered, and is marked as made up', async () => {
  const gateway = await startGateway({ repository: repository() })
  const document = await documentOf(gateway)
  const tried = await tryExamples(gateway, document)
  // A picture has too many elements for an example.
  expect(new Set(tried).size).toBe(7 * 5)
  const summaries = examplesOf(document).map(([, { summary }]) => summary)
  expect(summaries.filter((summary) => !summary.includes('a made-up row'))).toEqual([])
})
