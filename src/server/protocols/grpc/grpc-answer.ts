/**
 * Answers of gRPC: a ModelInferResponse in the form that the request had. Raw outputs are in
 * `raw_output_contents`, one for each output and in their order; others in the typed field of their
 * datatype, which all datatypes that are served have.
 */

import type { Refusal } from '../../../shared/errors.ts'
import { DATATYPES, type Datatype, type NumericArray } from '../../../shared/tensor.ts'
import { takeBuffer } from '../answer-buffer.ts'
import { refuseBinary } from '../answer-size.ts'
import { type Part, partOf } from '../oip/oip-answer.ts'
import { sizeInBytes, writeBytes } from '../oip/tensor-bytes.ts'
import type { Answer, AskedOutput } from '../protocol.ts'
import { CONTENTS_FIELD } from './grpc-contents.ts'
import {
  fieldBytes,
  longVarintBytes,
  putBytes,
  putHead,
  putLongVarint,
  putVarint,
  textField,
  varintBytes,
} from './wire-write.ts'

const ID = 3
const OUTPUTS = 5
const RAW = 6
const SHAPE = 3
const CONTENTS = 5

/** The field `datatype` of an output. */
const DATATYPE_FIELDS = Object.fromEntries(
  DATATYPES.map((datatype) => [datatype, textField(2, datatype)]),
) as Record<Datatype, Uint8Array>

/** One output, and the bytes that each of its messages takes. */
interface Sized {
  readonly part: Part
  readonly name: Uint8Array
  readonly isRaw: boolean
  readonly shapeBytes: number
  /** Of the elements, as they are in `raw_output_contents` or in one packed field. */
  readonly dataBytes: number
  /** Of the message `contents`; 0: there is none. */
  readonly contentsBytes: number
  /** Of the message of the output. */
  readonly outputBytes: number
}

type Long = BigInt64Array | BigUint64Array

const isLong = (data: NumericArray): data is Long =>
  data instanceof BigInt64Array || data instanceof BigUint64Array

const isFloat = (data: NumericArray): boolean =>
  data instanceof Float32Array || data instanceof Float64Array

/** Low and high half of each element, in turn. */
const halvesOf = ({ buffer, byteOffset, length }: Long): Uint32Array =>
  new Uint32Array(buffer, byteOffset, 2 * length)

/** The high half of an integer of 32 bits: all that is below 0 takes ten bytes. */
const HIGH_OF_NEGATIVE = 0xffffffff
const NEGATIVE_BYTES = 10

/** Bytes of the elements `from .. to - 1` in a packed field. */
const packedBytes = (data: NumericArray, from: number, to: number): number => {
  if (isFloat(data)) return sizeInBytes(data, from, to)
  let size = 0
  if (isLong(data)) {
    const halves = halvesOf(data)
    for (let i = from; i < to; i++) size += longVarintBytes(halves[2 * i]!, halves[2 * i + 1]!)
    return size
  }
  for (let i = from; i < to; i++) {
    const value = data[i] as number
    size += value < 0 ? NEGATIVE_BYTES : varintBytes(value)
  }
  return size
}

const putPacked = (
  target: Buffer,
  start: number,
  data: NumericArray,
  from: number,
  to: number,
): number => {
  if (isFloat(data)) return writeBytes(target, start, data, from, to)
  let at = start
  if (isLong(data)) {
    const halves = halvesOf(data)
    for (let i = from; i < to; i++) {
      at = putLongVarint(target, at, halves[2 * i]!, halves[2 * i + 1]!)
    }
    return at
  }
  for (let i = from; i < to; i++) {
    const value = data[i] as number
    at =
      value < 0
        ? putLongVarint(target, at, value >>> 0, HIGH_OF_NEGATIVE)
        : putVarint(target, at, value)
  }
  return at
}

/** Bytes of the fields of texts. */
const textsBytes = (data: readonly string[], from: number, to: number): number => {
  let size = 0
  for (let i = from; i < to; i++) size += fieldBytes(Buffer.byteLength(data[i]!))
  return size
}

