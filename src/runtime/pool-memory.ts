/**
 * The shared memory of one pooled version: slots in which its requests go to compute threads and
 * their answers come back.
 *
 * ```
 * pool words    Int32    READY | WAITING_ROWS | WAITING_REQUESTS | TICKET     all, atomically
 * tops          Int32    slots in use lie below it           per data thread, written by it
 * states        Int32    generation | thread | state         per slot (pool-slots.ts)
 * slot words    Int32    ROWS | PRIORITY | TICKET ...        per slot, one cache line
 * pool doubles  Float64  COST_RUN_US | COST_ROW_US           written by compute threads
 * slot doubles  Float64  DEADLINE | TIMEOUT | STARTED ...    per slot, one cache line
 * payloads      bytes    input columns, then output columns  of the first slots of a data thread
 * ```
 *
 * Every data thread owns a part of the slots: it alone takes and frees them, without a look at the
 * others. Compute threads only see what is ready.
 *
 * **Size.** A slot without payload takes 4 + 64 + 64 = 132 bytes; 2,048 of them are 264 KiB for a
 * data thread, and 2,048 requests of one version that wait are 2 s of work even at 1,000 requests a
 * second. A payload has room for the rows of one full batch, up to 64 KiB of inputs and outputs (a
 * row of more, up to 256 KiB, has a payload to itself), and all payloads of a version together at
 * most 8 MiB: so a version of 4 data threads takes at most 9.1 MiB, of which only what was used is
 * resident. What has no payload, or does not fit, travels by message, without a copy.
 */

import type { PlannedVersion } from '../shared/epoch-plan.ts'
import {
  type Datatype,
  type NumericArray,
  rowElements,
  type TensorData,
  type TensorSignature,
} from '../shared/tensor.ts'
import { denseRowsOf, rowStridesOf } from './batch.ts'

export const SLOTS_PER_THREAD = 2048
const PAYLOAD_BYTES_MAX = 64 * 1024
const ROW_BYTES_MAX = 256 * 1024
const POOL_PAYLOAD_BYTES_MAX = 8 * 1024 * 1024

export const POOL_WORDS = {
  /** Slots that are ready. A hint: what is counted may be meant for another thread. */
  READY: 0,
  /** Rows and requests that were admitted and whose run has not begun. */
  WAITING_ROWS: 1,
  WAITING_REQUESTS: 2,
  /** Order of admission over all data threads; wraps around. */
  TICKET: 3,
} as const
const HEADER_WORDS = 16
const LINE_WORDS = 16

export const POOL_DOUBLES = { COST_RUN_US: 0, COST_ROW_US: 1 } as const
const HEADER_DOUBLES = 8

export const SLOT_WORDS = {
  ROWS: 0,
  PRIORITY: 1,
  TICKET: 2,
  /** The compute thread that has its tensors, plus 1; 0: they are in the payload. */
  HOLDER: 3,
  /** Compute threads that died with it. */
  DEATHS: 4,
  /** 1: nobody waits for its answer any more. */
  CANCELLED: 5,
  /** How it ended: `RESULT`. */
  RESULT: 6,
  /** Rows of the run that answered it. */
  RUN_ROWS: 7,
  /** Runs that it was the first of, and the rows of the last of them; those before were full. */
  SERVED_RUNS: 8,
  SERVED_ROWS: 9,
} as const
export const SLOT_LINE_WORDS = 16

/** Monotonic milliseconds that all threads share (clock.ts). */
export const SLOT_DOUBLES = {
  DEADLINE: 0,
  TIMEOUT: 1,
  STARTED: 2,
  RUN_START: 3,
  ENDED: 4,
  /** Of the runs that it was the first of: assembling inputs, running, and the end of the last. */
  SERVED_INPUT_MS: 5,
  SERVED_RUN_MS: 6,
  SERVED_ENDED: 7,
} as const
export const SLOT_LINE_DOUBLES = 8

export const RESULT = {
  /** Its rows are in the payload. */
  PAYLOAD: 0,
  /** Its tensors, or why there are none, come by message. */
  MESSAGE: 1,
  /** It waited for too long and was not run. */
  EXPIRED: 2,
  /** The compute threads that had it died. */
  LOST: 3,
} as const

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
  /** Rows that fit into a payload; 0: there are none. */
  readonly slotRows: number
  /** Payloads of each data thread: its first slots. */
  readonly payloads: number
  readonly payloadBytes: number
  readonly inputs: readonly PayloadColumn[]
  readonly outputs: readonly PayloadColumn[]
}

type Numeric = Exclude<Datatype, 'BYTES'>

interface ArrayOf {
  readonly BYTES_PER_ELEMENT: number
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): NumericArray
}

