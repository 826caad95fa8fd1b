/** Rows to try a version with: the profile's example, and variations of it. */

import type { ExampleRow, Manifest, ManifestFeature } from '../shared/manifest.ts'
import { murmur3 } from '../shared/murmur3.ts'
import {
  allocate,
  type Datatype,
  elementCount,
  type Signature,
  type Tensor,
  type TensorData,
} from '../shared/tensor.ts'

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
  const value = Object.hasOwn(example, name) ? example[name] : null
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

const NO_BYTES = new Uint8Array()

/** A number that seems drawn by lot. */
const mix = (value: number): number => murmur3(NO_BYTES, 0, value)

/** 1 .. 7, another one for each of seven rows that follow one another. */
const stepOf = (row: number, column: number): number => 1 + ((row + column) % 7)

/** Up and down in turn, by 1 or 2, so that codes and indices stay in their range if they can. */
const integerStepOf = (row: number, column: number): number => {
  const size = 1 + (((row >> 1) + column) % 2)
  return row % 2 === 1 ? size : -size
}

/** Changes in every column of row 1, and here and there in the others. */
const bitOf = (row: number, column: number): number => (row === 1 ? 1 : mix(mix(row) + column) & 1)

const FLOAT_LARGE = 1e37

/** Far enough for a large value to change its answer; finite, for NaN hides what leaks. */
const variedFloat = (value: number, step: number): number => {
  if (!Number.isFinite(value)) return step * 0.5
  if (Math.abs(value) > FLOAT_LARGE) return value / (step + 1)
  return value + step * Math.max(0.5, Math.abs(value) / 16)
}

const variedValue = (
  value: TensorData[number],
  datatype: Datatype,
  row: number,
  column: number,
): TensorData[number] => {
  if (typeof value === 'bigint') return value + BigInt(integerStepOf(row, column))
  if (typeof value === 'string') return `${value}${stepOf(row, column)}`
  if (datatype === 'BOOL') return value ^ bitOf(row, column)
  if (datatype === 'FP32' || datatype === 'FP64') return variedFloat(value, stepOf(row, column))
  return value + integerStepOf(row, column)
}

/**
 * Row `row` of a set whose rows differ from the first, `inputs`, in every column (booleans: in some
 * row), so that what leaks from one row into another is noticed.
 */
export const variedInputs = (inputs: readonly Tensor[], row: number): readonly Tensor[] =>
  row === 0
    ? inputs
    : inputs.map(({ datatype, shape, data }) => {
        const varied = allocate(datatype, data.length)
        for (let i = 0; i < data.length; i++) {
          ;(varied as TensorData[number][])[i] = variedValue(data[i]!, datatype, row, i)
        }
        return { datatype, shape, data: varied }
      })

/** Which of `count` rows is row `row` of a batch: first each once, then without a pattern. */
export const rowInTurn = (row: number, count: number): number =>
  row < count ? row : mix(row) % count

/** A batch of `count` rows: the given ones, over and over. */
export const stackInputs = (rows: readonly (readonly Tensor[])[], count: number): Tensor[] =>
  rows[0]!.map(({ datatype, shape, data: { length: stride } }, input) => {
    const data = allocate(datatype, stride * count)
    for (let row = 0; row < count; row++) {
      const from = rows[rowInTurn(row, rows.length)]![input]!.data
      for (let i = 0; i < stride; i++) {
        ;(data as (typeof from)[number][])[row * stride + i] = from[i]!
      }
    }
    return { datatype, shape: [count, ...shape.slice(1)], data }
  })
