/** How an operation of the data plane is put together. */

import type { Schema } from './json-schema.ts'
import { errorsOf, ID_HEADER, ID_PARAMETER, JSON_TYPE, type PathKind } from './responses.ts'

export const TAGS = {
  predict: 'Predict',
  oip: 'Open Inference Protocol v2',
  tfs: 'TensorFlow Serving',
  feedback: 'Feedback',
  server: 'Health and description',
} as const

/** A path and what it has. */
export type PathEntry = readonly [path: string, item: Schema]

export const json = (schema: Schema, more: Schema = {}): Schema => ({
  [JSON_TYPE]: { schema, ...more },
})

export const ok = (description: string, content: Schema, headers = ID_HEADER): Schema => ({
  description,
  headers,
  content,
})

export interface Operation {
  readonly id: string
  readonly tag: keyof typeof TAGS
  readonly summary: string
  readonly kind: PathKind
  /** By status, beside the errors of the kind. */
  readonly responses: Schema
  readonly parameters?: readonly Schema[]
  readonly requestBody?: Schema
}

export const operation = (given: Operation): Schema => {
  const { id, tag, summary, kind, responses, parameters = ID_PARAMETER, requestBody } = given
  return {
    operationId: id,
    tags: [TAGS[tag]],
    summary,
    parameters,
    ...(requestBody === undefined ? {} : { requestBody }),
    responses: { ...errorsOf(kind), ...responses },
  }
}
