/**
 * How large the slots of a pooled version are, and where tensors lie in them.
 *
 * A slot without payload takes 4 + 64 + 64 = 132 bytes; 2,048 of them are 264 KiB for a
 * data thread, and 2,048 requests of one version that wait are 2 s of work even at 1,000 requests a
 * second. A payload has room for the rows of one full batch, up to 64 KiB of inputs and outputs (a
 * row of more, up to 256 KiB, has a payload to itself), and all payloads of a version together at
 * most 8 MiB: so a version of 4 data threads takes at most 9.1 MiB, of which only what was used is
 * resident. What has no payload, or does not fit, travels by message, without a copy.
 */

import type { PlannedVersion } from '../../shared/epoch-plan.ts'
import {
  type Datatype,
  NUMERIC_ARRAYS,
  type NumericArray,
  type NumericDatatype,
  rowElements,
  type Tensor,
  type TensorData,
  type TensorSignature,
} from '../../shared/tensor.ts'
import { denseRowsOf, rowStridesOf } from '../batch.ts'

/** Slots of each data thread. */
export const SLOTS_PER_THREAD = 2048
const PAYLOAD_BYTES_MAX = 64 * 1024
const ROW_BYTES_MAX = 256 * 1024
const POOL_PAYLOAD_BYTES_MAX = 8 * 1024 * 1024

/** One tensor within a payload. */
export interface PayloadColumn {
  readonly datatype: Datatype
  /** Elements of a row. */
  readonly stride: number
  /** Dimensions of a row. */
  readonly inner: readonly number[]
  /** Byte at which it starts in the payload. */
  readonly at: number
}

export interface PoolShape {
  readonly dataThreads: number
  /** Priority levels; 1 where there are none. */
  readonly levels: number
  /** Rows that fit into a payload; 0: there are none. */
  readonly slotRows: number
  /** Payloads of each data thread: its first slots. */
  readonly payloads: number
  readonly payloadBytes: number
  readonly inputs: readonly PayloadColumn[]
  readonly outputs: readonly PayloadColumn[]
}

/** The next multiple of `to`. */
export const align = (bytes: number, to: number): number => Math.ceil(bytes / to) * to

const hasText = (tensors: readonly TensorSignature[]): boolean =>
  tensors.some(({ datatype }) => datatype === 'BYTES')

/** Elements per row of each output; null where that is not known before it has run. */
const outputStrides = (outputs: readonly TensorSignature[]): number[] | null => {
  const strides = outputs.map(({ shape }) => (shape.length === 0 ? -1 : rowElements(shape)))
  return strides.includes(-1) ? null : strides
}

const rowBytesOf = (tensors: readonly TensorSignature[], strides: readonly number[]): number =>
  tensors.reduce(
    (sum, { datatype }, i) =>
      sum + NUMERIC_ARRAYS[datatype as NumericDatatype].BYTES_PER_ELEMENT * strides[i]!,
    0,
  )

const columnsOf = (
  tensors: readonly TensorSignature[],
  strides: readonly number[],
  rows: number,
  from: number,
): { columns: PayloadColumn[]; end: number } => {
  let end = from
  const columns = tensors.map(({ datatype, shape }, i) => {
    const stride = strides[i]!
    const at = end
    end = align(
      at + rows * stride * NUMERIC_ARRAYS[datatype as NumericDatatype].BYTES_PER_ELEMENT,
      8,
    )
    return { datatype, stride, inner: shape.slice(1), at }
  })
  return { columns, end }
}

/** How the memory of a version is laid out: the same for whoever asks. */
export const poolShape = (
  { signature, batching, queue }: Pick<PlannedVersion, 'signature' | 'batching' | 'queue'>,
  dataThreads: number,
): PoolShape => {
  const { inputs, outputs } = signature
  const threads = { dataThreads, levels: Math.max(1, queue.levels) }
  const none = { ...threads, slotRows: 0, payloads: 0, payloadBytes: 0, inputs: [], outputs: [] }
  const { rowsMax, mixesRequests } = batching
  if (rowsMax === 0 || hasText(inputs) || hasText(outputs)) return none
  const [inStrides, outStrides] = [rowStridesOf(inputs), outputStrides(outputs)]
  if (inStrides === null || outStrides === null) return none
  const rowBytes = rowBytesOf(inputs, inStrides) + rowBytesOf(outputs, outStrides)
  if (rowBytes > ROW_BYTES_MAX) return none
  const fitting = Math.max(1, Math.floor(PAYLOAD_BYTES_MAX / Math.max(1, rowBytes)))
  const slotRows = Math.min(fitting, denseRowsOf(inStrides, mixesRequests ? rowsMax : 1))
  if (slotRows === 0) return none
  const own = columnsOf(inputs, inStrides, slotRows, 0)
  const answers = columnsOf(outputs, outStrides, slotRows, own.end)
  const payloadBytes = align(Math.max(1, answers.end), 64)
  const payloads = Math.min(
    SLOTS_PER_THREAD,
    Math.floor(POOL_PAYLOAD_BYTES_MAX / dataThreads / payloadBytes),
  )
  const columns = { inputs: own.columns, outputs: answers.columns }
  return { ...threads, slotRows, payloads, payloadBytes, ...columns }
}

/** The data thread that owns a slot. */
export const ownerOf = (slot: number): number => Math.floor(slot / SLOTS_PER_THREAD)

/** Tensors on the first rows of columns, of which these are the views. */
export const tensorsOn = (
  columns: readonly PayloadColumn[],
  views: readonly TensorData[],
  rows: number,
): Tensor[] =>
  columns.map(({ datatype, stride, inner }, i) => {
    const data = (views[i] as Float64Array).subarray(0, rows * stride)
    return { datatype, shape: [rows, ...inner], data }
  })

/** A column of the payload that starts at byte `from`. */
export const columnView = (
  buffer: SharedArrayBuffer,
  from: number,
  { datatype, stride, at }: PayloadColumn,
  rows: number,
): NumericArray => new NUMERIC_ARRAYS[datatype as NumericDatatype](buffer, from + at, stride * rows)
