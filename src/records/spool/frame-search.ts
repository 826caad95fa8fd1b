/**
 * Finds the next whole frame of a segment behind what is none: by its checksum, which fits at its
 * own place in its own segment alone. Nothing is given up, whatever lies there: much may look like
 * the head of a frame of many bytes, numbers and texts of clients do. So no such frame is summed up
 * by itself. All bytes are, once, and of each 8 the state is kept: what the checksum of any part is
 * follows from the states at both of its ends, in the same time however long it is.
 *
 * Memory: half of the segment, or of the longest frame where that is less, 32 MiB.
 */

import { stateBehind, stateMoved } from './crc32-parts.ts'
import type { ReadCalls } from './file-calls.ts'
import {
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  frameBytes,
  frameSeed,
  isFrameHead,
} from './segment-format.ts'
import { readWhole } from './whole-writes.ts'

const CHUNK_BYTES = 256 * 1024
/** States are kept for so much: behind the head of the longest frame comes a chunk. */
const SUMMED_BYTES_MAX = frameBytes(FRAME_BYTES_MAX) + CHUNK_BYTES

export interface SearchedSegment {
  readonly file: number
  /** Frames end here at the latest; what lies before it does not change. */
  readonly fileBytes: number
  /** Of its HEADER. */
  readonly headerCheck: number
}

/** Words of what may be the head of a frame: its checksum, length and kind, and 0. */
const isHead = (words: Int32Array, at: number): boolean =>
  isFrameHead(words[at + 1]! >>> 0, words[at + 2]!, words[at + 3]!) &&
  words[at + 2]! > FRAME.HEADER &&
  words[at + 2]! <= FRAME.SEAL

export class FrameSearch {
  readonly #files: ReadCalls
  readonly #segment: SearchedSegment
  readonly #chunk = new Uint8Array(CHUNK_BYTES)
  readonly #sumChunk = new Uint8Array(CHUNK_BYTES)
  /** No frame begins before it that has not been found. */
  #lookedTo = 0
  /** Of each 8 bytes the state before them, again from its beginning where it ends. */
  #states = new Int32Array(0)
  /** The state at a place, where the latest in `#states` is. */
  #state = 0
  #summedTo = -1

  constructor(files: ReadCalls, segment: SearchedSegment) {
    this.#files = files
    this.#segment = segment
  }

  /** As it was told. */
  get fileBytes(): number {
    return this.#segment.fileBytes
  }

  /**
   * Where the first frame lies that begins at `from`, a multiple of 8 that is no less than the last
   * time, or behind it. `later`: nowhere in the next `bytesMax` bytes, and there are more, for
   * which it is to be asked again.
   *
   * @throws the error of the file system
   */
  find(from: number, bytesMax = Number.POSITIVE_INFINITY): number | 'later' | 'none' {
    const words = new Int32Array(this.#chunk.buffer)
    const first = Math.max(from, this.#lookedTo)
    for (let position = first; ; this.#lookedTo = position) {
      if (position - first >= bytesMax) return 'later'
      const count = this.#read(this.#chunk, position)
      for (let at = 0; at + FRAME_HEAD_BYTES <= count; at += 8) {
        if (isHead(words, at >> 2) && this.#isFrame(position + at, words, at >> 2)) {
          return position + at
        }
      }
      if (count < CHUNK_BYTES) return 'none'
      // A head may lie across both.
      position += CHUNK_BYTES - 8
    }
  }

  #isFrame(from: number, words: Int32Array, at: number): boolean {
    const [check, length] = [words[at]!, words[at + 1]!]
    const { fileBytes, headerCheck } = this.#segment
    const to = from + frameBytes(length)
    if (to > fileBytes || !this.#sumUp(from, to)) return false
    // Its checksum begins with a seed, behind the word that it is.
    const state = stateBehind(this.#stateAt(from), check)
    const difference = state ^ ~frameSeed(headerCheck, from)
    const moved = stateMoved(difference, (to - from) / 8 - 1)
    return (this.#stateAt(to) ^ ~check) === stateBehind(moved, 0)
  }

  #stateAt(offset: number): number {
    return this.#states[(offset / 8) % this.#states.length]!
  }

  /** Has the states between two places; false: the file has become shorter. */
  #sumUp(from: number, to: number): boolean {
    if (this.#states.length === 0) {
      const bytes = Math.min(this.#segment.fileBytes, SUMMED_BYTES_MAX)
      this.#states = new Int32Array(Math.ceil(bytes / 8) + 1)
    }
    // Any state will do to begin with.
    if (this.#summedTo < from) this.#keep(from, 0)
    while (this.#summedTo < to) if (!this.#sumUpChunk()) return false
    return true
  }

  #sumUpChunk(): boolean {
    const count = this.#read(this.#sumChunk, this.#summedTo)
    const words = new Int32Array(this.#sumChunk.buffer, 0, (count >> 3) * 2)
    for (let at = 0; at < words.length; at += 2) {
      const state = stateBehind(stateBehind(this.#state, words[at]!), words[at + 1]!)
      this.#keep(this.#summedTo + 8, state)
    }
    return words.length > 0
  }

  #keep(offset: number, state: number): void {
    this.#summedTo = offset
    this.#state = state
    this.#states[(offset / 8) % this.#states.length] = state
  }

  #read(bytes: Uint8Array, position: number): number {
    const length = Math.min(CHUNK_BYTES, this.#segment.fileBytes - position)
    if (length <= 0) return 0
    return readWhole(this.#files, this.#segment.file, bytes, { offset: 0, length, position })
  }
}
