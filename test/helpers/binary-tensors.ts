/**
 * Binary tensors of the Open Inference Protocol, written and read element by element, as a client
 * without typed arrays would (serving.md §1.3 and §1.7).
 */

import type { BinaryBody } from '../../src/server/protocols/protocol.ts'
import type { Datatype } from '../../src/shared/tensor.ts'
import type { Value } from './spellings.ts'

interface Codec {
  readonly bytes: number
  readonly put: (view: DataView, at: number, value: number) => void
  readonly get: (view: DataView, at: number) => Value
}

const byte: Codec = {
  bytes: 1,
  put: (view, at, value) => view.setUint8(at, value),
  get: (view, at) => view.getUint8(at),
}

const CODECS: Readonly<Record<Exclude<Datatype, 'BYTES'>, Codec>> = {
  BOOL: byte,
  UINT8: byte,
  UINT16: {
    bytes: 2,
    put: (view, at, value) => view.setUint16(at, value, true),
    get: (view, at) => view.getUint16(at, true),
  },
  UINT32: {
    bytes: 4,
    put: (view, at, value) => view.setUint32(at, value, true),
    get: (view, at) => view.getUint32(at, true),
  },
  UINT64: {
    bytes: 8,
    put: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
    get: (view, at) => view.getBigUint64(at, true),
  },
  INT8: {
    bytes: 1,
    put: (view, at, value) => view.setInt8(at, value),
    get: (view, at) => view.getInt8(at),
  },
  INT16: {
    bytes: 2,
    put: (view, at, value) => view.setInt16(at, value, true),
    get: (view, at) => view.getInt16(at, true),
  },
  INT32: {
    bytes: 4,
    put: (view, at, value) => view.setInt32(at, value, true),
    get: (view, at) => view.getInt32(at, true),
  },
  INT64: {
    bytes: 8,
    put: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
    get: (view, at) => view.getBigInt64(at, true),
  },
  FP32: {
    bytes: 4,
    put: (view, at, value) => view.setFloat32(at, value, true),
    get: (view, at) => view.getFloat32(at, true),
  },
  FP64: {
    bytes: 8,
    put: (view, at, value) => view.setFloat64(at, value, true),
    get: (view, at) => view.getFloat64(at, true),
  },
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

/** An element of BYTES; `length`: what is said in front of it. */
export const textBytes = (text: string | Uint8Array, length?: number): Uint8Array => {
  const own = typeof text === 'string' ? new TextEncoder().encode(text) : text
  const bytes = new Uint8Array(4 + own.length)
  viewOf(bytes).setUint32(0, length ?? own.length, true)
  bytes.set(own, 4)
  return bytes
}

/** The elements of a tensor as bytes. */
export const tensorBytes = (datatype: Datatype, values: readonly Value[]): Uint8Array => {
  if (datatype === 'BYTES') return joined(values.map((value) => textBytes(String(value))))
  const codec = CODECS[datatype]
  const bytes = new Uint8Array(values.length * codec.bytes)
  const view = viewOf(bytes)
  for (const [i, value] of values.entries()) codec.put(view, i * codec.bytes, value as number)
  return bytes
}

export const tensorValues = (datatype: Datatype, bytes: Uint8Array): Value[] => {
  const view = viewOf(bytes)
  const values: Value[] = []
  if (datatype !== 'BYTES') {
    const codec = CODECS[datatype]
    for (let at = 0; at < bytes.length; at += codec.bytes) values.push(codec.get(view, at))
    return values
  }
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + view.getUint32(at, true)
    if (end > bytes.length) throw new Error('a text ends behind its tensor')
    values.push(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(at + 4, end)))
    at = end
  }
  return values
}

/** A body of JSON with tensors behind it, at any offset of its memory, as sockets give them. */
export const binaryBody = (
  json: object | string,
  tensors: readonly Uint8Array[],
  offset = 0,
): BinaryBody => {
  const text = typeof json === 'string' ? json : JSON.stringify(json)
  const start = new TextEncoder().encode(text)
  const bytes = joined([new Uint8Array(offset), start, ...tensors]).subarray(offset)
  return { jsonBytes: start.length, bytes }
}

export interface AnsweredOutput {
  readonly name: string
  readonly datatype: Datatype
  readonly shape: readonly number[]
  readonly data?: readonly unknown[]
  readonly parameters?: { readonly binary_data_size: number }
}

export interface ReadOutput extends AnsweredOutput {
  /** null: the output stands in the JSON. */
  readonly values: readonly Value[] | null
}

/** The outputs of an answer, those behind the JSON taken apart in its order. */
export const readBinaryAnswer = ({ jsonBytes, bytes }: BinaryBody): ReadOutput[] => {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, jsonBytes))
  const { outputs } = JSON.parse(text) as { outputs: AnsweredOutput[] }
  let at = jsonBytes
  const read = outputs.map((output): ReadOutput => {
    const size = output.parameters?.binary_data_size
    if (size === undefined) return { ...output, values: null }
    if (output.data !== undefined) throw new Error('an output has both data and bytes')
    const own = bytes.subarray(at, at + size)
    at += size
    return { ...output, values: tensorValues(output.datatype, own) }
  })
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes belong to no output`)
  return read
}
