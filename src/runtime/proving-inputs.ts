/** Rows to try a version with: the profile's example, and variations of it. */

import type { Manifest } from '../shared/manifest.ts'
import {
  allocate,
  elementCount,
  type Signature,
  type Tensor,
  type TensorData,
  type TensorSignature,
} from '../shared/tensor.ts'

export type ExampleRow = Readonly<Record<string, number | string | boolean | null>>

/** Elements of one row of each input; free inner dimensions count as 1. */
const oneRow = ({ datatype, shape }: TensorSignature): TensorData => {
  const sized = shape.map((size, axis) => (size >= 0 ? size : axis === 0 ? 1 : 1))
  return allocate(datatype, Math.max(0, elementCount(sized)))
}

const put = (data: TensorData, index: number, value: number | string | boolean): void => {
  if (Array.isArray(data)) data[index] = String(value)
  else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    data[index] = BigInt(Math.trunc(Number(value)) || 0)
  } else data[index] = Number(value)
}

/** The example row by input, from a manifest's features; without them zeros and empty strings. */
const exampleInputs = (
  signature: Signature,
  manifest: Manifest | null,
  example: ExampleRow | null,
): TensorData[] => {
  const rows = signature.inputs.map(oneRow)
  for (const feature of manifest?.features ?? []) {
    const index = signature.inputs.findIndex(({ name }) => name === feature.tensor)
    const row = rows[index]
    if (row === undefined) continue
    const value = example?.[feature.name] ?? feature.missing
    const code = feature.vocabulary?.indexOf(String(value))
    put(row, feature.column, code ?? value)
  }
  return rows
}

/** Row `i` differs from the others, so that rows that leak into each other are noticed. */
const vary = (data: TensorData, from: TensorData, at: number, row: number): void => {
  for (let i = 0; i < from.length; i++) {
    const value = from[i]!
    if (typeof value === 'number' && !(data instanceof Uint8Array)) {
      put(data, at + i, value + (row % 7) * 0.5 * (i % 3))
    } else (data as (typeof value)[])[at + i] = value
  }
}

/** `rows` rows, the first of them the example itself. Models without row dimension: one row. */
export const provingInputs = (
  signature: Signature,
  manifest: Manifest | null,
  example: ExampleRow | null,
  rows: number,
): Tensor[] => {
  const first = exampleInputs(signature, manifest, example)
  return signature.inputs.map(({ datatype, shape }, input) => {
    const from = first[input]!
    const data = allocate(datatype, from.length * rows)
    for (let row = 0; row < rows; row++) vary(data, from, row * from.length, row)
    const sized = shape.map((size, axis) => (size >= 0 ? size : axis === 0 ? rows : 1))
    return { datatype, shape: sized, data }
  })
}

/** Row `row` of batched inputs, as a batch of one. */
export const rowOf = (inputs: readonly Tensor[], row: number, rows: number): Tensor[] =>
  inputs.map(({ datatype, shape, data }) => {
    const stride = data.length / rows
    return {
      datatype,
      shape: [1, ...shape.slice(1)],
      data: data.slice(row * stride, (row + 1) * stride),
    }
  })

/** Relative difference up to which two answers agree: kernels sum in other orders. */
const RELATIVE_MAX = 1e-5

const agree = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b) || a === b) return true
  if (typeof a !== 'number' || typeof b !== 'number') return false
  return Math.abs(a - b) <= RELATIVE_MAX * Math.max(1e-3, Math.abs(a), Math.abs(b))
}

/** Whether row `row` of a batch's results equals the results of that row alone. */
export const agrees = (
  batched: readonly Tensor[],
  alone: readonly Tensor[],
  row: number,
  rows: number,
): boolean =>
  batched.every(({ shape, data }, output) => {
    const single = alone[output]!
    if (shape[0] !== rows || single.shape[0] !== 1) return false
    const stride = data.length / rows
    if (single.data.length !== stride) return false
    for (let i = 0; i < stride; i++) {
      if (!agree(data[row * stride + i], single.data[i])) return false
    }
    return true
  })
