/**
 * Reads a segment frame by frame, whatever the file holds: in the memory of its largest frame, in
 * time linear in its length. What it gives is whole and in its place; it stops at the first frame
 * that is not, unless it is told to skip what is none.
 */

import { errnoOf, type FileCalls } from './file-calls.ts'
import { FrameSearch } from './frame-search.ts'
import {
  checkOf,
  decodeHeader,
  FRAME,
  FRAME_HEAD_BYTES,
  frameBytes,
  frameSeed,
  isFrameHead,
  PREAMBLE_BYTES,
  readPreamble,
  SEGMENT_VERSION,
  type SegmentHeader,
} from './segment-format.ts'
import { closeQuietly, readWhole } from './whole-writes.ts'

/**
 * Why there is no further frame.
 *
 * - `sealed`: that was the last one.
 * - `open`: the file ends here, or in the middle of a frame, or goes on with zeros: its writer is
 *   at it, or has been cut off.
 * - `corrupt`: what follows is no frame of this place.
 * - `newer`: a later format.
 * - `foreign`: no segment at all.
 * - `unreadable`: no file, or the file system refuses.
 * - `missing`: there is nothing by that name.
 */
export type SegmentEnd =
  | 'sealed'
  | 'open'
  | 'corrupt'
  | 'newer'
  | 'foreign'
  | 'unreadable'
  | 'missing'

export interface Frame {
  /** Of FRAME, or a later one. */
  readonly kind: number
  /** Valid until the next call. Its `byteOffset` and its buffer's length are multiples of 8. */
  readonly payload: Uint8Array
  /** Where the frame lies in the file. */
  readonly from: number
  readonly to: number
}

const CHUNK_BYTES = 256 * 1024

export class SegmentReader {
  readonly #files: FileCalls
  readonly #path: string
  readonly #fromOffset: number
  #file: number | null = null
  #bytes = new Uint8Array(0)
  /** Of the file: where `#bytes` begins, and how many of them are read. */
  #bytesAt = 0
  #filled = 0
  #fileBytes = 0
  #offset = 0
  #header: SegmentHeader | null = null
  #headerCheck = 0
  #end: SegmentEnd = 'open'
  #detail = ''
  #search: FrameSearch | null = null

  /**
   * Frames before `fromOffset`, a place between two frames, are not given, but for LAYOUT: entries
   * behind it may name theirs; what is damaged before it is passed over. A path that is no file is
   * answered by the first `next`.
   */
  constructor(files: FileCalls, path: string, fromOffset = 0) {
    this.#files = files
    this.#path = path
    this.#fromOffset = fromOffset
  }

  /** Null until it has been read. */
  get header(): SegmentHeader | null {
    return this.#header
  }

  /** Behind the last whole frame: what to begin with another time. */
  get offset(): number {
    return this.#offset
  }

  /** Whether something before the frames that it gives now is damaged. */
  get hasSkipped(): boolean {
    return this.#search !== null
  }

  /** Of the file, when `next` last asked. More than `offset`: what follows is no whole frame. */
  get fileBytes(): number {
    return this.#fileBytes
  }

  /** Once `next` has given null. */
  get end(): SegmentEnd {
    return this.#end
  }

  /** Code of the system where it is `unreadable`, else why it is `corrupt`, for people. */
  get detail(): string {
    return this.#detail
  }

