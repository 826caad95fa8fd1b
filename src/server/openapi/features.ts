/**
 * The rows that `/predict` takes for a version, as schemas: what `features-row.ts` and
 * `tensor-rows.ts` read, no more and no less as far as JSON Schema can say it.
 */

import type { BoundFeature } from '../../shared/contract.ts'
import type { FeatureBounds } from '../../shared/profile.ts'
import { canHold, type Datatype, type TensorSignature } from '../../shared/tensor.ts'
import { BODY_ID_LENGTH_MAX } from '../protocols/protocol.ts'
import {
  anyOf,
  closed,
  elementSchema,
  listOf,
  orNull,
  type Schema,
  TEXT,
  tensorForms,
  wholeSchema,
} from './json-schema.ts'
import { code } from './naming.ts'
import type { ApiEndpoint, ApiVersion } from './source.ts'

/** Code of a category that the vocabulary does not have. */
const UNKNOWN_CODE = -1

/** Any text is a category, unless the tensor cannot hold the code of an unknown one. */
const categorySchema = ({ input, codes }: BoundFeature, { signature }: ApiVersion): Schema => {
  const { datatype } = signature.inputs[input]!
  if (codes === null || canHold(datatype, UNKNOWN_CODE)) return TEXT
  const known = [...codes].filter(([, code]) => canHold(datatype, code))
  return { type: 'string', enum: known.map(([category]) => category) }
}

const typeSchema = (feature: BoundFeature, version: ApiVersion): Schema => {
  const { datatype } = version.signature.inputs[feature.input]!
  switch (feature.type) {
    case 'number':
      return elementSchema(datatype)
    case 'integer':
      return wholeSchema(datatype)
    case 'boolean':
      return { type: 'boolean' }
    case 'category':
      return categorySchema(feature, version)
  }
}

/** What training has seen, for readers and programs alike: the page shows these fields as well. */
const seenFields = (bounds: FeatureBounds | undefined): Schema => {
  if (bounds === undefined) return {}
  const { min, max, categories, moreCategories } = bounds
  return {
    ...(min === null || max === null ? {} : { 'x-sluice-range': [min, max] }),
    ...(categories.length === 0 ? {} : { 'x-sluice-categories': categories }),
    ...(moreCategories === 0 ? {} : { 'x-sluice-more-categories': moreCategories }),
  }
}

const missingText = ({ optional, missing, type }: BoundFeature): string => {
  if (!optional) return 'Required.'
  const fed = typeof missing === 'string' ? `'${missing}'` : String(missing)
  const open = type === 'category' ? ' Any text is taken.' : ''
  return `May be absent or null: the model is then fed ${fed}.${open}`
}

const valueSchema = (feature: BoundFeature, version: ApiVersion): Schema => {
  const schema = typeSchema(feature, version)
  return feature.optional ? orNull(schema) : schema
}

const featureSchema = (feature: BoundFeature, version: ApiVersion): Schema => {
  const bounds = version.bounds.get(feature.name)
  const schema = typeSchema(feature, version)
  const isOpen = feature.type === 'category' && schema['enum'] === undefined
  const sentences = [
    ...(isOpen && !feature.optional ? ['Any text is taken.'] : []),
    missingText(feature),
  ]
  return {
    ...valueSchema(feature, version),
    description: sentences.join(' '),
    ...seenFields(bounds),
  }
}

/** A row of named features, and the same as a list in the order of the contract. */
const featureRow = (version: ApiVersion): Schema => {
  const { features } = version.binding
  const schemas = features.map((feature) => featureSchema(feature, version))
  const required = features.filter(({ optional }) => !optional).map(({ name }) => name)
  const named: Schema = {
    description: 'By name',
    type: 'object',
    properties: Object.fromEntries(features.map(({ name }, i) => [name, schemas[i]])),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  }
  const list: Schema = {
    description: `In this order: ${features.map(({ name }) => code(name)).join(', ')}`,
    type: 'array',
    prefixItems: features.map((feature) => valueSchema(feature, version)),
    minItems: features.length,
    maxItems: features.length,
  }
  return { anyOf: [named, list] }
}

/** Values of an input, and its datatype and shape in words. */
const inputValues = (
  { datatype, shape }: TensorSignature,
  element: Schema,
  hasRows: boolean,
): readonly [forms: Schema[], described: Schema] => {
  const forms = tensorForms(element, shape, hasRows)
  const description = `${hasRows ? 'One row of ' : ''}${datatype} [${shape.join(', ')}]`
  return [forms, { ...anyOf(forms), description }]
}

/**
 * A row of tensors by name; where there is one, also its value alone. `elementOf`: by datatype.
 * `isBare`: that may be no list.
 */
export const tensorRow = (
  { signature: { inputs }, rowsMax }: ApiVersion,
  elementOf: (datatype: Datatype) => Schema,
  isBare: boolean,
): Schema => {
  const values = inputs.map((input) => inputValues(input, elementOf(input.datatype), rowsMax > 0))
  const named = inputs.map(({ name }, i) => [name, values[i]![1]] as const)
  const row = { description: 'By name', ...closed(Object.fromEntries(named)) }
  if (values.length !== 1) return row
  const alone = values[0]![0].filter(({ type }) => isBare || type === 'array')
  return anyOf([row, ...alone])
}

/** One row of a request, whichever of the versions that answer gets it. */
export const rowSchema = ({ answering }: ApiEndpoint): Schema =>
  anyOf(
    answering.map((version) =>
      version.binding.features.length > 0
        ? featureRow(version)
        : tensorRow(version, elementSchema, false),
    ),
  )

const REQUEST_ID: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: BODY_ID_LENGTH_MAX,
  description: 'Echoed in the answer, unless the header `x-request-id` gives another.',
}

/** The body of `/predict`. `row`: a reference to the schema of a row. */
export const requestSchema = ({ answering }: ApiEndpoint, row: Schema): Schema => {
  const hasRows = answering.every(({ rowsMax }) => rowsMax > 0)
  const body = (description: string, key: string, value: Schema): Schema => ({
    description,
    type: 'object',
    properties: { [key]: value, request_id: REQUEST_ID },
    required: [key],
    additionalProperties: false,
  })
  const instances = { ...listOf(row), minItems: 1, ...(hasRows ? {} : { maxItems: 1 }) }
  return { anyOf: [body('One row', 'features', row), body('Several rows', 'instances', instances)] }
}
