/** Descriptions of the API in tests: of plans that need no gateway, and checked by a validator. */

import { Ajv2020 } from 'ajv/dist/2020.js'
import { openApiText } from '../../src/server/openapi/document.ts'
import type { ApiEndpoint, ApiVersion } from '../../src/server/openapi/source.ts'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'

export const versionOf = (plan: VariantPlan, more: Partial<ApiVersion> = {}): ApiVersion => ({
  ...plan,
  exampleRow: null,
  bounds: new Map(),
  ...more,
})

/** An endpoint over these versions, each with a share of the traffic. */
export const endpointOf = (...versions: readonly ApiVersion[]): ApiEndpoint => ({
  name: versions[0]!.endpoint,
  answering: versions,
  pinned: versions,
})

export interface Example {
  readonly summary: string
  readonly value: object
}

interface Content {
  readonly schema: object
  readonly examples?: Readonly<Record<string, Example>>
}

export interface OperationText {
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> }
  readonly responses: Readonly<Record<string, { content?: Readonly<Record<string, Content>> }>>
}

/** What tests read of a description, as its reader gets it. */
export interface DocumentText {
  readonly info: { readonly description: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationText>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>
    readonly responses: Readonly<
      Record<string, { headers: Record<string, { schema?: { enum: readonly string[] } }> }>
    >
  }
}

export const describe = (...endpoints: readonly ApiEndpoint[]): DocumentText => {
  const defaultEndpoint = endpoints.length === 1 ? endpoints[0]!.name : null
  const text = openApiText({
    ...{ endpoints, defaultEndpoint, unavailable: [], hasDocsPage: true, hasFeedback: true },
  })
  return JSON.parse(text) as DocumentText
}

/** Whether a value fits a component: `PredictRequest.clicks`. What a value inherits is no key. */
export const validatorOf = (document: DocumentText) => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, ownProperties: true })
  ajv.addSchema({ ...document, $id: 'api' })
  return (component: string, value: unknown): string | null => {
    const validate = ajv.getSchema(`api#/components/schemas/${component}`)
    if (validate === undefined) throw new Error(`no schema ${component}`)
    return validate(value) === true ? null : ajv.errorsText(validate.errors)
  }
}

/** All examples of all bodies, with their path. */
export const examplesOf = ({ paths }: DocumentText): readonly (readonly [string, Example])[] =>
  Object.entries(paths).flatMap(([path, { post }]) =>
    Object.values(post?.requestBody?.content ?? {}).flatMap(({ examples = {} }) =>
      Object.values(examples).map((example) => [path, example] as const),
    ),
  )

/** All error codes that paths of a kind may answer: `Infer`. */
export const codesOf = ({ components }: DocumentText, kind: string): readonly string[] =>
  Object.entries(components.responses)
    .filter(([name]) => name.replace(/\d+$/, '') === kind)
    .flatMap(([, { headers }]) => headers['x-sluice-error']?.schema?.enum ?? [])
