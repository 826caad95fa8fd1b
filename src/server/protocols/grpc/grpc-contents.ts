/**
 * Elements of a tensor in the typed fields of `InferTensorContents`: packed or one by one, in as
 * many parts as the message came in. Numbers of 8 and 16 bits are wider there, and checked.
 */

import { type Refusal, refuse } from '../../../shared/errors.ts'
import {
  allocate,
  type Datatype,
  elementCount,
  type TensorData,
  type TensorSignature,
} from '../../../shared/tensor.ts'
import { quote } from '../../json/pointer.ts'
import {
  type Misfit,
  misfit,
  numberBounds,
  putElement,
  refuseAt,
  toNumericElement,
} from '../element.ts'
import type { Input } from '../oip/oip-inputs.ts'
import { readText } from '../oip/tensor-bytes.ts'
import { wrongCount } from '../oip/tensor-faults.ts'
import {
  cutElement,
  damagedMessage,
  FIXED32,
  FIXED64,
  field,
  LENGTH,
  readField,
  readVarint,
  VARINT,
  varint,
  WHOLE,
  wrongWireType,
} from './wire.ts'

export const CONTENTS = 'InferTensorContents'
const VARINT_END_MAX = 0x7f
const NO_BYTES = new Uint8Array(0)

interface Field {
  readonly name: string
  /** Of one element. */
  readonly type: number
  /** Bytes of an element; 0: as many as it takes. */
  readonly bytes: number
}

/** By the number of the field. */
const FIELDS: readonly (Field | undefined)[] = [
  undefined,
  { name: 'bool_contents', type: VARINT, bytes: 0 },
  { name: 'int_contents', type: VARINT, bytes: 0 },
  { name: 'int64_contents', type: VARINT, bytes: 0 },
  { name: 'uint_contents', type: VARINT, bytes: 0 },
  { name: 'uint64_contents', type: VARINT, bytes: 0 },
  { name: 'fp32_contents', type: FIXED32, bytes: 4 },
  { name: 'fp64_contents', type: FIXED64, bytes: 8 },
  { name: 'bytes_contents', type: LENGTH, bytes: 0 },
]

/** The field that elements of a datatype stand in. */
export const CONTENTS_FIELD: Readonly<Record<Datatype, number>> = {
  BOOL: 1,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  FP32: 6,
  FP64: 7,
  BYTES: 8,
}

/** What the parts of some contents hold, before any of it is read. */
interface Census {
  /** Elements in the field that is wanted. */
  count: number
  /** Where these stand, if they stand in one piece: then they are as bytes. */
  pieces: number
  from: number
  to: number
  /** Another field with elements; 0: there is none. */
  other: number
}

/** Elements in a packed field. -1: it is cut within one. */
const packedCount = (bytes: Uint8Array, from: number, to: number, size: number): number => {
  if (size > 0) return (to - from) % size === 0 ? (to - from) / size : -1
  if (to > from && bytes[to - 1]! > VARINT_END_MAX) return -1
  let count = 0
  for (let at = from; at < to; at++) if (bytes[at]! <= VARINT_END_MAX) count++
  return count
}

/** Counts what one message of contents holds. */
const countContents = (
  bytes: Uint8Array,
  from: number,
  to: number,
  wanted: number,
  census: Census,
): Refusal | null => {
  for (let at = from; at < to; ) {
    at = readField(bytes, at, to)
    if (at < 0) return damagedMessage(CONTENTS)
    const known = FIELDS[field.number]
    if (known === undefined) continue
    let count = 1
    if (field.type === LENGTH && known.type !== LENGTH) {
      count = packedCount(bytes, field.from, field.to, known.bytes)
      if (count < 0) return cutElement(CONTENTS)
    } else if (field.type !== known.type) return wrongWireType(CONTENTS)
    if (count === 0) continue
    if (field.number !== wanted) census.other = field.number
    else {
      census.count += count
      census.pieces++
      census.from = field.from
      census.to = field.to
    }
  }
  return null
}

/** Elements on their way out of the message. */
class Elements {
  readonly #datatype: Datatype
  readonly #data: TensorData
  /** The same memory: as bytes, and, of elements of 64 bits, as halves. */
  readonly #raw: Uint8Array
  readonly #halves: Uint32Array | null
  readonly #isSigned: boolean
  /** What integers of fewer bits lie between. */
  readonly #low: number
  readonly #high: number
  /** How many there are. */
  length = 0

