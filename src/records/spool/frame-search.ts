/**
 * Finds the next whole frame of a segment behind what is none: by its checksum, which fits at its
 * own place in its own segment alone. In the memory of two chunks, and never for long, whatever
 * lies there: much may look like the head of a frame of many bytes.
 */

import { crc32 } from 'node:zlib'
import type { FileCalls } from './file-calls.ts'
import { FRAME, FRAME_HEAD_BYTES, frameBytes, frameSeed, isFrameHead } from './segment-format.ts'
import { readWhole } from './whole-writes.ts'

const CHUNK_BYTES = 256 * 1024
/** Looked at and summed up for one segment, which has 16 MiB: below a second. */
const WORK_BYTES_MAX = 512 * 1024 * 1024

export interface SearchedSegment {
  readonly file: number
  readonly fileBytes: number
  /** Of its HEADER. */
  readonly headerCheck: number
}

/** Words of what may be the head of a frame: its checksum, length and kind, and 0. */
const isHead = (words: Uint32Array, at: number): boolean =>
  isFrameHead(words[at + 1]!, words[at + 2]!, words[at + 3]!) &&
  words[at + 2]! > FRAME.HEADER &&
  words[at + 2]! <= FRAME.SEAL

export class FrameSearch {
  readonly #files: FileCalls
  readonly #chunk = new Uint8Array(CHUNK_BYTES)
  readonly #sumChunk = new Uint8Array(CHUNK_BYTES)
  #left: number

  constructor(files: FileCalls, workBytesMax = WORK_BYTES_MAX) {
    this.#files = files
    this.#left = workBytesMax
  }

  /** It looks no further: there may be frames that it has not found. */
  get hasGivenUp(): boolean {
    return this.#left <= 0
  }

  /**
   * Where the first frame lies that begins at `from`, a multiple of 8, or behind it, and no later
   * than at `last`; null: none is found.
   *
   * @throws the error of the file system
   */
  find(segment: SearchedSegment, from: number, last: number): number | null {
    const words = new Uint32Array(this.#chunk.buffer)
    for (let position = from; position <= last && !this.hasGivenUp; ) {
      const count = this.#read(segment.file, this.#chunk, position, CHUNK_BYTES)
      for (let at = 0; at + FRAME_HEAD_BYTES <= count && position + at <= last; at += 8) {
        if (!isHead(words, at >> 2)) continue
        const [check, length] = [words[at >> 2]!, words[(at >> 2) + 1]!]
        if (this.#isFrame(segment, position + at, length, check)) return position + at
      }
      if (count < CHUNK_BYTES) return null
      // A head may lie across both.
      position += CHUNK_BYTES - 8
    }
    return null
  }

  #isFrame(segment: SearchedSegment, from: number, length: number, check: number): boolean {
    const to = from + frameBytes(length)
    if (to > segment.fileBytes) return false
    let sum = frameSeed(segment.headerCheck, from)
    for (let at = from + 4; at < to; at += CHUNK_BYTES) {
      if (this.hasGivenUp) return false
      const wanted = Math.min(CHUNK_BYTES, to - at)
      const count = this.#read(segment.file, this.#sumChunk, at, wanted)
      if (count < wanted) return false
      sum = crc32(this.#sumChunk.subarray(0, count), sum)
    }
    return sum === check
  }

  #read(file: number, bytes: Uint8Array, position: number, length: number): number {
    this.#left -= length
    return readWhole(this.#files, file, bytes, { offset: 0, length, position })
  }
}
