/** Rows and elements of tensors, from one place to another. */

import type { NumericArray, Tensor, TensorData } from '../shared/tensor.ts'

/** Rows `from .. to - 1` of row-major data; shares memory except for strings. */
export const sliceRows = (
  data: TensorData,
  stride: number,
  from: number,
  to: number,
): TensorData =>
  Array.isArray(data)
    ? data.slice(from * stride, to * stride)
    : data.subarray(from * stride, to * stride)

/** Copies `count` elements of `source` into `target` at `at`; both hold the same datatype. */
export const copyElements = (
  target: TensorData,
  at: number,
  source: TensorData,
  count: number,
): void => {
  if (Array.isArray(target)) {
    for (let i = 0; i < count; i++) target[at + i] = (source as string[])[i] ?? ''
    return
  }
  const numeric = source as NumericArray
  const part = numeric.length === count ? numeric : numeric.subarray(0, count)
  ;(target as Float64Array).set(part as Float64Array, at)
}

/** Rows `from .. to - 1` of tensors that have rows; shares memory except for strings. */
export const sliceTensors = (tensors: readonly Tensor[], from: number, to: number): Tensor[] =>
  tensors.map(({ datatype, shape, data }) => {
    const [rows = 0, ...inner] = shape
    const stride = rows === 0 ? 0 : data.length / rows
    return { datatype, shape: [to - from, ...inner], data: sliceRows(data, stride, from, to) }
  })

/** Tensors that share memory with nobody. */
export const copied = (tensors: readonly Tensor[]): Tensor[] =>
  tensors.map(({ datatype, shape, data }) => ({ datatype, shape, data: data.slice() }))
