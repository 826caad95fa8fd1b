/** JSON bodies of the Open Inference Protocol v2 with Triton's extensions, as schemas. */

import { elementCount, type TensorSignature } from '../../shared/tensor.ts'
import { CLASSES_MAX } from '../protocols/oip/oip-outputs.ts'
import { BODY_ID_LENGTH_MAX } from '../protocols/protocol.ts'
import {
  answeredElement,
  anyOf,
  elementSchema,
  listOf,
  nestedSchema,
  open,
  type Schema,
} from './json-schema.ts'
import { schemaRef } from './responses.ts'
import type { ApiVersion } from './source.ts'

/** Components that all endpoints share. */
export const OIP_SCHEMAS: Schema = {
  Nothing: {
    description: 'What asks for nothing: to Triton these are "not given"',
    anyOf: [
      { type: 'integer', enum: [0] },
      { type: 'boolean', enum: [false] },
      { type: 'string', enum: [''] },
    ],
  },
}

const NO: Schema = schemaRef('Nothing')

/** No value is one. */
const NEVER: Schema = { not: {} }

/** Parameters that this server knows; others are ignored. */
const parameters = (own: Schema): Schema => ({
  type: 'object',
  properties: {
    ...own,
    shared_memory_region: NO,
    sequence_id: NO,
    sequence_start: NO,
    sequence_end: NO,
  },
})

const FLAG: Schema = { type: 'boolean' }

/** Sizes of a shape; `hasRows`: the first is the number of rows, of which there must be one. */
const shapeSchema = (shape: readonly number[], hasRows: boolean): Schema => {
  const sizes = shape.map((size, axis) =>
    size === -1 ? { type: 'integer', minimum: axis === 0 && hasRows ? 1 : 0 } : { const: size },
  )
  const prefix = sizes.length === 0 ? {} : { prefixItems: sizes }
  return { type: 'array', ...prefix, minItems: shape.length, maxItems: shape.length }
}

/** Flat, or nested as the shape says. How many elements there are no schema can compare. */
const dataForms = ({ datatype, shape }: TensorSignature, hasRows: boolean): Schema[] => {
  const element = elementSchema(datatype)
  if (shape.length === 0) return [listOf(element, 1), element]
  const isFree = shape.includes(-1)
  const rowElements = elementCount(shape.slice(1))
  const leastFlat = hasRows && rowElements > 0 ? { minItems: rowElements } : {}
  const flat = isFree ? { ...listOf(element), ...leastFlat } : listOf(element, elementCount(shape))
  if (shape.length === 1) return [flat]
  const nested = nestedSchema(element, shape)
  return [flat, isFree && hasRows ? { ...nested, minItems: 1 } : nested]
}

const inputSchema = (input: TensorSignature, hasRows: boolean): Schema => ({
  title: input.name,
  type: 'object',
  properties: {
    name: { const: input.name },
    datatype: { const: input.datatype },
    shape: shapeSchema(input.shape, hasRows),
    data: {
      ...anyOf(dataForms(input, hasRows)),
      description: 'Row by row: flat, or nested as the shape says',
    },
    // It belongs to data behind the JSON.
    parameters: parameters({ binary_data_size: NEVER }),
  },
  required: ['name', 'datatype', 'shape', 'data'],
})

/** All inputs, each once, in any order. */
const inputsSchema = ({ signature, rowsMax }: ApiVersion): Schema => {
  const { inputs } = signature
  const list = listOf(anyOf(inputs.map((input) => inputSchema(input, rowsMax > 0))), inputs.length)
  if (inputs.length === 1) return list
  const each = inputs.map(({ name }) => ({ contains: { properties: { name: { const: name } } } }))
  return { ...list, allOf: each }
}

const askedOutput = ({ name, datatype }: TensorSignature): Schema => ({
  title: name,
  type: 'object',
  properties: {
    name: { const: name },
    parameters: parameters({
      binary_data: { ...FLAG, description: 'Answer it as bytes behind the JSON' },
      classification: {
        description: 'Answer the so many largest elements of each row, as texts `value:index`',
        type: 'integer',
        minimum: 0,
        maximum: datatype === 'BYTES' ? 0 : CLASSES_MAX,
      },
    }),
  },
  required: ['name'],
})

const TERM: Schema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }

const ID: Schema = { type: 'string', maxLength: BODY_ID_LENGTH_MAX }

const requestOf = (version: ApiVersion): Schema => ({
  type: 'object',
  properties: {
    id: { ...ID, description: 'Echoed in the answer exactly as it is' },
    parameters: parameters({
      binary_data_output: { ...FLAG, description: 'Whether outputs are bytes unless they say' },
      priority: {
        ...TERM,
        description: 'Level, 1 the first; 0, or one that the model does not have: its default',
      },
      timeout: {
        ...TERM,
        description: 'Microseconds that it may wait, where the model lets its default be shortened',
      },
    }),
    inputs: inputsSchema(version),
    outputs: {
      description: 'Those wanted, each once; none named: all',
      type: 'array',
      items: anyOf(version.signature.outputs.map(askedOutput)),
      maxItems: version.signature.outputs.length,
      uniqueItems: true,
    },
  },
  required: ['inputs'],
})

const SHAPE: Schema = { type: 'array', items: { type: 'integer', minimum: 0 } }

const answeredTensor = (name: string, datatype: TensorSignature['datatype']): Schema =>
  open({
    name: { const: name },
    datatype: { const: datatype },
    shape: SHAPE,
    data: listOf(answeredElement(datatype)),
  })

/** As it is, and as its classes. */
const outputSchema = ({ name, datatype }: TensorSignature): Schema =>
  anyOf([answeredTensor(name, datatype), answeredTensor(name, 'BYTES')])

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
