/** Bodies that work, made of the example row of the profile; without one the row is made up. */

import { exampleInputs } from '../../runtime/proving-inputs.ts'
import type { BoundFeature } from '../../shared/contract.ts'
import type { ExampleRow, FeatureType } from '../../shared/manifest.ts'
import { elementCount, type Tensor, type TensorData } from '../../shared/tensor.ts'
import type { Schema } from './json-schema.ts'
import type { ApiVersion } from './source.ts'

type Value = ExampleRow[string]

/** What can stand for a feature of which no value is known: in range, where there is one. */
const madeUpValue = ({ type, name, codes }: BoundFeature, { bounds }: ApiVersion): Value => {
  const known = bounds.get(name)
  if (type === 'boolean') return false
  if (type === 'category') return known?.categories[0] ?? codes?.keys().next().value ?? ''
  return known?.min ?? 0
}

/** Profiles may have 0 and 1 for booleans, and booleans for numbers; `/predict` is strict. */
const asType = (type: FeatureType, value: Value): Value => {
  if (value === null || typeof value === 'string') return value
  return type === 'boolean' ? Boolean(value) : Number(value)
}

const exampleValue = (feature: BoundFeature, version: ApiVersion): Value => {
  const { exampleRow } = version
  const { name, type } = feature
  if (exampleRow === null) return madeUpValue(feature, version)
  return Object.hasOwn(exampleRow, name) ? asType(type, exampleRow[name]!) : null
}

/** By feature, in the order of the contract; null where the example has none. */
const rowValues = (version: ApiVersion): Value[] =>
  version.binding.features.map((feature) => exampleValue(feature, version))

/** The shortest number that is the same float32. */
const shortest = (value: number): number => {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return short
  }
  return value
}

const elementValue = (data: TensorData, index: number, isBoolean: boolean): Value => {
  const value = data[index]!
  if (typeof value === 'string') return value
  if (isBoolean) return Number(value) !== 0
  return data instanceof Float32Array ? shortest(Number(value)) : Number(value)
}

/** Elements as JSON has them, flat. */
const flat = ({ data, datatype }: Tensor): Value[] =>
  Array.from({ length: data.length }, (_, index) => elementValue(data, index, datatype === 'BOOL'))

const nest = (values: readonly Value[], shape: readonly number[]): unknown => {
  const [size, ...inner] = shape
  if (size === undefined) return values[0]
  const stride = elementCount(inner)
  return Array.from({ length: size }, (_, i) =>
    nest(values.slice(i * stride, (i + 1) * stride), inner),
  )
}

/**
 * One row as tensors. JSON has no NaN: a feature that is fed NaN where it is absent gets a value of
 * its own here.
 */
const rowTensors = (version: ApiVersion): Tensor[] => {
  const { binding, signature, manifest } = version
  const values = rowValues(version)
  const row = binding.features.map((feature, i): [string, Value] => {
    const isLost = values[i] === null && Number.isNaN(feature.missing)
    return [feature.name, isLost ? madeUpValue(feature, version) : values[i]!]
  })
  return exampleInputs(signature, manifest, Object.fromEntries(row))
}

/** The value of each input in a row of `/predict`. */
const tensorValues = (version: ApiVersion): unknown[] =>
  rowTensors(version).map((tensor) =>
    nest(flat(tensor), version.rowsMax > 0 ? tensor.shape.slice(1) : tensor.shape),
  )

/** A row as an object, and as a list where it has such a form. */
const rowForms = (version: ApiVersion): { named: object; list: unknown[] | null } => {
  const { binding, signature } = version
  const isByFeature = binding.features.length > 0
  const names = (isByFeature ? binding.features : signature.inputs).map(({ name }) => name)
  const values = isByFeature ? rowValues(version) : tensorValues(version)
  const named = Object.fromEntries(names.map((name, i) => [name, values[i]]))
  if (isByFeature) return { named, list: values }
  const [only] = values
  return { named, list: values.length === 1 && Array.isArray(only) ? only : null }
}

const sourceOf = ({ exampleRow }: ApiVersion): string =>
  exampleRow === null ? 'a made-up row: this version has no profile' : 'the row of the profile'

const example = (summary: string, value: unknown): Schema => ({ summary, value })

/** By name, for `requestBody.content[].examples`. */
export const predictExamples = (version: ApiVersion): Schema => {
  const { named, list } = rowForms(version)
  const what = sourceOf(version)
  const rows = version.rowsMax > 0 ? [named, named] : [named]
  return {
    named: example(`By name: ${what}`, { features: named }),
    ...(list === null ? {} : { list: example(`By position: ${what}`, { features: list }) }),
    instances: example(`Rows: ${what}`, { instances: rows, request_id: 'example-1' }),
  }
}

/** The same row as values of tensors, and as whole tensors. */
export const tfsExamples = (version: ApiVersion): Schema => {
  const { inputs } = version.signature
  const named = (values: readonly unknown[]) =>
    Object.fromEntries(inputs.map(({ name }, i) => [name, values[i]]))
  const row = named(tensorValues(version))
  const wholes = rowTensors(version).map((tensor) => nest(flat(tensor), tensor.shape))
  const what = sourceOf(version)
  return {
    instances: example(`Rows: ${what}`, { instances: version.rowsMax > 0 ? [row, row] : [row] }),
    inputs: example(`Whole tensors: ${what}`, { inputs: named(wholes) }),
  }
}

/** The same row as tensors. */
export const inferExamples = (version: ApiVersion): Schema => {
  const inputs = rowTensors(version).map((tensor, i) => ({
    name: version.signature.inputs[i]!.name,
    shape: tensor.shape,
    datatype: tensor.datatype,
    data: flat(tensor),
  }))
  const what = sourceOf(version)
  const outputs = version.signature.outputs.slice(0, 1).map(({ name }) => ({ name }))
  return {
    tensors: example(`Tensors: ${what}`, { inputs }),
    output: example(`One output: ${what}`, { id: 'example-1', inputs, outputs }),
  }
}