  constructor(datatype: Datatype, count: number) {
    this.#datatype = datatype
    this.#data = allocate(datatype, count)
    const { buffer } = Array.isArray(this.#data) ? NO_BYTES : this.#data
    this.#raw = new Uint8Array(buffer)
    const isLong = datatype === 'INT64' || datatype === 'UINT64'
    this.#halves = isLong ? new Uint32Array(buffer) : null
    this.#isSigned = datatype.startsWith('INT')
    const [low, high] = numberBounds(datatype)
    this.#low = low
    this.#high = high
  }

  take(): TensorData {
    return this.#data
  }

  copyTo(target: TensorData, at: number): void {
    const data = this.#data
    if (Array.isArray(data)) {
      for (let i = 0; i < data.length; i++) putElement(target, at + i, data[i]!)
    } else (target as Float64Array).set(data as Float64Array, at)
  }

  /** Adds what one field holds, packed or not. A misfit is that of the element `length`. */
  add(bytes: Buffer, from: number, to: number): Misfit | Refusal | null {
    if (Array.isArray(this.#data)) return this.#addText(this.#data, bytes, from, to)
    if (this.#datatype === 'FP32' || this.#datatype === 'FP64') {
      const size = this.#data.BYTES_PER_ELEMENT
      this.#raw.set(bytes.subarray(from, to), this.length * size)
      this.length += (to - from) / size
      return null
    }
    for (let at = from; at < to; this.length++) {
      at = readVarint(bytes, at, to)
      if (at < 0) return damagedMessage(CONTENTS)
      const misfit = this.#putVarint(this.length)
      if (misfit !== null) return misfit
    }
    return null
  }

  #addText(data: string[], bytes: Buffer, from: number, to: number): Misfit | null {
    const text = readText(bytes, from, to)
    if (typeof text !== 'string') return misfit('INPUT_VALUE_INVALID', text.fault)
    data[this.length++] = text
    return null
  }

  /** Of fewer than 64 bits the lowest 32 count, as everywhere in protobuf; of a bool all. */
  #putVarint(index: number): Misfit | null {
    const halves = this.#halves
    if (halves !== null) {
      halves[2 * index] = varint.low
      halves[2 * index + 1] = varint.high
      return null
    }
    const data = this.#data as Int32Array
    if (this.#datatype === 'BOOL') {
      data[index] = (varint.low | varint.high) === 0 ? 0 : 1
      return null
    }
    const value = this.#isSigned ? varint.low | 0 : varint.low
    if (value >= this.#low && value <= this.#high) data[index] = value
    else return toNumericElement(value, this.#datatype) as Misfit
    return null
  }
}

/** The field `contents` of an input: what comes in several parts is one, as protobuf says. */
const CONTENTS_NUMBER = 5

/** Calls `visit` for each part of the contents of the input in `from .. to - 1`. */
const eachPart = (
  bytes: Uint8Array,
  from: number,
  to: number,
  visit: (from: number, to: number) => Refusal | null,
): Refusal | null => {
  for (let at = from; at < to; ) {
    at = readField(bytes, at, to)
    const refusal = field.number === CONTENTS_NUMBER ? visit(field.from, field.to) : null
    if (refusal !== null) return refusal
  }
  return null
}

/** Adds what one message of contents holds. */
const addPart = (
  bytes: Buffer,
  from: number,
  to: number,
  wanted: number,
  column: Elements,
): Misfit | Refusal | null => {
  for (let at = from; at < to; ) {
    at = readField(bytes, at, to)
    const found = field.number === wanted ? column.add(bytes, field.from, field.to) : null
    if (found !== null) return found
  }
  return null
}

/**
 * The elements of an input, of which the fields were read before.
 *
 * @param bytes the request; the message of the input is `from .. to - 1`
 */
export const readContents = (
  bytes: Buffer,
  from: number,
  to: number,
  { name, datatype }: TensorSignature,
  shape: readonly number[],
): Input | Refusal => {
  const wanted = CONTENTS_FIELD[datatype]
  const census: Census = { count: 0, pieces: 0, from: 0, to: 0, other: 0 }
  const fault = eachPart(bytes, from, to, (partFrom, partTo) =>
    countContents(bytes, partFrom, partTo, wanted, census),
  )
  if (fault !== null) return fault
  if (census.other !== 0) {
    const [own, other] = [FIELDS[wanted]!.name, FIELDS[census.other]!.name]
    const detail = `Input ${quote(name)} wants ${datatype} in '${own}', got '${other}'`
    return refuse('TENSOR_DATATYPE_MISMATCH', detail, [{ pointer: WHOLE, detail }])
  }
  if (census.count !== elementCount(shape)) {
    return wrongCount(name, shape, census.count, WHOLE)
  }
  // Packed floats lie there as they do in memory.
  const isFloat = datatype === 'FP32' || datatype === 'FP64'
  if (isFloat && census.pieces === 1) {
    return { shape, column: null, from: census.from, to: census.to }
  }
  const column = new Elements(datatype, census.count)
  const refusal = eachPart(bytes, from, to, (partFrom, partTo) => {
    const found = addPart(bytes, partFrom, partTo, wanted, column)
    if (found === null || found.code === 'REQUEST_MALFORMED') return found
    return refuseAt(`Element ${column.length} of input ${quote(name)}`, found, WHOLE)
  })
  return refusal ?? { shape, column, from: 0, to: 0 }
}
