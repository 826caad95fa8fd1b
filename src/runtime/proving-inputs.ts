/** Rows to try a version with: the profile's example, and variations of it. */

import type { Manifest, ManifestFeature } from '../shared/manifest.ts'
import {
  allocate,
  elementCount,
  type Signature,
  type Tensor,
  type TensorData,
} from '../shared/tensor.ts'

export type ExampleRow = Readonly<Record<string, number | string | boolean | null>>

type Value = number | string | boolean

/** Writes a value as the datatype has it; what is no number becomes 0 in whole-number types. */
const put = (data: TensorData, index: number, value: Value): void => {
  if (Array.isArray(data)) data[index] = String(value)
  else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    data[index] = BigInt(Math.trunc(Number(value)) || 0)
  } else data[index] = Number(value)
}

/** What the data plane would feed: categories as codes, -1 for unknown ones. */
const fedValue = ({ name, missing, vocabulary }: ManifestFeature, example: ExampleRow): Value => {
  const value = example[name]
  if (value === undefined || value === null) return missing
  return vocabulary === undefined ? value : vocabulary.indexOf(String(value))
}

/**
 * One row: the example by a manifest's features; without them zeros and empty strings. Free inner
 * dimensions become 1, as does the first one.
 */
export const exampleInputs = (
  signature: Signature,
  manifest: Manifest | null,
  example: ExampleRow | null,
): Tensor[] => {
  const tensors = signature.inputs.map(({ datatype, shape }) => {
    const sized = shape.map((size) => (size >= 0 ? size : 1))
    return { datatype, shape: sized, data: allocate(datatype, Math.max(0, elementCount(sized))) }
  })
  for (const feature of manifest?.features ?? []) {
    const index = signature.inputs.findIndex(({ name }) => name === feature.tensor)
    const data = tensors[index]?.data
    if (data === undefined || feature.column >= data.length) continue
    put(data, feature.column, fedValue(feature, example ?? {}))
  }
  return tensors
}

/** Another value of the same kind; small steps, so that codes and indices stay in their range. */
const stepped = (value: unknown, step: number): Value | bigint => {
  if (typeof value === 'bigint') return value + BigInt(step % 3)
  if (typeof value === 'number') return value + step * 0.5
  return step % 2 === 0 ? String(value) : `${String(value)}${step}`
}

/** Row `row` of a set in which rows differ, so that rows that leak into each other are noticed. */
export const variedInputs = (inputs: readonly Tensor[], row: number): Tensor[] =>
  inputs.map(({ datatype, shape, data }) => {
    const varied = allocate(datatype, data.length)
    for (let i = 0; i < data.length; i++) {
      const value = row === 0 ? data[i]! : stepped(data[i], (row * (i + 1)) % 7)
      if (datatype === 'BOOL') put(varied, i, (Number(data[i]) + row * (i + 1)) % 2)
      else (varied as (typeof value)[])[i] = value
    }
    return { datatype, shape, data: varied }
  })

/** A batch of `count` rows: the given ones, over and over. */
export const stackInputs = (rows: readonly (readonly Tensor[])[], count: number): Tensor[] =>
  rows[0]!.map(({ datatype, shape, data: { length: stride } }, input) => {
    const data = allocate(datatype, stride * count)
    for (let row = 0; row < count; row++) {
      const from = rows[row % rows.length]![input]!.data
      for (let i = 0; i < stride; i++) {
        ;(data as (typeof from)[number][])[row * stride + i] = from[i]!
      }
    }
    return { datatype, shape: [count, ...shape.slice(1)], data }
  })
