/** Bodies of TensorFlow Serving's REST format, as schemas. */

import type { Datatype, TensorSignature } from '../../shared/tensor.ts'
import { isInBase64 } from '../protocols/tfs/tfs-encode.ts'
import { tensorRow } from './features.ts'
import {
  answeredElement,
  anyOf,
  closed,
  elementSchema,
  listOf,
  nestedSchema,
  open,
  type Schema,
} from './json-schema.ts'
import type { ApiVersion } from './source.ts'

const BASE64: Schema = closed({
  b64: { type: 'string', contentEncoding: 'base64', description: 'UTF-8 in Base64' },
})

const elementOf = (datatype: Datatype): Schema =>
  datatype === 'BYTES' ? anyOf([elementSchema(datatype), BASE64]) : elementSchema(datatype)

/** A whole tensor, nested in full, with a row at least where it has rows. */
const wholeTensor = ({ datatype, shape }: TensorSignature, hasRows: boolean): Schema => ({
  ...nestedSchema(elementOf(datatype), shape),
  ...(hasRows ? { minItems: 1 } : {}),
})

const wholeInputs = ({ signature: { inputs }, rowsMax }: ApiVersion): Schema => {
  const values = inputs.map((input) => wholeTensor(input, rowsMax > 0))
  const named = closed(Object.fromEntries(inputs.map(({ name }, i) => [name, values[i]])))
  return values.length === 1 ? anyOf([named, values[0]!]) : named
}

const SIGNATURE_NAME: Schema = { type: 'string', enum: ['serving_default', ''] }

const bodyOf = (description: string, key: string, value: Schema): Schema => ({
  description,
  type: 'object',
  properties: { [key]: value, signature_name: SIGNATURE_NAME },
  required: [key],
  additionalProperties: false,
})

const requestOf = (version: ApiVersion): Schema => {
  const rows = { ...listOf(tensorRow(version, elementOf, true)), minItems: 1 }
  const instances = version.rowsMax > 0 ? rows : { ...rows, maxItems: 1 }
  return {
    anyOf: [
      bodyOf('Rows', 'instances', instances),
      bodyOf('Whole tensors', 'inputs', wholeInputs(version)),
    ],
  }
}

const written = (output: TensorSignature): Schema =>
  isInBase64(output) ? BASE64 : answeredElement(output.datatype)

/** Without rows an output whose first dimension is 1 stands for that. */
const rowForms = (output: TensorSignature, hasRows: boolean): Schema => {
  const { shape } = output
  const inner = nestedSchema(written(output), shape.slice(1))
  if (hasRows) return inner
  const whole = nestedSchema(written(output), shape)
  return shape[0] === 1 ? inner : shape[0] === -1 ? anyOf([inner, whole]) : whole
}

/** The value of the one output, or an object of all. */
const joined = (outputs: readonly TensorSignature[], values: readonly Schema[]): Schema =>
  values.length === 1
    ? values[0]!
    : open(Object.fromEntries(outputs.map(({ name }, i) => [name, values[i]])))

const answerOf = ({ signature: { outputs }, rowsMax }: ApiVersion): Schema => {
  const rows = outputs.map((output) => rowForms(output, rowsMax > 0))
  const wholes = outputs.map((output) => nestedSchema(written(output), output.shape))
  return {
    anyOf: [
      { description: 'To rows', ...closed({ predictions: listOf(joined(outputs, rows)) }) },
      { description: 'To whole tensors', ...closed({ outputs: joined(outputs, wholes) }) },
    ],
  }
}

/** Body of `:predict`, for whichever of the versions gets it. */
export const tfsRequest = (versions: readonly ApiVersion[]): Schema =>
  anyOf(versions.map(requestOf))

/** What it answers. */
export const tfsAnswer = (versions: readonly ApiVersion[]): Schema => anyOf(versions.map(answerOf))
