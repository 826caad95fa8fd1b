/** One element of a tensor in an entry, wherever that lies in a frame. */

import type { Datatype } from '../../shared/tensor.ts'
import type { FrameViews } from '../shipping/frame-views.ts'

/** Bytes of an element. */
export const ELEMENT_BYTES: Readonly<Record<Exclude<Datatype, 'BYTES'>, number>> = {
  ...{ BOOL: 1, UINT8: 1, UINT16: 2, UINT32: 4, UINT64: 8 },
  ...{ INT8: 1, INT16: 2, INT32: 4, INT64: 8, FP32: 4, FP64: 8 },
}

/** The element at byte `at` as a number; of 64-bit integers the nearest. */
export type ReadNumber = (frame: FrameViews, at: number) => number

export const READ_NUMBER: Readonly<Record<Exclude<Datatype, 'BYTES'>, ReadNumber>> = {
  BOOL: ({ bytes }, at) => bytes[at]!,
  UINT8: ({ bytes }, at) => bytes[at]!,
  UINT16: ({ bytes }, at) => bytes[at]! | (bytes[at + 1]! << 8),
  UINT32: ({ words }, at) => words[at >> 2]! >>> 0,
  UINT64: ({ words }, at) => (words[(at >> 2) + 1]! >>> 0) * 2 ** 32 + (words[at >> 2]! >>> 0),
  INT8: ({ bytes }, at) => (bytes[at]! << 24) >> 24,
  INT16: ({ bytes }, at) => ((bytes[at]! | (bytes[at + 1]! << 8)) << 16) >> 16,
  INT32: ({ words }, at) => words[at >> 2]!,
  INT64: ({ words }, at) => words[(at >> 2) + 1]! * 2 ** 32 + (words[at >> 2]! >>> 0),
  FP32: ({ floats }, at) => floats[at >> 2]!,
  FP64: ({ doubles }, at) => doubles[at >> 3]!,
}

const long = new BigInt64Array(1)
const longWords = new Int32Array(long.buffer)

/** The element as `elementValue` of entry-tensors.ts gives it. */
export const valueAt = (
  datatype: Exclude<Datatype, 'BYTES'>,
  frame: FrameViews,
  at: number,
): number | bigint | boolean => {
  const number = READ_NUMBER[datatype](frame, at)
  if (datatype === 'BOOL') return number !== 0
  if (datatype !== 'INT64' && datatype !== 'UINT64') return number
  if (Number.isSafeInteger(number)) return number
  longWords[0] = frame.words[at >> 2]!
  longWords[1] = frame.words[(at >> 2) + 1]!
  return datatype === 'UINT64' ? BigInt.asUintN(64, long[0]!) : long[0]!
}
