/** Bodies that work, made of the example row of the profile; without one the row is made up. */

import { exampleInputs } from '../../runtime/proving-inputs.ts'
import type { BoundFeature } from '../../shared/contract.ts'
import type { ExampleRow, FeatureType } from '../../shared/manifest.ts'
import {
  canHold,
  type Datatype,
  elementCount,
  type Tensor,
  type TensorData,
} from '../../shared/tensor.ts'
import type { Schema } from './json-schema.ts'
import type { ApiVersion } from './source.ts'

type Value = ExampleRow[string]

/** Code of a category that the vocabulary does not have. */
const UNKNOWN_CODE = -1

/** What `/predict` reads for a feature: the tensor counts where the type is no match for it. */
const readType = (type: FeatureType, datatype: Datatype): FeatureType => {
  if (datatype === 'BYTES') return 'category'
  return datatype === 'BOOL' && type !== 'category' ? 'boolean' : type
}

/** Whether `/predict` takes a value for a feature, as `features-row.ts` decides it. */
const takes = ({ type, optional, codes }: BoundFeature, datatype: Datatype, value: Value) => {
  if (value === null) return optional
  switch (readType(type, datatype)) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'category':
      if (typeof value !== 'string') return false
      if (codes === null) return !value.includes('\0')
      return canHold(datatype, codes.get(value) ?? UNKNOWN_CODE)
    case 'integer':
      return Number.isInteger(value) && canHold(datatype, value as number)
    case 'number':
      return typeof value === 'number' && canHold(datatype, value)
  }
}

/** What can stand for a feature of which no value is known: one seen in training, if any is. */
const madeUpValue = (feature: BoundFeature, version: ApiVersion): Value => {
  const { name, codes, input } = feature
  const { datatype } = version.signature.inputs[input]!
  const type = readType(feature.type, datatype)
  if (type === 'boolean') return false
  const known = version.bounds.get(name)
  const seen = type === 'category' ? (known?.categories ?? []) : [known?.min, known?.max]
  const other = type === 'category' ? (codes?.keys().next().value ?? '') : 0
  return seen.find((value) => value != null && takes(feature, datatype, value)) ?? other
}

/** Profiles may have 0 and 1 for booleans, and booleans for numbers; `/predict` is strict. */
const asType = (type: FeatureType, value: Value): Value => {
  if (value === null || typeof value === 'string') return value
  return type === 'boolean' ? Boolean(value) : Number(value)
}

interface Row {
  /** By feature, in the order of the contract; null where it is to be absent. */
  readonly values: readonly Value[]
  /** Where the values are from, for readers. */
  readonly source: string
}

const rowOf = (version: ApiVersion): Row => {
  const { exampleRow, signature, binding } = version
  const madeUp: string[] = []
  const values = binding.features.map((feature) => {
    const { name, input } = feature
    const { datatype } = signature.inputs[input]!
    const own = exampleRow !== null && Object.hasOwn(exampleRow, name) ? exampleRow[name]! : null
    const value = asType(readType(feature.type, datatype), own)
    if (exampleRow !== null && takes(feature, datatype, value)) return value
    madeUp.push(name)
    return madeUpValue(feature, version)
  })
  if (exampleRow === null)
    return { values, source: 'a made-up row: no profile and manifest give one' }
  const but = madeUp.length === 0 ? '' : `, with a made-up ${madeUp.join(', ')}`
  return { values, source: `the row of the profile${but}` }
}

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
const rowTensors = (version: ApiVersion, values: readonly Value[]): Tensor[] => {
  const { binding, signature, manifest } = version
  const row = binding.features.map((feature, i): [string, Value] => {
    const isLost = values[i] === null && Number.isNaN(feature.missing)
    return [feature.name, isLost ? madeUpValue(feature, version) : values[i]!]
  })
  return exampleInputs(signature, manifest, Object.fromEntries(row))
}

const named = (
  names: readonly { readonly name: string }[],
  values: readonly unknown[],
): Record<string, unknown> => Object.fromEntries(names.map(({ name }, i) => [name, values[i]]))

/** A row of more elements is no example that anybody reads. */
const ELEMENTS_MAX = 256

/** Of one row, free sizes being 1; -1: beyond all bounds. */
const elementsOf = ({ signature: { inputs }, rowsMax }: ApiVersion): number => {
  const shapes = inputs.map(({ shape }) => (rowsMax > 0 ? shape.slice(1) : shape))
  const counts = shapes.map((shape) => elementCount(shape.map((size) => (size < 0 ? 1 : size))))
  return counts.some((count) => count < 0) ? -1 : counts.reduce((sum, count) => sum + count, 0)
}

/** Fields beside the schema of a body, by wire format. */
export interface Examples {
  readonly predict: Schema
  readonly infer: Schema
  readonly tfs: Schema
}

/** Bodies of one row; null where a row has more elements than an example should. */
export const examplesOf = (version: ApiVersion): Examples | null => {
  const elements = elementsOf(version)
  if (elements < 0 || elements > ELEMENTS_MAX) return null
  const { binding, signature, rowsMax } = version
  const { inputs } = signature
  const { values, source } = rowOf(version)
  const tensors = rowTensors(version, values)
  const elementsByInput = tensors.map(flat)
  const rows = tensors.map(({ shape }, i) =>
    nest(elementsByInput[i]!, rowsMax > 0 ? shape.slice(1) : shape),
  )
  const example = (value: unknown): Schema => ({ examples: { row: { summary: source, value } } })
  const { features } = binding
  return {
    predict: example({
      features: features.length > 0 ? named(features, values) : named(inputs, rows),
    }),
    infer: example({
      inputs: tensors.map(({ shape, datatype }, i) => ({
        ...{ name: inputs[i]!.name, shape, datatype, data: elementsByInput[i] },
      })),
    }),
    tfs: example({ instances: [named(inputs, rows)] }),
  }
}
