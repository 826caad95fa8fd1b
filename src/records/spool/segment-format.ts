/**
 * A segment of the spool, version 1: a file that only grows, made of frames with a checksum each.
 *
 * ```
 * preamble   'SLSP' | Uint32 version
 * frame      Uint32 check | Uint32 length | Uint32 kind | Uint32 0 | payload | zeros up to 8 bytes
 * ```
 *
 * All numbers are little-endian; every payload begins at a multiple of 8. `check` is the CRC-32 of
 * what follows it, zeros included, from a seed: 0 for the HEADER, which is the first frame, else
 * the check of the HEADER plus the offset of the frame in the file. So a frame that has come to
 * another place, or from another segment, is as wrong as one with a flipped bit.
 *
 * ```
 * HEADER   JSON: SegmentHeader
 * LAYOUT   Uint32 id | Uint32 0 | a record layout, as record-layout.ts encodes it
 * RECORDS  Account | entries of the ring of that thread as they are (ring/entry.ts)
 * GAPS     Account | Float64 from | Float64 to | Float64 reason, again and again
 * BEGIN    Account: the thread exists
 * END      Account: the thread has ended in order
 * SEAL     nothing: the last frame
 *
 * Account  Uint32 thread | Uint32 entries or gaps | Float64 floor | Float64 taken
 * ```
 *
 * A segment needs no other: the layouts that its entries name are in it, each before the first
 * entry that names it. A frame of a kind that is not known here is passed over.
 */

import { crc32 } from 'node:zlib'
import type { ProcessIdentity } from '../../shared/process-identity.ts'

export const SEGMENT_VERSION = 1

/** 'SLSP', read as a little-endian number. */
const MAGIC = 0x50534c53

export const PREAMBLE_BYTES = 8
export const FRAME_HEAD_BYTES = 16
export const ACCOUNT_BYTES = 24
export const GAP_BYTES = 24

/** A longer frame is no frame: bounds what a reader needs. */
export const FRAME_BYTES_MAX = 64 * 1024 * 1024

export const FRAME = {
  HEADER: 1,
  LAYOUT: 2,
  RECORDS: 3,
  GAPS: 4,
  BEGIN: 5,
  END: 6,
  SEAL: 7,
} as const

/** Who wrote a segment. */
export interface SegmentHeader {
  readonly gateway: string
  readonly replica: number
  readonly incarnation: number
  readonly generation: number
  readonly number: number
  readonly process: ProcessIdentity
  /** Wall clock. */
  readonly createdMs: number
}

/** What a frame says of the thread that it is about, a producer in this incarnation. */
export interface Account {
  readonly thread: number
  /** Entries or gaps in the frame. */
  readonly count: number
  /** Every lower sequence has its record or its gap in this frame or in one before. */
  readonly floor: number
  /** The last sequence that was taken, as far as was known: the lower bound of what there was. */
  readonly taken: number
}

/** Sequences without a record. */
export interface SpooledGap {
  readonly from: number
  readonly to: number
  /** Of reasons.ts. */
  readonly reason: number
}

/** Bytes of a frame with so much payload. */
export const frameBytes = (payloadBytes: number): number =>
  FRAME_HEAD_BYTES + Math.ceil(payloadBytes / 8) * 8

/** What the check of a frame begins with. */
export const frameSeed = (headerCheck: number, offset: number): number =>
  (headerCheck + offset) >>> 0

/** Check of the frame that lies in `bytes` between two places. */
export const checkOf = (bytes: Uint8Array, from: number, to: number, seed: number): number =>
  crc32(bytes.subarray(from + 4, to), seed)

const lengthOf = (kind: number): number | null => {
  if (kind === FRAME.SEAL) return 0
  return kind === FRAME.BEGIN || kind === FRAME.END ? ACCOUNT_BYTES : null
}

/** Whether a frame can begin with these numbers behind its check. */
export const isFrameHead = (length: number, kind: number, spare: number): boolean =>
  spare === 0 && kind !== 0 && length <= FRAME_BYTES_MAX && length === (lengthOf(kind) ?? length)

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Writes the first bytes of a segment. */
export const writePreamble = (bytes: Uint8Array): void => {
  const view = viewOf(bytes)
  view.setUint32(0, MAGIC, true)
  view.setUint32(4, SEGMENT_VERSION, true)
}

/** Version that the first PREAMBLE_BYTES of a file name; 0: it is no segment. */
export const readPreamble = (bytes: Uint8Array): number => {
  const view = viewOf(bytes)
  return view.getUint32(0, true) === MAGIC ? view.getUint32(4, true) : 0
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

/** Payload of a HEADER. */
export const encodeHeader = (header: SegmentHeader): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(header))

/** What a HEADER says; null when it is not one. */
export const decodeHeader = (payload: Uint8Array): SegmentHeader | null => {
  try {
    const header = JSON.parse(new TextDecoder().decode(payload)) as SegmentHeader
    const { gateway, replica, incarnation, generation, number, process, createdMs } = header
    const counts = [replica, incarnation, generation, number, process.pid]
    const texts = [gateway, process.startTime, process.bootId]
    const isHeader = counts.every(isCount) && texts.every(isText) && Number.isFinite(createdMs)
    return isHeader ? header : null
  } catch {
    return null
  }
}

/** Writes an account at `at`. */
export const writeAccount = (bytes: Uint8Array, at: number, account: Account): void => {
  const view = viewOf(bytes)
  view.setUint32(at, account.thread, true)
  view.setUint32(at + 4, account.count, true)
  view.setFloat64(at + 8, account.floor, true)
  view.setFloat64(at + 16, account.taken, true)
}

/** The account that a payload begins with; null when it is too short for one. */
export const readAccount = (payload: Uint8Array): Account | null => {
  if (payload.length < ACCOUNT_BYTES) return null
  const view = viewOf(payload)
  return {
    thread: view.getUint32(0, true),
    count: view.getUint32(4, true),
    floor: view.getFloat64(8, true),
    taken: view.getFloat64(16, true),
  }
}

/** Writes a gap at `at`. */
export const writeGap = (bytes: Uint8Array, at: number, { from, to, reason }: SpooledGap): void => {
  const view = viewOf(bytes)
  view.setFloat64(at, from, true)
  view.setFloat64(at + 8, to, true)
  view.setFloat64(at + 16, reason, true)
}

/** Gaps in the payload of GAPS; null when it does not hold as many as it says. */
export const readGapFrame = (payload: Uint8Array): SpooledGap[] | null => {
  const account = readAccount(payload)
  if (account === null || payload.length !== ACCOUNT_BYTES + account.count * GAP_BYTES) return null
  const view = viewOf(payload)
  return Array.from({ length: account.count }, (_, index) => {
    const at = ACCOUNT_BYTES + index * GAP_BYTES
    return {
      from: view.getFloat64(at, true),
      to: view.getFloat64(at + 8, true),
      reason: view.getFloat64(at + 16, true),
    }
  })
}

/** Id in the payload of LAYOUT, whose layout begins at byte 8; null when it is too short. */
export const readLayoutId = (payload: Uint8Array): number | null =>
  payload.length < 8 ? null : viewOf(payload).getUint32(0, true)
