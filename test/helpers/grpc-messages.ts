/** Messages of gRPC for requests of the Open Inference Protocol, in every spelling of protobuf. */

import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import {
  type InferParameter,
  type InferTensorContents,
  type InferTensorContentsSchema,
  ModelInferRequestSchema,
} from '../../proto/gen/inference_pb.ts'
import type { Datatype } from '../../src/shared/tensor.ts'
import { tensorBytes } from './binary-tensors.ts'
import { varint } from './onnx-writer.ts'
import type { Value } from './spellings.ts'
import type { GivenRequest } from './wire-forms.ts'

export type RequestInit = MessageInitShape<typeof ModelInferRequestSchema>
type ContentsInit = MessageInitShape<typeof InferTensorContentsSchema>
export type Choice = InferParameter['parameterChoice']

const FIELDS: Readonly<Record<Datatype, keyof InferTensorContents>> = {
  BOOL: 'boolContents',
  INT8: 'intContents',
  INT16: 'intContents',
  INT32: 'intContents',
  INT64: 'int64Contents',
  UINT8: 'uintContents',
  UINT16: 'uintContents',
  UINT32: 'uintContents',
  UINT64: 'uint64Contents',
  FP32: 'fp32Contents',
  FP64: 'fp64Contents',
  BYTES: 'bytesContents',
}

/** Elements in the typed field of their datatype. */
export const contentsOf = (datatype: Datatype, values: readonly Value[]): ContentsInit => {
  const elements = values.map((value) => {
    if (datatype === 'BYTES') return new TextEncoder().encode(String(value))
    return datatype === 'BOOL' ? value !== 0 : value
  })
  return { [FIELDS[datatype]]: elements } as ContentsInit
}

/** Elements of contents as a client reads them. */
export const valuesOf = (datatype: Datatype, contents: InferTensorContents): Value[] =>
  (contents[FIELDS[datatype]] as readonly unknown[]).map((element) => {
    if (typeof element === 'boolean') return Number(element)
    if (element instanceof Uint8Array) {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(element)
    }
    return element as Value
  })

/** The same request as a message, its elements raw or typed. */
export const grpcRequest = (
  { inputs, id, outputs }: GivenRequest,
  isRaw: boolean,
): RequestInit => ({
  modelName: 'clicks',
  id: id ?? '',
  inputs: inputs.map(({ name, told, datatype, shape, values }) => ({
    name,
    datatype: told,
    shape: shape.map(BigInt),
    ...(isRaw ? {} : { contents: contentsOf(datatype, values) }),
  })),
  outputs: (outputs ?? []).map((name) => ({ name })),
  rawInputContents: isRaw
    ? inputs.map(({ datatype, values }) => tensorBytes(datatype, values))
    : [],
})

export const grpcBytes = (request: RequestInit): Uint8Array =>
  toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, request))

/** A field of a message, with its tag; `number` keeps repeated fields in their order. */
interface Piece {
  readonly number: number
  readonly bytes: Uint8Array
}

const piece = (number: number, wire: number, payload: Uint8Array): Piece => {
  const tag = varint(BigInt(number * 8 + wire))
  const size = wire === 2 ? varint(BigInt(payload.length)) : new Uint8Array(0)
  return { number, bytes: Buffer.concat([tag, size, payload]) }
}

/** Choices that the spelling of one message makes. */
interface Taste {
  /** Below `count`. */
  readonly pick: (count: number) => number
}

/** What a reader must skip. */
const unknownPiece = ({ pick }: Taste): Piece => {
  const number = 100 + pick(3000)
  const payloads = [varint(2n ** 63n), new Uint8Array(8), Buffer.from('\xff any', 'latin1')]
  const kind = pick(4)
  return kind === 3 ? piece(number, 5, new Uint8Array(4)) : piece(number, kind, payloads[kind]!)
}

/** Pieces in any order in which those of one number keep theirs. */
const shuffled = (pieces: readonly Piece[], { pick }: Taste): Uint8Array => {
  const queues = Map.groupBy(pieces, ({ number }) => number)
  const out: Uint8Array[] = []
  while (queues.size > 0) {
    const [number, queue] = [...queues][pick(queues.size)]!
    out.push(queue.shift()!.bytes)
    if (queue.length === 0) queues.delete(number)
  }
  return Buffer.concat(out)
}

