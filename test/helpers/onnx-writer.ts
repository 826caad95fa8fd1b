/**
 * Writes ONNX models, for tests: just enough protobuf to say sound things and unsound ones. Field
 * numbers are those of `onnx/onnx.proto` (onnx 1.20); wire format: protobuf.dev, "Encoding".
 */

export type Bytes = Uint8Array

const join = (parts: readonly Bytes[]): Bytes => new Uint8Array(Buffer.concat(parts))

/** A base-128 number; negative ones take ten bytes, as two's complement. */
export const varint = (value: number | bigint): Bytes => {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Uint8Array.from(bytes)
}

/** Field `number`: a length-delimited one for text and bytes, a varint for numbers. */
export const field = (number: number, value: string | Bytes | number | bigint): Bytes => {
  if (typeof value === 'number' || typeof value === 'bigint') {
    return join([varint(number * 8), varint(value)])
  }
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value
  return join([varint(number * 8 + 2), varint(bytes.length), bytes])
}

const fixed32 = (number: number, value: number): Bytes => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setFloat32(0, value, true)
  return join([varint(number * 8 + 5), bytes])
}

/** A message of fields in the order given. */
export const message = (...fields: readonly Bytes[]): Bytes => join(fields)

/** TensorProto.DataType */
export const ELEMENT = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BYTES: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
} as const

/** Sizes; a text names a free dimension. */
export type Shape = readonly (number | string)[]

const tensorType = (element: number, shape: Shape): Bytes => {
  const dims = shape.map((size) => field(1, field(typeof size === 'number' ? 1 : 2, size)))
  return field(1, message(field(1, element), field(2, message(...dims))))
}

/** ValueInfoProto of a tensor. */
export const value = (name: string, element: number, shape: Shape): Bytes =>
  message(field(1, name), field(2, tensorType(element, shape)))

/** ValueInfoProto of a sequence of tensors. */
export const sequence = (name: string, element: number, shape: Shape): Bytes =>
  message(field(1, name), field(2, field(4, field(1, tensorType(element, shape)))))

/** TensorProto with raw data. */
export const tensor = (
  name: string,
  element: number,
  dims: readonly number[],
  data: ArrayBufferView,
): Bytes => {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  return message(
    ...dims.map((size) => field(1, size)),
    field(2, element),
    field(8, name),
    field(9, raw),
  )
}

export const floats = (name: string, dims: readonly number[], data: readonly number[]): Bytes =>
  tensor(name, ELEMENT.FP32, dims, Float32Array.from(data))

export const longs = (name: string, dims: readonly number[], data: readonly bigint[]): Bytes =>
  tensor(name, ELEMENT.INT64, dims, BigInt64Array.from(data))

/** TensorProto whose data lies in another file. */
export const externalTensor = (
  name: string,
  dims: readonly number[],
  entries: Readonly<Record<string, string>>,
): Bytes =>
  message(
    ...dims.map((size) => field(1, size)),
    field(2, ELEMENT.FP32),
    field(8, name),
    ...Object.entries(entries).map(([key, text]) =>
      field(13, message(field(1, key), field(2, text))),
    ),
    field(14, 1),
  )

/** AttributeProto makers; the last number is AttributeProto.AttributeType. */
export const attribute = {
  float: (name: string, number: number) =>
    message(field(1, name), fixed32(2, number), field(20, 1)),
  int: (name: string, number: number) => message(field(1, name), field(3, number), field(20, 2)),
  tensor: (name: string, bytes: Bytes) => message(field(1, name), field(5, bytes), field(20, 4)),
  graph: (name: string, bytes: Bytes) => message(field(1, name), field(6, bytes), field(20, 5)),
  ints: (name: string, numbers: readonly number[]) =>
    message(field(1, name), ...numbers.map((number) => field(8, number)), field(20, 7)),
}

export interface NodeParts {
  readonly attributes?: readonly Bytes[]
  readonly domain?: string
}

/** NodeProto. */
export const node = (
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  { attributes = [], domain = '' }: NodeParts = {},
): Bytes =>
  message(
    ...inputs.map((name) => field(1, name)),
    ...outputs.map((name) => field(2, name)),
    field(4, operator),
    ...attributes.map((bytes) => field(5, bytes)),
    ...(domain === '' ? [] : [field(7, domain)]),
  )

export interface GraphParts {
  readonly nodes: readonly Bytes[]
  readonly inputs?: readonly Bytes[]
  readonly outputs: readonly Bytes[]
  readonly initializers?: readonly Bytes[]
}

/** GraphProto. */
export const graph = ({ nodes, inputs = [], outputs, initializers = [] }: GraphParts): Bytes =>
  message(
    ...nodes.map((bytes) => field(1, bytes)),
    field(2, 'graph'),
    ...initializers.map((bytes) => field(5, bytes)),
    ...inputs.map((bytes) => field(11, bytes)),
    ...outputs.map((bytes) => field(12, bytes)),
  )

interface LoopParts {
  /** Name of the outer value that bounds the trips; '' for none. */
  readonly trips: string
  readonly body: readonly Bytes[]
  readonly state: Shape
}

/** What `loop` begins with: an initializer. */
export const LOOP_GO = tensor('go', ELEMENT.BOOL, [], Uint8Array.of(1))

/** A loop that carries `state`, which begins as the outer `state0` and ends as `state1`. */
export const loop = ({ trips, body, state }: LoopParts): Bytes =>
  node('Loop', [trips, 'go', 'state0'], ['state1'], {
    attributes: [
      attribute.graph(
        'body',
        graph({
          nodes: [...body, node('Identity', ['go_in'], ['go_out'])],
          inputs: [
            value('trip', ELEMENT.INT64, []),
            value('go_in', ELEMENT.BOOL, []),
            value('state_in', ELEMENT.FP32, state),
          ],
          outputs: [value('go_out', ELEMENT.BOOL, []), value('state_out', ELEMENT.FP32, state)],
        }),
      ),
    ],
  })

export const opset = (domain: string, version: number): Bytes =>
  message(field(1, domain), field(2, version))

/** FunctionProto. */
export const functionOf = (
  [domain, name]: readonly [string, string],
  [inputs, outputs]: readonly [readonly string[], readonly string[]],
  nodes: readonly Bytes[],
): Bytes =>
  message(
    field(1, name),
    ...inputs.map((text) => field(4, text)),
    ...outputs.map((text) => field(5, text)),
    ...nodes.map((bytes) => field(7, bytes)),
    field(9, opset('', 17)),
    field(10, domain),
  )

export interface ModelParts {
  readonly producer?: string
  readonly opsets?: readonly Bytes[]
  readonly metadata?: Readonly<Record<string, string>>
  /** More fields of ModelProto. */
  readonly more?: readonly Bytes[]
}

/** ModelProto, as the bytes of a file. IR 8, opset 17: what every runtime of today loads. */
export const model = (graphBytes: Bytes, parts: ModelParts = {}): Bytes => {
  const { producer = 'test', opsets = [opset('', 17)], metadata = {}, more = [] } = parts
  return message(
    field(1, 8),
    field(2, producer),
    field(7, graphBytes),
    ...opsets.map((bytes) => field(8, bytes)),
    ...Object.entries(metadata).map(([key, text]) =>
      field(14, message(field(1, key), field(2, text))),
    ),
    ...more,
  )
}
