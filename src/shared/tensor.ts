/** Datatypes, shapes and signatures, in the words of the Open Inference Protocol. */

/** Element types that both the protocol and ONNX Runtime for Node carry. */
export const DATATYPES = [
  'BOOL',
  'UINT8',
  'UINT16',
  'UINT32',
  'UINT64',
  'INT8',
  'INT16',
  'INT32',
  'INT64',
  'FP32',
  'FP64',
  'BYTES',
] as const

export type Datatype = (typeof DATATYPES)[number]

export type NumericArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array

export type NumericDatatype = Exclude<Datatype, 'BYTES'>

interface NumericArrayType {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray
}

/** What lays a view of a datatype over memory. */
export const NUMERIC_ARRAYS: Readonly<Record<NumericDatatype, NumericArrayType>> = {
  BOOL: Uint8Array,
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  UINT64: BigUint64Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  INT64: BigInt64Array,
  FP32: Float32Array,
  FP64: Float64Array,
}

/** Elements of one tensor, row-major. BYTES tensors are arrays of strings; BOOL is 0 and 1. */
export type TensorData = NumericArray | string[]

/** A whole tensor: `data.length` equals the product of `shape`. */
export interface Tensor {
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly data: TensorData
}

/** One input or output of a version. -1 in `shape` is a free dimension. */
export interface TensorSignature {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
}

export interface Signature {
  readonly inputs: readonly TensorSignature[]
  readonly outputs: readonly TensorSignature[]
}

/** Most elements one tensor may have: 2^31 - 1, so that counts stay exact and allocatable. */
export const ELEMENTS_MAX = 2 ** 31 - 1

/** Product of the dimensions; -1 if one is no count, or the product exceeds ELEMENTS_MAX. */
export const elementCount = (shape: readonly number[]): number => {
  let count = 1
  for (const dimension of shape) {
    if (!Number.isInteger(dimension) || dimension < 0) return -1
    count *= dimension
    if (count > ELEMENTS_MAX) return -1
  }
  return count
}

/** Elements of one row: the product of all dimensions but the first; -1 where one is free. */
export const rowElements = (shape: readonly number[]): number => elementCount(shape.slice(1))

/** A zeroed array for `count` elements of `datatype`; BYTES gives empty strings. */
export const allocate = (datatype: Datatype, count: number): TensorData => {
  switch (datatype) {
    case 'BOOL':
    case 'UINT8':
      return new Uint8Array(count)
    case 'UINT16':
      return new Uint16Array(count)
    case 'UINT32':
      return new Uint32Array(count)
    case 'UINT64':
      return new BigUint64Array(count)
    case 'INT8':
      return new Int8Array(count)
    case 'INT16':
      return new Int16Array(count)
    case 'INT32':
      return new Int32Array(count)
    case 'INT64':
      return new BigInt64Array(count)
    case 'FP32':
      return new Float32Array(count)
    case 'FP64':
      return new Float64Array(count)
    case 'BYTES':
      return new Array<string>(count).fill('')
  }
}

/** Inclusive bounds of the integer datatypes that JavaScript numbers hold exactly. */
export const INTEGER_BOUNDS: Partial<Record<Datatype, readonly [number, number]>> = {
  UINT8: [0, 255],
  UINT16: [0, 65535],
  UINT32: [0, 4294967295],
  INT8: [-128, 127],
  INT16: [-32768, 32767],
  INT32: [-2147483648, 2147483647],
}

/** Inclusive bounds of the 64-bit integer datatypes. */
export const BIGINT_BOUNDS: Partial<Record<Datatype, readonly [bigint, bigint]>> = {
  UINT64: [0n, 18446744073709551615n],
  INT64: [-9223372036854775808n, 9223372036854775807n],
}

/**
 * Whether a value of ours (what is fed for an absent one) can stand in a tensor: text in BYTES,
 * else a number; NaN in floats only.
 */
export const canHold = (datatype: Datatype, value: number | string): boolean => {
  if (typeof value === 'string') return datatype === 'BYTES'
  if (datatype === 'BYTES') return false
  if (datatype === 'FP32' || datatype === 'FP64') {
    const stored = datatype === 'FP32' ? Math.fround(value) : value
    return Number.isNaN(stored) || Number.isFinite(stored)
  }
  const [low, high] = BIGINT_BOUNDS[datatype] ?? INTEGER_BOUNDS[datatype] ?? [0, 1]
  return Number.isInteger(value) && value >= low && value <= high
}

/** "[-1,30]" */
export const formatShape = (shape: readonly number[]): string => `[${shape.join(',')}]`
