/** What `/predict` answers for a version, as schemas: what `features-encode.ts` writes. */

import type { TensorSignature } from '../../shared/tensor.ts'
import { answeredElement, anyOf, listOf, nestedSchema, open, type Schema } from './json-schema.ts'
import type { ApiEndpoint, ApiVersion } from './source.ts'

const NUMBER: Schema = { type: 'number' }

const outputOf = ({ signature }: ApiVersion, index: number): TensorSignature | undefined =>
  signature.outputs[index]

/** JSON values of classes, from their text. */
const classValues = (texts: readonly string[]): Schema => {
  const values = [...new Set(texts)].map((text) => JSON.parse(text) as string | number)
  const byType = Map.groupBy(values, (value) => (typeof value === 'string' ? 'string' : 'number'))
  return anyOf([...byType].map(([type, all]) => ({ type, enum: all })))
}

const score = (description: string): Schema => ({ ...NUMBER, description })

const scored = (version: ApiVersion): Schema => {
  const { reading, manifest } = version
  const { label, classes, keys, positive, negative, threshold } = reading!
  const ownLabel = outputOf(version, label)
  const labelled = ownLabel === undefined ? null : answeredElement(ownLabel.datatype)
  if (manifest!.task === 'regression') {
    return open({ score: score('The value'), prediction: score('The same') })
  }
  if (manifest!.task === 'binary') {
    const likely = classValues([positive, negative])
    const isOurs = threshold !== null || labelled === null
    const rule = `${positive} from a score of ${threshold ?? 0.5} on`
    return open({
      score: score(`Probability of the class ${positive}`),
      prediction: isOurs
        ? { ...likely, description: rule }
        : { ...labelled, description: 'The label of the model' },
    })
  }
  const scores = Object.fromEntries(keys.map((key) => [JSON.parse(key) as string, NUMBER]))
  return open({
    score: score('The highest of `scores`'),
    prediction: labelled ?? { ...classValues(classes), description: 'Its class' },
    scores: { ...open(scores), additionalProperties: NUMBER },
  })
}

/** A row of an output: the value itself where a row is one element, else nested like its shape. */
const outputSchema = ({ datatype, shape }: TensorSignature, hasRows: boolean): Schema => {
  const element = answeredElement(datatype)
  const inner = hasRows ? shape.slice(1) : shape
  const nested = nestedSchema(element, inner)
  if (inner.length !== 1 || inner[0]! > 1) return nested
  return inner[0] === -1 ? anyOf([element, nested]) : inner[0] === 1 ? element : nested
}

const raw = ({ signature, rowsMax }: ApiVersion): Schema =>
  open({
    outputs: open(
      Object.fromEntries(
        signature.outputs.map((output) => [output.name, outputSchema(output, rowsMax > 0)]),
      ),
    ),
  })

/** What is answered for a row. */
const rowAnswer = (version: ApiVersion): Schema =>
  version.reading === null ? raw(version) : scored(version)

const metadata = ({ answering }: ApiEndpoint): Schema =>
  open({
    request_id: { type: 'string', description: "The client's, else the prediction id" },
    prediction_id: { type: 'string', description: 'Unique' },
    model: { type: 'string', enum: [...new Set(answering.map(({ model }) => model))] },
    version: { type: 'integer', enum: answering.map(({ version }) => version) },
    variant: { type: 'string', enum: answering.map(({ variant }) => variant) },
    latency_ms: { type: 'number', minimum: 0 },
  })

/** The body of a 200 answer of `/predict`. */
export const answerSchema = (endpoint: ApiEndpoint): Schema => {
  const row = anyOf(endpoint.answering.map(rowAnswer))
  const about = open({ metadata: metadata(endpoint) })
  return {
    anyOf: [
      { description: 'To one row', allOf: [row, about] },
      {
        description: 'To several rows, in their order',
        type: 'object',
        properties: { predictions: { ...listOf(row), minItems: 1 }, metadata: metadata(endpoint) },
        required: ['predictions', 'metadata'],
      },
    ],
  }
}
