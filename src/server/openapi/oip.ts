/** Bodies of the Open Inference Protocol v2, as schemas. */

import { DATATYPES, elementCount, type TensorSignature } from '../../shared/tensor.ts'
import {
  answeredElement,
  anyOf,
  elementSchema,
  listOf,
  nestedSchema,
  type Schema,
} from './json-schema.ts'
import type { ApiVersion } from './source.ts'

/** Those that this server does not know are ignored. */
const PARAMETERS: Schema = { type: 'object' }

const ID: Schema = { type: 'string', maxLength: 128 }

/** Sizes of a shape; `hasRows`: the first is the number of rows, of which there must be one. */
const shapeSchema = (shape: readonly number[], hasRows: boolean): Schema => ({
  type: 'array',
  ...(shape.length === 0
    ? {}
    : {
        prefixItems: shape.map((size, axis) =>
          size === -1
            ? { type: 'integer', minimum: axis === 0 && hasRows ? 1 : 0 }
            : { const: size },
        ),
      }),
  items: false,
  minItems: shape.length,
})

const inputSchema = ({ name, datatype, shape }: TensorSignature, hasRows: boolean): Schema => {
  const element = elementSchema(datatype)
  const isFree = shape.includes(-1)
  const count = elementCount(shape.map((size) => (size === -1 ? 1 : size)))
  const rows = hasRows ? { minItems: 1 } : {}
  // How many elements there are the shape says, which no schema can compare: at least one row.
  const flat = hasRows && !shape.slice(1).includes(-1) ? { minItems: count } : {}
  const forms = [isFree ? { ...listOf(element), ...flat } : listOf(element, count)]
  if (shape.length > 1) forms.push({ ...nestedSchema(element, shape), ...(isFree ? rows : {}) })
  return {
    title: name,
    type: 'object',
    properties: {
      name: { const: name },
      datatype: { const: datatype },
      shape: shapeSchema(shape, hasRows),
      data: { ...anyOf(forms), description: 'Row by row: flat, or nested as the shape says' },
      parameters: PARAMETERS,
    },
    required: ['name', 'datatype', 'shape', 'data'],
  }
}

/** All inputs, each once, in any order. */
const inputsSchema = ({ signature, rowsMax }: ApiVersion): Schema => {
  const { inputs } = signature
  const list = listOf(anyOf(inputs.map((input) => inputSchema(input, rowsMax > 0))), inputs.length)
  if (inputs.length === 1) return list
  const each = inputs.map(({ name }) => ({ contains: { properties: { name: { const: name } } } }))
  return { ...list, allOf: each }
}

const requestOf = (version: ApiVersion): Schema => ({
  type: 'object',
  properties: {
    id: { ...ID, description: 'Echoed in the answer exactly as it is' },
    parameters: PARAMETERS,
    inputs: inputsSchema(version),
    outputs: {
      description: 'Those wanted, each once; none named: all',
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: { enum: version.signature.outputs.map(({ name }) => name) },
          parameters: PARAMETERS,
        },
        required: ['name'],
      },
      maxItems: version.signature.outputs.length,
      uniqueItems: true,
    },
  },
  required: ['inputs'],
})

const SHAPE: Schema = { type: 'array', items: { type: 'integer', minimum: 0 } }

const outputSchema = ({ name, datatype }: TensorSignature): Schema => ({
  title: name,
  type: 'object',
  properties: {
    name: { const: name },
    datatype: { const: datatype },
    shape: SHAPE,
    data: listOf(answeredElement(datatype)),
  },
  required: ['name', 'datatype', 'shape', 'data'],
})

const answerOf = ({ endpoint, version, signature }: ApiVersion): Schema => ({
  type: 'object',
  properties: {
    model_name: { const: endpoint },
    model_version: { const: String(version) },
    id: ID,
    outputs: { ...listOf(anyOf(signature.outputs.map(outputSchema))), minItems: 1 },
  },
  required: ['model_name', 'model_version', 'outputs'],
})

/** Body of `infer`, for whichever of the versions gets it. */
export const inferRequest = (versions: readonly ApiVersion[]): Schema =>
  anyOf(versions.map(requestOf))

/** What it answers. */
export const inferAnswer = (versions: readonly ApiVersion[]): Schema =>
  anyOf(versions.map(answerOf))

const TENSOR: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    datatype: { enum: DATATYPES },
    shape: { type: 'array', items: { type: 'integer', minimum: -1 } },
  },
  required: ['name', 'datatype', 'shape'],
}

/** Components that do not depend on what is served. */
export const OIP_SCHEMAS: Schema = {
  ServerMetadata: {
    type: 'object',
    properties: {
      name: { const: 'sluice' },
      version: { type: 'string' },
      extensions: { type: 'array', items: { type: 'string' } },
    },
    required: ['name', 'version', 'extensions'],
  },
  ModelMetadata: {
    type: 'object',
    properties: {
      name: { type: 'string' },
      versions: { type: 'array', items: { type: 'string', pattern: '^[1-9][0-9]{0,14}$' } },
      platform: { const: 'onnxruntime_onnx' },
      inputs: { type: 'array', items: TENSOR },
      outputs: { type: 'array', items: TENSOR },
    },
    required: ['name', 'versions', 'platform', 'inputs', 'outputs'],
  },
  ModelReadiness: {
    type: 'object',
    properties: { name: { type: 'string' }, ready: { type: 'boolean' } },
    required: ['name', 'ready'],
  },
  Live: {
    type: 'object',
    properties: { live: { type: 'boolean' } },
    required: ['live'],
  },
  Ready: {
    type: 'object',
    properties: { ready: { type: 'boolean' } },
    required: ['ready'],
  },
}
