/** JSON Schema 2020-12, as OpenAPI 3.1 has it, for values that the JSON formats read and write. */

import { BIGINT_BOUNDS, type Datatype, elementCount, INTEGER_BOUNDS } from '../../shared/tensor.ts'

/** A schema, or any other part of a description. */
export type Schema = Readonly<Record<string, unknown>>

declare global {
  interface JSON {
    /** Text that `JSON.stringify` writes as it is (ES2026). */
    rawJSON(text: string): object
  }
}

/** A number that is written to its last digit: those beyond 2^53 would lose some. */
const exactly = (value: number | bigint): object | number =>
  typeof value === 'bigint' ? JSON.rawJSON(String(value)) : value

/**
 * From here on a number becomes infinity, as the nearest double and then as the nearest float32:
 * half a step of float32 beyond the largest, less half a step of double.
 */
const FLOAT32_LIMIT = 2n ** 128n - 2n ** 103n - 2n ** 74n

const FLOAT32_BOUNDS = {
  exclusiveMinimum: exactly(-FLOAT32_LIMIT),
  exclusiveMaximum: exactly(FLOAT32_LIMIT),
}

/** Without NUL, at which ONNX Runtime would cut it. */
export const TEXT: Schema = { type: 'string', pattern: '^[^\\u0000]*$' }

const boundsOf = (datatype: Datatype): Schema => {
  const [minimum, maximum] = BIGINT_BOUNDS[datatype] ?? INTEGER_BOUNDS[datatype] ?? [0, 1]
  return { minimum: exactly(minimum), maximum: exactly(maximum) }
}

const FORMATS: Partial<Record<Datatype, string>> = { INT32: 'int32', INT64: 'int64' }

/** One element of a tensor in a request: exactly what `readElement` takes. */
export const elementSchema = (datatype: Datatype): Schema => {
  switch (datatype) {
    case 'BOOL':
      return { type: 'boolean' }
    case 'FP32':
      return { type: 'number', format: 'float', ...FLOAT32_BOUNDS }
    case 'FP64':
      return { type: 'number', format: 'double' }
    case 'BYTES':
      return TEXT
    default: {
      const format = FORMATS[datatype]
      return { type: 'integer', ...(format && { format }), ...boundsOf(datatype) }
    }
  }
}

/** A whole number, for a tensor that may hold floats: exactly what `readWhole` takes. */
export const wholeSchema = (datatype: Datatype): Schema => {
  if (datatype === 'FP32') return { type: 'integer', ...FLOAT32_BOUNDS }
  return datatype === 'FP64' ? { type: 'integer' } : elementSchema(datatype)
}

/** One element of an answer. */
export const answeredElement = (datatype: Datatype): Schema => {
  if (datatype === 'BYTES') return { type: 'string' }
  if (datatype === 'BOOL') return { type: 'boolean' }
  return { type: datatype === 'FP32' || datatype === 'FP64' ? 'number' : 'integer' }
}

/** The same schema, and null. An enumeration stays one of a single type, for generators. */
export const orNull = (schema: Schema): Schema =>
  schema['enum'] === undefined
    ? { ...schema, type: [schema['type'], 'null'] }
    : { anyOf: [schema, { type: 'null' }] }

/** An object that has just these keys. */
export const closed = (properties: Schema): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
})

/** An object that has these keys, and perhaps others. */
export const open = (properties: Schema): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
})

/** A list of `size` items; -1: of any number. */
export const listOf = (items: Schema, size = -1): Schema =>
  size < 0 ? { type: 'array', items } : { type: 'array', items, minItems: size, maxItems: size }

/** Lists within lists, of these lengths; the element itself for no length. -1: of any length. */
export const nestedSchema = (element: Schema, sizes: readonly number[]): Schema =>
  sizes.reduceRight<Schema>((items, size) => listOf(items, size), element)

/** Any of several schemas, those that are the same once. */
export const anyOf = (schemas: readonly Schema[]): Schema => {
  if (schemas.length === 1) return schemas[0]!
  const byText = new Map(schemas.map((schema) => [JSON.stringify(schema), schema]))
  const distinct = [...byText.values()]
  return distinct.length === 1 ? distinct[0]! : { anyOf: distinct }
}

/** Values that `tensor-rows.ts` takes for a tensor of `wanted`, whose free sizes are -1. */
const formsOf = (element: Schema, wanted: readonly number[]): Schema[] => {
  const forms = [nestedSchema(element, wanted)]
  const fixed = wanted.filter((size) => size !== -1)
  const free = wanted.length - fixed.length
  const known = elementCount(fixed)
  if (free > 1 || known < 0) return forms
  if (free === 0) forms.push(listOf(element, known))
  else if (known > 0) forms.push(listOf(element))
  if (known === 1) forms.push(element)
  return forms
}

/**
 * The value of an input of `shape` in a row: what `tensor-rows.ts` takes. Where the model has rows,
 * the value is one; else the whole tensor, or, where the first dimension may be 1, all but
 * that.
 */
export const tensorForms = (
  element: Schema,
  shape: readonly number[],
  hasRows: boolean,
): Schema[] => {
  const inner = shape.slice(1)
  const mayLead = shape.length > 0 && (shape[0] === -1 || shape[0] === 1)
  const asRow = mayLead && (hasRows || inner.length > 0) ? formsOf(element, inner) : []
  return hasRows ? asRow : [...asRow, ...formsOf(element, shape)]
}