  /**
   * The next frame but the HEADER; null when there is none, and `end` says why. After `open` it may
   * be called again: the file is looked at anew, and may have grown.
   */
  next(): Frame | null {
    if (this.#end !== 'open') return null
    try {
      if (!this.#open() || !this.#begin()) return this.#stop()
      for (;;) {
        const frame = this.#read()
        if (frame === null && this.#passes()) continue
        if (frame === null) return this.#stop()
        this.#offset = frame.to
        if (frame.kind === FRAME.SEAL) this.#end = 'sealed'
        if (frame.from >= this.#fromOffset || frame.kind === FRAME.LAYOUT) return frame
      }
    } catch (error) {
      return this.#refuse(error)
    }
  }

  /**
   * Once `next` has given null at what is no frame of a file that will never grow: goes on at the
   * next whole one. False: there is none, or, if it is `unreadable` now, nobody knows.
   */
  skip(): boolean {
    if (this.#header === null || (this.#end !== 'open' && this.#end !== 'corrupt')) return false
    try {
      const found = this.#find(this.#fileBytes)
      if (found !== null) this.#goOn(found)
      else if (this.#search?.hasGivenUp) this.#fail('corrupt', 'and much looks like frames')
      return found !== null
    } catch (error) {
      this.#refuse(error)
      return false
    }
  }

  /** Gives the file back. `next` must not be called any more. */
  close(): void {
    const file = this.#file
    this.#file = null
    if (file !== null) closeQuietly(this.#files, file)
  }

  #refuse(error: unknown): null {
    this.#detail = errnoOf(error)
    // A fault of ours is none of the file.
    if (this.#detail === '') throw error
    this.#end = this.#detail === 'ENOENT' ? 'missing' : 'unreadable'
    return this.#stop()
  }

  /** Whether it goes on, as what is no frame lies before the place to begin with. */
  #passes(): boolean {
    const to = this.#fromOffset
    if (this.#offset >= to || to > this.#fileBytes) return false
    this.#goOn(this.#find(to) ?? to)
    return true
  }

  #find(last: number): number | null {
    this.#search ??= new FrameSearch(this.#files)
    const [file, fileBytes, headerCheck] = [this.#file!, this.#fileBytes, this.#headerCheck]
    return this.#search.find({ file, fileBytes, headerCheck }, this.#offset + 8, last)
  }

  #goOn(offset: number): void {
    this.#offset = offset
    this.#end = 'open'
    this.#detail = ''
  }

  /** What was read of an unfinished frame may be cut off and written anew: it is forgotten. */
  #stop(): null {
    this.#filled = Math.max(0, Math.min(this.#filled, this.#offset - this.#bytesAt))
    return null
  }

  #open(): boolean {
    // Before it is opened: opening a FIFO would wait for a writer.
    const stat = this.#files.stat(this.#path)
    if (stat === null && this.#file === null) return this.#fail('missing', '')
    if (stat !== null && stat.kind !== 'file') return this.#fail('unreadable', stat.kind)
    // Unlinked meanwhile: what is open is read to its end.
    if (stat !== null) this.#fileBytes = stat.bytes
    this.#file ??= this.#files.open(this.#path, 'r')
    return true
  }

  /** Preamble and HEADER, once. */
  #begin(): boolean {
    if (this.#header !== null) return true
    if (this.#fill(0, PREAMBLE_BYTES) < PREAMBLE_BYTES) return this.#beginShort()
    const version = readPreamble(this.#bytes)
    if (version === 0) return this.#isZeros(0, PREAMBLE_BYTES) ? false : this.#fail('foreign', '')
    if (version > SEGMENT_VERSION) return this.#fail('newer', `version ${version}`)
    this.#offset = PREAMBLE_BYTES
    const frame = this.#read()
    if (frame === null) {
      ;[this.#offset, this.#bytesAt, this.#filled] = [0, 0, 0]
      return false
    }
    const header = frame.kind === FRAME.HEADER ? decodeHeader(frame.payload) : null
    if (header === null) return this.#fail('corrupt', 'no header')
    this.#header = header
    this.#offset = frame.to
    return true
  }

  /** A file too short for a preamble: perhaps one that was just begun. */
  #beginShort(): boolean {
    const whole = Uint8Array.of(0x53, 0x4c, 0x53, 0x50, SEGMENT_VERSION, 0, 0, 0)
    const isBegun = this.#bytes.subarray(0, this.#filled).every((byte, i) => byte === whole[i])
    return isBegun || this.#isZeros(0, this.#filled) ? false : this.#fail('foreign', '')
  }

  #fail(end: SegmentEnd, detail: string): false {
    this.#end = end
    this.#detail = detail
    return false
  }

  #corrupt(detail: string): null {
    this.#fail('corrupt', detail)
    return null
  }

  /** The frame at `#offset`; null when there is none, and `#end` tells why unless it is `open`. */
  #read(): Frame | null {
    const from = this.#offset
    if (this.#fill(from, FRAME_HEAD_BYTES) < FRAME_HEAD_BYTES) return null
    const head = new DataView(this.#bytes.buffer, from - this.#bytesAt, FRAME_HEAD_BYTES)
    const [check, length] = [head.getUint32(0, true), head.getUint32(4, true)]
    const [kind, spare] = [head.getUint32(8, true), head.getUint32(12, true)]
    if (check === 0 && length === 0 && kind === 0 && spare === 0) return null
    if (!isFrameHead(length, kind, spare)) return this.#corrupt(`no frame at ${from}`)
    const size = frameBytes(length)
    // Asked before there is memory for it: the length may be a lie.
    if (from + size > this.#fileBytes && !this.#hasGrown(from + size)) return null
    if (this.#fill(from, size) < size) return null
    const at = from - this.#bytesAt
    const seed = kind === FRAME.HEADER ? 0 : frameSeed(this.#headerCheck, from)
    if (checkOf(this.#bytes, at, at + size, seed) !== check)
      return this.#corrupt(`a wrong checksum at ${from}`)
    if (kind === FRAME.HEADER) {
      if (this.#header !== null) return this.#corrupt(`another header at ${from}`)
      this.#headerCheck = check
    }
    const payload = this.#bytes.subarray(at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + length)
    return { kind, payload, from, to: from + size }
  }

  #hasGrown(bytes: number): boolean {
    this.#fileBytes = this.#files.stat(this.#path)?.bytes ?? this.#fileBytes
    return bytes <= this.#fileBytes
  }

  #isZeros(from: number, to: number): boolean {
    return this.#bytes.subarray(from, to).every((byte) => byte === 0)
  }

  /** Has `length` bytes from `offset` of the file in `#bytes`, or as many as there are. */
  #fill(offset: number, length: number): number {
    const have = this.#bytesAt + this.#filled - offset
    if (have >= length) return length
    this.#makeRoom(offset, length, Math.max(0, have))
    this.#filled += readWhole(this.#files, this.#file!, this.#bytes, {
      offset: this.#filled,
      length: this.#bytes.length - this.#filled,
      position: this.#bytesAt + this.#filled,
    })
    return Math.min(length, this.#filled - (offset - this.#bytesAt))
  }

  /** `#bytes` begins at `offset`, a multiple of 8 like every frame, and has room for `length`. */
  #makeRoom(offset: number, length: number, have: number): void {
    const kept = this.#bytes.subarray(this.#filled - have, this.#filled)
    // Of a small file not more than it has; a multiple of 8, for typed views.
    const wanted = Math.max(length, Math.min(CHUNK_BYTES, this.#fileBytes))
    if (wanted > this.#bytes.length) this.#bytes = new Uint8Array(Math.ceil(wanted / 8) * 8)
    this.#bytes.set(kept)
    this.#bytesAt = offset
    this.#filled = have
  }
}