const putTexts = (
  target: Buffer,
  start: number,
  data: readonly string[],
  from: number,
  to: number,
): number => {
  let at = start
  for (let i = from; i < to; i++) {
    const text = data[i]!
    at = putHead(target, at, CONTENTS_FIELD.BYTES, Buffer.byteLength(text))
    at += target.write(text, at)
  }
  return at
}

const sized = (answer: Answer, asked: AskedOutput): Sized => {
  const part = partOf(answer, asked)
  const { result, shape, from, to } = part
  const { data, datatype } = result
  const isRaw = asked.isBinary
  const name = answer.plan.grpc.names[asked.index]!
  let shapeBytes = 0
  for (const size of shape) shapeBytes += varintBytes(size)
  let dataBytes = 0
  let contentsBytes = 0
  if (isRaw) dataBytes = sizeInBytes(data, from, to)
  else if (Array.isArray(data)) contentsBytes = textsBytes(data, from, to)
  else {
    dataBytes = packedBytes(data, from, to)
    contentsBytes = dataBytes > 0 ? fieldBytes(dataBytes) : 0
  }
  let outputBytes = name.length + DATATYPE_FIELDS[datatype].length
  if (shapeBytes > 0) outputBytes += fieldBytes(shapeBytes)
  if (contentsBytes > 0) outputBytes += fieldBytes(contentsBytes)
  return { part, name, isRaw, shapeBytes, dataBytes, contentsBytes, outputBytes }
}

/** The message of an output. */
const putOutput = (target: Buffer, start: number, output: Sized): number => {
  const { part, name, shapeBytes, dataBytes, contentsBytes, outputBytes } = output
  const { result, shape, from, to } = part
  const { data, datatype } = result
  let at = putHead(target, start, OUTPUTS, outputBytes)
  at = putBytes(target, at, name)
  at = putBytes(target, at, DATATYPE_FIELDS[datatype])
  if (shapeBytes > 0) {
    at = putHead(target, at, SHAPE, shapeBytes)
    for (const size of shape) at = putVarint(target, at, size)
  }
  if (contentsBytes === 0) return at
  at = putHead(target, at, CONTENTS, contentsBytes)
  if (Array.isArray(data)) return putTexts(target, at, data, from, to)
  at = putHead(target, at, CONTENTS_FIELD[datatype], dataBytes)
  return putPacked(target, at, data, from, to)
}

/** The bytes of an answer, which are the caller's until the next one. */
export const encodeGrpcAnswer = (answer: Answer): Buffer | Refusal => {
  const { plan, bodyId, rows } = answer
  const { head } = plan.grpc
  const idBytes = bodyId === null ? 0 : Buffer.byteLength(bodyId)
  let bytes = head.length + (idBytes > 0 ? fieldBytes(idBytes) : 0)
  let rawBytes = 0
  let rawCount = 0
  const outputs: Sized[] = []
  for (const asked of answer.outputs ?? plan.oipAnswer.all) {
    const output = sized(answer, asked)
    outputs.push(output)
    bytes += fieldBytes(output.outputBytes)
    if (!output.isRaw) continue
    rawCount++
    rawBytes += output.dataBytes
    bytes += fieldBytes(output.dataBytes)
  }
  const refusal = refuseBinary(rawBytes, rows, rawCount)
  if (refusal !== null) return refusal
  const target = takeBuffer(bytes)
  let at = putBytes(target, 0, head)
  if (idBytes > 0) {
    at = putHead(target, at, ID, idBytes)
    at += target.write(bodyId!, at)
  }
  for (const output of outputs) at = putOutput(target, at, output)
  for (const { isRaw, dataBytes, part } of outputs) {
    if (!isRaw) continue
    const { result, from, to } = part
    at = putHead(target, at, RAW, dataBytes)
    at = writeBytes(target, at, result.data, from, to)
  }
  return target
}
