/**
 * Protobuf wire format over a file, field by field, without holding the file in memory: just
 * enough to inspect an ONNX model before anything else touches it. Source:
 * protobuf.dev/programming-guides/encoding.
 */

import { readSync } from 'node:fs'

/** Why a file is not sound; the walker turns it into a refusal. */
export class WireFault extends Error {}

export interface WireField {
  readonly number: number
  /** 0 varint, 1 fixed64, 2 length-delimited, 5 fixed32. */
  readonly type: number
  /** Varints, as near as a double comes; lengths for type 2. */
  readonly value: number
  /** Varints: the lowest 32 bits with their sign, which is what protobuf keeps of an int32. */
  readonly low: number
  /** Offset of the payload; of varints, the offset behind them. */
  readonly start: number
}

/** Offset behind a field. */
export const endOfField = ({ type, start, value }: WireField): number => {
  if (type === 2) return start + value
  return start + (type === 1 ? 8 : type === 5 ? 4 : 0)
}

const CHUNK_BYTES = 64 * 1024

/** Random access with one buffered chunk. */
export class WireReader {
  readonly size: number
  readonly #fd: number
  readonly #chunk = Buffer.alloc(CHUNK_BYTES)
  #chunkStart = 0
  #chunkLength = 0
  /** Of the varint read last. */
  #low = 0

  constructor(fd: number, size: number) {
    this.#fd = fd
    this.size = size
  }

  #byteAt(offset: number): number {
    const within = offset - this.#chunkStart
    if (within >= 0 && within < this.#chunkLength) return this.#chunk[within]!
    this.#chunkStart = offset
    this.#chunkLength = readSync(this.#fd, this.#chunk, 0, CHUNK_BYTES, offset)
    if (this.#chunkLength === 0) throw new WireFault('the file ends within a field')
    return this.#chunk[0]!
  }

  /** [value, offset behind it] of a varint; at most ten bytes. */
  #varint(offset: number, end: number): [number, number] {
    let value = 0
    let scale = 1
    this.#low = 0
    for (let i = 0; i < 10; i++) {
      if (offset + i >= end) throw new WireFault('a number is cut off')
      const byte = this.#byteAt(offset + i)
      value += (byte & 0x7f) * scale
      if (i < 5) this.#low |= (byte & 0x7f) << (7 * i)
      if (byte < 0x80) return [value, offset + i + 1]
      scale *= 128
    }
    throw new WireFault('a number is longer than ten bytes')
  }

  /** The fields of the message in `start .. end - 1`. */
  *fields(start: number, end: number): Generator<WireField> {
    let offset = start
    while (offset < end) {
      const [tag, behindTag] = this.#varint(offset, end)
      const number = Math.floor(tag / 8)
      const type = tag % 8
      if (number === 0 || number > 0x1fffffff) throw new WireFault('a field has no valid number')
      if (type === 1 || type === 5) {
        offset = behindTag + (type === 1 ? 8 : 4)
        if (offset > end) throw new WireFault('a fixed-size field is cut off')
        yield { number, type, value: 0, low: 0, start: behindTag }
        continue
      }
      if (type !== 0 && type !== 2) throw new WireFault(`wire type ${type} is not supported`)
      const [value, behindValue] = this.#varint(behindTag, end)
      offset = type === 2 ? behindValue + value : behindValue
      if (offset > end) throw new WireFault('a field is longer than its message')
      yield { number, type, value, low: this.#low, start: behindValue }
    }
  }

  /** The varints of a packed field. */
  *packed(field: WireField): Generator<number> {
    let offset = field.start
    const end = field.start + field.value
    while (offset < end) {
      const [value, behind] = this.#varint(offset, end)
      offset = behind
      yield value
    }
  }

  /** The text of a length-delimited field. */
  text(field: WireField): string {
    const bytes = Buffer.alloc(field.value)
    for (let i = 0; i < field.value; i++) bytes[i] = this.#byteAt(field.start + i)
    return bytes.toString('utf8')
  }
}