const ARRAYS: Readonly<Record<Numeric, ArrayOf>> = {
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

const align = (bytes: number, to: number): number => Math.ceil(bytes / to) * to

const hasText = (tensors: readonly TensorSignature[]): boolean =>
  tensors.some(({ datatype }) => datatype === 'BYTES')

/** Elements per row of each output; null where that is not known before it has run. */
const outputStrides = (outputs: readonly TensorSignature[]): number[] | null => {
  const strides = outputs.map(({ shape }) => (shape.length === 0 ? -1 : rowElements(shape)))
  return strides.includes(-1) ? null : strides
}

const rowBytesOf = (tensors: readonly TensorSignature[], strides: readonly number[]): number =>
  tensors.reduce(
    (sum, { datatype }, i) => sum + ARRAYS[datatype as Numeric].BYTES_PER_ELEMENT * strides[i]!,
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
    end = align(at + rows * stride * ARRAYS[datatype as Numeric].BYTES_PER_ELEMENT, 8)
    return { datatype, stride, inner: shape.slice(1), at }
  })
  return { columns, end }
}

/** How the memory of a version is laid out: the same for whoever asks. */
export const poolShape = (
  { signature, batching }: Pick<PlannedVersion, 'signature' | 'batching'>,
  dataThreads: number,
): PoolShape => {
  const { inputs, outputs } = signature
  const none = { dataThreads, slotRows: 0, payloads: 0, payloadBytes: 0, inputs: [], outputs: [] }
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
  return { dataThreads, slotRows, payloads, payloadBytes, ...columns }
}

/** Views of one pooled version on its shared block. */
export interface PoolMemory {
  readonly shape: PoolShape
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly tops: Int32Array
  readonly states: Int32Array
  readonly slotWords: Int32Array
  readonly doubles: Float64Array
  readonly slotDoubles: Float64Array
}

interface Offsets {
  readonly topsAt: number
  readonly statesAt: number
  readonly slotWordsAt: number
  readonly doublesAt: number
  readonly slotDoublesAt: number
  readonly payloadsAt: number
  readonly bytes: number
}

const offsetsOf = ({ dataThreads, payloads, payloadBytes }: PoolShape): Offsets => {
  const slots = dataThreads * SLOTS_PER_THREAD
  const topsAt = HEADER_WORDS * 4
  const statesAt = topsAt + dataThreads * LINE_WORDS * 4
  const slotWordsAt = statesAt + slots * 4
  const doublesAt = slotWordsAt + slots * SLOT_LINE_WORDS * 4
  const slotDoublesAt = doublesAt + HEADER_DOUBLES * 8
  const payloadsAt = slotDoublesAt + slots * SLOT_LINE_DOUBLES * 8
  const bytes = payloadsAt + dataThreads * payloads * payloadBytes
  return { topsAt, statesAt, slotWordsAt, doublesAt, slotDoublesAt, payloadsAt, bytes }
}

export const poolBytes = (shape: PoolShape): number => offsetsOf(shape).bytes

/** Word of `tops` that belongs to a data thread: a cache line for each. */
export const topIndex = (dataThread: number): number => dataThread * LINE_WORDS

/** Lays the views over a block of `poolBytes(shape)` bytes. */
export const mapPool = (buffer: SharedArrayBuffer, shape: PoolShape): PoolMemory => {
  const offsets = offsetsOf(shape)
  if (buffer.byteLength !== offsets.bytes) {
    throw new RangeError(`A pool has ${buffer.byteLength} bytes, and should ${offsets.bytes}`)
  }
  const slots = shape.dataThreads * SLOTS_PER_THREAD
  return {
    shape,
    buffer,
    words: new Int32Array(buffer, 0, HEADER_WORDS),
    tops: new Int32Array(buffer, offsets.topsAt, shape.dataThreads * LINE_WORDS),
    states: new Int32Array(buffer, offsets.statesAt, slots),
    slotWords: new Int32Array(buffer, offsets.slotWordsAt, slots * SLOT_LINE_WORDS),
    doubles: new Float64Array(buffer, offsets.doublesAt, HEADER_DOUBLES),
    slotDoubles: new Float64Array(buffer, offsets.slotDoublesAt, slots * SLOT_LINE_DOUBLES),
  }
}

/** Whether a slot has a payload. */
export const hasPayload = ({ shape }: PoolMemory, slot: number): boolean =>
  slot % SLOTS_PER_THREAD < shape.payloads

/** Views on the columns of a slot that has a payload: `slotRows` rows each. */
export const payloadViews = (
  pool: PoolMemory,
  slot: number,
  which: 'inputs' | 'outputs',
): TensorData[] => {
  const { shape, buffer } = pool
  const thread = Math.floor(slot / SLOTS_PER_THREAD)
  const index = thread * shape.payloads + (slot % SLOTS_PER_THREAD)
  const from = offsetsOf(shape).payloadsAt + index * shape.payloadBytes
  return shape[which].map(
    ({ datatype, stride, at }) =>
      new ARRAYS[datatype as Numeric](buffer, from + at, stride * shape.slotRows),
  )
}
