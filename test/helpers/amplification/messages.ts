/** Messages of gRPC that cost as much as their authors can think of, of any length. */

import type { Datatype } from '../../../src/shared/tensor.ts'
import { contentsOf, grpcBytes, type RequestInit } from '../grpc-messages.ts'
import { field, varint } from '../onnx-writer.ts'
import type { PlanName } from './plans.ts'

export interface HostileMessage {
  readonly title: string
  readonly plan: PlanName
  readonly body: Uint8Array
}

const repeated = (unit: Uint8Array, bytes: number): Uint8Array =>
  Buffer.alloc(Math.max(1, Math.floor(bytes / unit.length)) * unit.length, unit)

/** A sound input with fields behind the usual ones. */
const input = (
  datatype: Datatype,
  shape: readonly number[],
  ...fields: Uint8Array[]
): Uint8Array => {
  const dimensions = Buffer.concat(shape.map((size) => varint(size)))
  return field(
    5,
    Buffer.concat([field(1, 'x'), field(2, datatype), field(3, dimensions), ...fields]),
  )
}

/** A request of one input whose elements stand in `bytes` bytes of contents, `size` each. */
const typed = (
  title: string,
  plan: PlanName,
  datatype: Datatype,
  contents: Uint8Array,
  count: number,
): HostileMessage => ({
  title: `gRPC ${title}`,
  plan,
  body: input(datatype, [1, count], field(5, contents)),
})

const raw = (title: string, plan: PlanName, datatype: Datatype, count: number, bytes: number) => {
  const inputs = [{ name: 'x', datatype, shape: [1n, BigInt(count)] }]
  const request: RequestInit = { inputs, rawInputContents: [new Uint8Array(bytes)] }
  return { title: `gRPC ${title}`, plan, body: grpcBytes(request) }
}

/** All kinds, of about so many bytes. */
export const grpcMessages = (bytes: number): HostileMessage[] => {
  const sound = grpcBytes({
    inputs: [{ name: 'x', datatype: 'FP64', shape: [1n, 1n], contents: contentsOf('FP64', [0]) }],
  })
  const again = (title: string, unit: Uint8Array): HostileMessage => ({
    title: `gRPC ${title}`,
    plan: 'fp64',
    body: Buffer.concat([sound, repeated(unit, bytes)]),
  })
  const within = (title: string, unit: Uint8Array): HostileMessage => ({
    title: `gRPC ${title}`,
    plan: 'fp64',
    body: input('FP64', [1, 1], repeated(unit, bytes)),
  })
  const ones = repeated(Uint8Array.of(1), bytes)
  const one = Uint8Array.of(2 << 3, 1)
  return [
    raw('raw int64', 'int64', 'INT64', bytes / 8, bytes),
    raw('raw bool', 'bool', 'BOOL', bytes, bytes),
    raw('raw empty texts', 'text', 'BYTES', bytes / 4, bytes),
    typed('packed int64', 'int64', 'INT64', field(3, ones), bytes),
    typed('packed bool', 'bool', 'BOOL', field(1, ones), bytes),
    typed(
      'int64 one by one',
      'int64',
      'INT64',
      repeated(Uint8Array.of(3 << 3, 1), bytes),
      bytes / 2,
    ),
    typed('empty texts', 'text', 'BYTES', repeated(field(8, ''), bytes), bytes / 2),
    typed('short texts', 'text', 'BYTES', repeated(field(8, 'a'), bytes), Math.floor(bytes / 3)),
    typed('too many elements', 'int64', 'INT64', field(3, ones), 3),
    typed('elements of another field', 'fp64', 'FP64', repeated(one, bytes), 3),
    within('contents of nothing', field(5, '')),
    within('names of an input', field(1, 'x')),
    within('dimensions', Uint8Array.of(3 << 3, 1)),
    within('parameters of an input', field(4, '')),
    again('inputs of no name', field(5, '')),
    again('outputs of no name', field(6, '')),
    again('raw inputs of nothing', field(7, '')),
    again('parameters', field(4, field(1, 'k'))),
    again(
      'known parameters',
      field(4, Buffer.concat([field(1, 'timeout'), field(2, field(2, 1))])),
    ),
    again('ids', field(3, 'a')),
    again('unknown fields', Uint8Array.of(15 << 3, 1)),
  ]
}
