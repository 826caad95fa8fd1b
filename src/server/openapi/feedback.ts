/** `POST /feedback`: the path and its schemas. */

import { PREDICTION_ID_PATTERN } from '../../shared/ids.ts'
import { ELEMENTS_MAX } from '../../shared/tensor.ts'
import { FEEDBACK_ITEMS_MAX } from '../feedback/feedback-request.ts'
import { LABEL_CHARACTERS_MAX, LABEL_MAX, LABELS_MAX } from '../feedback/label.ts'
import { BODY_ID_LENGTH_MAX } from '../protocols/protocol.ts'
import { closed, listOf, orNull, type Schema, TEXT } from './json-schema.ts'
import { json, ok, operation, type PathEntry } from './operation.ts'
import { ID_PARAMETER, parameterRef, schemaRef } from './responses.ts'

const NOTHING: Schema = { type: 'null' }

const IDS: Readonly<Record<'prediction_id' | 'request_id', Schema>> = {
  prediction_id: {
    type: 'string',
    pattern: PREDICTION_ID_PATTERN,
    description: '`x-sluice-prediction-id` of the answer; of any gateway',
  },
  request_id: {
    type: 'string',
    minLength: 1,
    maxLength: BODY_ID_LENGTH_MAX,
    description:
      'The id of the request; all of the endpoint that have it get the label. Without one it has that of its prediction.',
  },
}

const KINDS: readonly Schema[] = [
  { type: 'number', minimum: -LABEL_MAX, maximum: LABEL_MAX },
  { ...TEXT, maxLength: LABEL_CHARACTERS_MAX },
  { type: 'boolean' },
]
const LABEL: Schema = { anyOf: KINDS }
const LABELS: Schema = {
  ...listOf({ anyOf: [...KINDS, NOTHING] }),
  ...{ minItems: 1, maxItems: LABELS_MAX, contains: LABEL },
}

const ROW: Schema = {
  ...{ type: 'integer', minimum: 0, maximum: ELEMENTS_MAX - 1 },
  description: 'Of the request, from 0; absent: all rows.',
}

const OBSERVED_AT: Schema = {
  ...{ type: 'string', format: 'date-time' },
  description: 'When the label became known, from 2000 to a day from now; absent: now.',
}

/** `names`: of endpoints that can answer. */
const endpointSchema = (names: readonly string[]): Schema => ({
  ...(names.length === 0 ? { type: 'string' } : { enum: names }),
  description:
    'Of the prediction. Needed beside a request id where there is no default endpoint, and for keys that may not ask all endpoints.',
})

/** One of the ids, and one label or several. */
const formOf = (
  id: keyof typeof IDS,
  isList: boolean,
  names: readonly string[],
  description: string,
): Schema => {
  const other = id === 'prediction_id' ? 'request_id' : 'prediction_id'
  return {
    description,
    type: 'object',
    properties: {
      [id]: IDS[id],
      [other]: NOTHING,
      label: isList ? LABELS : LABEL,
      row: isList ? NOTHING : orNull(ROW),
      observed_at: orNull(OBSERVED_AT),
      endpoint: orNull(endpointSchema(names)),
    },
    required: [id, 'label'],
    additionalProperties: false,
  }
}

/** Components; `names`: of endpoints that can answer. */
export const feedbackSchemas = (names: readonly string[]): Schema => ({
  Feedback: {
    anyOf: [
      formOf('prediction_id', false, names, 'Of a prediction, or of one row of it'),
      formOf('prediction_id', true, names, 'Of a prediction: a label, or null, for each row'),
      formOf('request_id', false, names, 'Of a request, or of one row of it'),
      formOf('request_id', true, names, 'Of a request: a label, or null, for each row'),
    ],
  },
  FeedbackRequest: {
    anyOf: [
      schemaRef('Feedback'),
      { ...listOf(schemaRef('Feedback')), minItems: 1, maxItems: FEEDBACK_ITEMS_MAX },
    ],
  },
  FeedbackAnswer: closed({ accepted: { type: 'integer', minimum: 1, description: 'Items' } }),
})

const PREDICTION = 'k3x9ab.1.0-7-42'

const EXAMPLES: Schema = {
  one: { summary: 'A label', value: { prediction_id: PREDICTION, label: 1 } },
  rows: {
    summary: 'A label for each row, the second of which is not known yet',
    value: { prediction_id: PREDICTION, label: ['late', null, 'in time'] },
  },
  list: {
    summary: 'Several',
    value: [
      { prediction_id: PREDICTION, row: 3, label: true },
      { prediction_id: PREDICTION, label: 12.5, observed_at: '2025-06-30T14:05:00+02:00' },
    ],
  },
}

export const feedbackPath = (): PathEntry => [
  '/feedback',
  {
    post: operation({
      ...{ id: 'feedback', tag: 'feedback', kind: 'Feedback', summary: 'Labels of predictions' },
      parameters: [...ID_PARAMETER, parameterRef('ContentEncoding')],
      requestBody: {
        required: true,
        content: json(schemaRef('FeedbackRequest'), { examples: EXAMPLES }),
      },
      responses: { 202: ok('All are recorded', json(schemaRef('FeedbackAnswer'))) },
    }),
  },
]
