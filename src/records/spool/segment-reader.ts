/**
 * Reads a segment frame by frame, whatever the file holds: in the memory of its largest frame, in
 * time linear in its length. What it gives is whole and in its place; it stops at the first frame
 * that is not, unless it is told to skip what is none.
 */

import { errnoOf, type ReadCalls } from './file-calls.ts'
import { FrameSearch } from './frame-search.ts'
import {
  checkOf,
  FRAME,
  FRAME_HEAD_BYTES,
  frameBytes,
  frameSeed,
  isFrameHead,
  type SegmentHeader,
} from './segment-format.ts'
import { readHead, SEGMENT_HEAD_BYTES } from './segment-head.ts'
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
/** Looked through by one `skip`: a third of a second at most, whatever lies there. */
const SKIP_BYTES = 4 * 1024 * 1024

export class SegmentReader {
  readonly #files: ReadCalls
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
  #hasSkipped = false
  #isMended = false

  /**
   * Frames before `fromOffset`, a place between two frames, are not given, but for LAYOUT: entries
   * behind it may name theirs; what is damaged before it is passed over. A path that is no file is
   * answered by the first `next`.
   */
  constructor(files: ReadCalls, path: string, fromOffset = 0) {
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
    return this.#hasSkipped
  }

  /** Whether its first bytes were damaged, and could be told all the same. */
  get isMended(): boolean {
    return this.#isMended
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
   * next whole one. `none`: there is no such one, or, if it is `unreadable` now, nobody knows.
   * `later`: it has looked for a while, and is to be called again.
   */
  skip(): 'done' | 'later' | 'none' {
    if (this.#header === null || (this.#end !== 'open' && this.#end !== 'corrupt')) return 'none'
    try {
      const found = this.#find(this.#fileBytes, SKIP_BYTES)
      if (typeof found !== 'number') return found
      this.#goOn(found)
      return 'done'
    } catch (error) {
      this.#refuse(error)
      return 'none'
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
    const found = this.#find(to)
    this.#goOn(typeof found === 'number' ? found : to)
    return true
  }

  #find(fileBytes: number, bytesMax?: number): number | 'later' | 'none' {
    if (this.#search?.fileBytes !== fileBytes) {
      const [file, headerCheck] = [this.#file!, this.#headerCheck]
      this.#search = new FrameSearch(this.#files, { file, fileBytes, headerCheck })
    }
    return this.#search.find(this.#offset + 8, bytesMax)
  }

  #goOn(offset: number): void {
    this.#hasSkipped = true
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
    const count = this.#fill(0, SEGMENT_HEAD_BYTES)
    const head = readHead(this.#bytes.subarray(0, count))
    if ('end' in head) return this.#fail(head.end, head.detail)
    this.#headerCheck = head.check
    this.#offset = head.to
    if (head.damage === 'check' && this.#read() === null) {
      this.#offset = 0
      return this.#fail('corrupt', 'a wrong checksum of the header')
    }
    this.#header = head.header
    this.#isMended = head.damage !== 'none'
    return true
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
    if (kind === FRAME.HEADER || !isFrameHead(length, kind, spare)) {
      return this.#corrupt(`no frame at ${from}`)
    }
    const size = frameBytes(length)
    // Asked before there is memory for it: the length may be a lie.
    if (from + size > this.#fileBytes && !this.#hasGrown(from + size)) return null
    if (this.#fill(from, size) < size) return null
    const at = from - this.#bytesAt
    const seed = frameSeed(this.#headerCheck, from)
    if (checkOf(this.#bytes, at, at + size, seed) !== check)
      return this.#corrupt(`a wrong checksum at ${from}`)
    const payload = this.#bytes.subarray(at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + length)
    return { kind, payload, from, to: from + size }
  }

  #hasGrown(bytes: number): boolean {
    this.#fileBytes = this.#files.stat(this.#path)?.bytes ?? this.#fileBytes
    return bytes <= this.#fileBytes
  }

  /** Has `length` bytes from `offset` of the file in `#bytes`, or as many as there are. */
  #fill(offset: number, length: number): number {
    const have = this.#bytesAt + this.#filled - offset
    if (have >= length) return length
    this.#makeRoom(offset, length, Math.max(0, have))
    this.#filled += readWhole(this.#files, this.#file!, this.#bytes, {
      ...{ offset: this.#filled, length: this.#bytes.length - this.#filled },
      ...{ position: this.#bytesAt + this.#filled, atLeast: length - Math.max(0, have) },
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
