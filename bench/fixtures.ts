/** What the servers are asked: rows of 30 numbers, always the same. */

import { create, toBinary } from '@bufbuild/protobuf'
import { ModelInferRequestSchema } from '../proto/gen/inference_pb.ts'
import { seededUniform } from './load/arrivals.ts'
import { CALL_HEADERS, framed } from './load/call-plan.ts'

export const MLP_REPOSITORY = 'bench/fixtures/models'
export const MLP_FILE = `${MLP_REPOSITORY}/mlp/1/model.onnx`

const uniform = seededUniform(30)

/** Seven significant digits, as a float32 printed by most clients. */
export const ROW: readonly number[] = Array.from({ length: 30 }, () =>
  Number((uniform() * 2 - 1).toPrecision(7)),
)

/** One request, always the same. */
export interface RequestForm {
  /** A query, which HTTP servers ignore, tells two forms of one path apart. */
  readonly path: string
  /** Its bytes as latin1. */
  readonly body: string
  readonly headers: readonly string[]
  readonly rows: number
}

export const JSON_HEADERS = ['content-type: application/json']

export const FEATURES_BODY = JSON.stringify({ features: ROW })

export const OIP_BODY = JSON.stringify({
  inputs: [{ name: 'input', shape: [1, ROW.length], datatype: 'FP32', data: ROW }],
})

const OIP_PATH = '/v2/models/mlp/infer'

export const OIP_FORM: RequestForm = {
  path: OIP_PATH,
  body: OIP_BODY,
  headers: JSON_HEADERS,
  rows: 1,
}

interface BinaryParts {
  readonly path: string
  /** Name of the only input. */
  readonly input: string
  readonly rows: number
  /** Row-major. */
  readonly data: Float32Array
}

/** Open Inference Protocol with binary tensors both ways: what tritonclient sends as a rule. */
export const binaryForm = ({ path, input, rows, data }: BinaryParts): RequestForm => {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const head = JSON.stringify({
    inputs: [
      {
        name: input,
        shape: [rows, data.length / rows],
        datatype: 'FP32',
        parameters: { binary_data_size: bytes.length },
      },
    ],
    parameters: { binary_data_output: true },
  })
  return {
    path,
    body: head + bytes.toString('latin1'),
    headers: [
      'content-type: application/octet-stream',
      `inference-header-content-length: ${head.length}`,
    ],
    rows,
  }
}

const BINARY_ROWS = 64

const BINARY_DATA = Float32Array.from({ length: BINARY_ROWS * ROW.length }, () => uniform() * 2 - 1)

export const BINARY_FORM: RequestForm = binaryForm({
  path: `${OIP_PATH}?binary`,
  input: 'input',
  rows: BINARY_ROWS,
  data: BINARY_DATA,
})

/** Triton's ModelInfer with raw contents. */
const callForm = (data: Float32Array): RequestForm => {
  const rows = data.length / ROW.length
  const shape = [BigInt(rows), BigInt(ROW.length)]
  const message = create(ModelInferRequestSchema, {
    modelName: 'mlp',
    inputs: [{ name: 'input', datatype: 'FP32', shape }],
    rawInputContents: [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  })
  return {
    path: '/inference.GRPCInferenceService/ModelInfer',
    body: framed(toBinary(ModelInferRequestSchema, message)).toString('latin1'),
    headers: CALL_HEADERS,
    rows,
  }
}

export const CALL_FORM: RequestForm = callForm(Float32Array.from(ROW))

/** The rows of BINARY_FORM. */
export const BATCH_CALL_FORM: RequestForm = callForm(BINARY_DATA)
