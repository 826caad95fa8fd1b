/** Frames on their way into a segment: put together in memory, written by one call. */

import {
  ACCOUNT_BYTES,
  type Account,
  checkOf,
  encodeHeader,
  FRAME,
  FRAME_HEAD_BYTES,
  frameSeed,
  GAP_BYTES,
  PREAMBLE_BYTES,
  type SegmentHeader,
  type SpooledGap,
  writeAccount,
  writeGap,
  writePreamble,
} from './segment-format.ts'

const BYTES_AT_FIRST = 64 * 1024

export class FrameStage {
  #bytes = new Uint8Array(BYTES_AT_FIRST)
  #length = 0
  #frameFrom = 0
  #base = 0
  #headerCheck = 0
  #ends: number[] = []

  /** What is staged is in the first `length` of them. Others may lie here after the next call. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  get length(): number {
    return this.#length
  }

  /** Where each staged frame ends, as counted from the first staged byte. */
  get ends(): readonly number[] {
    return this.#ends
  }

  /** Of the HEADER that was staged, or that the segment has. */
  get headerCheck(): number {
    return this.#headerCheck
  }

  /** Drops what is staged: what comes now goes to offset `base` of a segment. */
  reset(base: number, headerCheck: number): void {
    this.#length = 0
    this.#ends = []
    this.#base = base
    this.#headerCheck = headerCheck
  }

  /** Everything up to the first frame. Only where `base` is 0. */
  header(header: SegmentHeader): void {
    this.#reserve(PREAMBLE_BYTES)
    writePreamble(this.#bytes)
    this.#length = PREAMBLE_BYTES
    this.begin(FRAME.HEADER)
    const payload = encodeHeader(header)
    this.append(payload, 0, payload.length)
    this.#headerCheck = this.#end(0)
  }

  /** Begins a frame; `append` gives it payload. */
  begin(kind: number): void {
    this.#frameFrom = this.#length
    this.#reserve(FRAME_HEAD_BYTES)
    this.#bytes.fill(0, this.#length, this.#length + FRAME_HEAD_BYTES)
    this.#bytes[this.#length + 8] = kind
    this.#length += FRAME_HEAD_BYTES
  }

  append(bytes: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from)
    this.#bytes.set(bytes.subarray(from, to), this.#length)
    this.#length += to - from
  }

  gap(gap: SpooledGap): void {
    this.#reserve(GAP_BYTES)
    writeGap(this.#bytes, this.#length, gap)
    this.#length += GAP_BYTES
  }

  /** Room for an account, which `account` fills in when it is known. */
  reserveAccount(): void {
    this.#reserve(ACCOUNT_BYTES)
    this.#length += ACCOUNT_BYTES
  }

  /** Account of the frame that was begun. */
  account(account: Account): void {
    writeAccount(this.#bytes, this.#frameFrom + FRAME_HEAD_BYTES, account)
  }

  /** Ends the frame that was begun. */
  end(): void {
    this.#end(frameSeed(this.#headerCheck, this.#base + this.#frameFrom))
  }

  /** Takes the frame back that was begun. */
  undo(): void {
    this.#length = this.#frameFrom
  }

  #end(seed: number): number {
    const payloadBytes = this.#length - this.#frameFrom - FRAME_HEAD_BYTES
    const padding = -payloadBytes & 7
    this.#reserve(padding)
    this.#bytes.fill(0, this.#length, this.#length + padding)
    this.#length += padding
    const head = new DataView(this.#bytes.buffer, this.#frameFrom, FRAME_HEAD_BYTES)
    head.setUint32(4, payloadBytes, true)
    const check = checkOf(this.#bytes, this.#frameFrom, this.#length, seed)
    head.setUint32(0, check, true)
    this.#ends.push(this.#length)
    return check
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes
    if (wanted <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