const text = (number: number, value: string): Piece => piece(number, 2, Buffer.from(value))

/** A scalar: what came before the last one does not count. */
const scalar = (number: number, value: string, { pick }: Taste): Piece[] =>
  pick(4) === 0 ? [text(number, 'earlier'), text(number, value)] : [text(number, value)]

/** Numbers packed, one by one, or in packs. */
const numbers = (
  number: number,
  wire: number,
  elements: readonly Uint8Array[],
  { pick }: Taste,
): Piece[] => {
  const pieces: Piece[] = []
  for (let from = 0; from < elements.length; ) {
    const count = pick(3) === 0 ? 1 + pick(elements.length - from) : elements.length - from
    const isAlone = pick(3) === 0
    const own = elements.slice(from, isAlone ? from + 1 : from + count)
    pieces.push(piece(number, isAlone ? wire : 2, Buffer.concat(own)))
    from += own.length
  }
  return pieces
}

const WIRES: Readonly<Partial<Record<Datatype, number>>> = { FP32: 5, FP64: 1 }
const CONTENTS_NUMBERS: Readonly<Record<keyof InferTensorContents, number>> = {
  $typeName: 0,
  $unknown: 0,
  boolContents: 1,
  intContents: 2,
  int64Contents: 3,
  uintContents: 4,
  uint64Contents: 5,
  fp32Contents: 6,
  fp64Contents: 7,
  bytesContents: 8,
}

const elementBytes = (datatype: Datatype, value: Value): Uint8Array => {
  if (datatype in WIRES) return tensorBytes(datatype, [value])
  if (datatype === 'BYTES') return Buffer.from(String(value))
  return varint(BigInt.asUintN(64, BigInt(value)))
}

/** Contents in as many parts as it likes. */
const contentsPieces = (datatype: Datatype, values: readonly Value[], taste: Taste): Piece[] => {
  const number = CONTENTS_NUMBERS[FIELDS[datatype]]
  const elements = values.map((value) => elementBytes(datatype, value))
  const own =
    datatype === 'BYTES'
      ? elements.map((bytes) => piece(number, 2, bytes))
      : numbers(number, WIRES[datatype] ?? 0, elements, taste)
  const cut = taste.pick(own.length + 1)
  return [own.slice(0, cut), own.slice(cut)].map((part) =>
    piece(5, 2, shuffled([...part, unknownPiece(taste)], taste)),
  )
}

/** The bytes of the same message as no library writes them, but any may. */
export const oddGrpcBytes = (
  { inputs, id, outputs }: GivenRequest,
  isRaw: boolean,
  seeds: readonly number[],
): Uint8Array => {
  let next = 0
  const taste: Taste = { pick: (count) => seeds[next++ % seeds.length]! % count }
  const messages = inputs.map(({ name, told, datatype, shape, values }) => {
    const dimensions = shape.map((size) => varint(BigInt.asUintN(64, BigInt(size))))
    return shuffled(
      [
        ...scalar(1, name, taste),
        ...scalar(2, told, taste),
        ...numbers(3, 0, dimensions, taste),
        ...(isRaw ? [] : contentsPieces(datatype, values, taste)),
        unknownPiece(taste),
      ],
      taste,
    )
  })
  const raws = isRaw ? inputs.map(({ datatype, values }) => tensorBytes(datatype, values)) : []
  return shuffled(
    [
      ...scalar(1, 'clicks', taste),
      ...scalar(3, id ?? '', taste),
      ...messages.map((bytes) => piece(5, 2, bytes)),
      ...(outputs ?? []).map((name) => piece(6, 2, shuffled(scalar(1, name, taste), taste))),
      ...raws.map((bytes) => piece(7, 2, bytes)),
      unknownPiece(taste),
    ],
    taste,
  )
}

export const tastes: fc.Arbitrary<number[]> = fc.array(fc.nat({ max: 1000 }), {
  minLength: 1,
  maxLength: 12,
})
