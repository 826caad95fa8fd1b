/** Messages of gRPC: rows of 30 floats, and their answer. */

import { create, toBinary } from '@bufbuild/protobuf'
import { ModelInferRequestSchema } from '../../proto/gen/inference_pb.ts'
import { decodeRequest, encodeResponse } from '../../src/server/protocols/grpc/grpc-infer.ts'
import { peekModel } from '../../src/server/protocols/grpc/peek-model.ts'
import { seededUniform } from '../load/arrivals.ts'
import type { MicroCase } from '../measure/micro-case.ts'
import { answerOfRows, decodeCase, numbersPlan } from './decode.ts'

const WIDTH = 30

/** What tritonclient sends; as a Buffer, as sockets give it. */
const requestOf = (rows: number, isRaw: boolean): Buffer => {
  const uniform = seededUniform(64)
  const numbers = Float32Array.from({ length: rows * WIDTH }, () => uniform() * 2 - 1)
  const contents = isRaw ? undefined : { fp32Contents: [...numbers] }
  const shape = [BigInt(rows), BigInt(WIDTH)]
  const request = create(ModelInferRequestSchema, {
    modelName: 'mlp',
    inputs: [{ name: 'input', datatype: 'FP32', shape, ...(contents && { contents }) }],
    outputs: [{ name: 'label' }, { name: 'probabilities' }],
    rawInputContents: isRaw ? [new Uint8Array(numbers.buffer)] : [],
  })
  return Buffer.from(toBinary(ModelInferRequestSchema, request))
}

const decode = (name: string, rows: number, isRaw: boolean): MicroCase =>
  decodeCase(name, [requestOf(rows, isRaw)], numbersPlan, decodeRequest)

const encode = (name: string, rows: number, isRaw: boolean): MicroCase => ({
  name,
  setup: () => {
    const plan = numbersPlan()
    const outputs = isRaw ? plan.grpc.raw : null
    const answer = { ...answerOfRows(plan, rows), outputs }
    return () => {
      const body = encodeResponse(answer)
      return body instanceof Uint8Array ? body.length + body[body.length - 1]! : -1
    }
  },
})

const peek: MicroCase = {
  name: 'peek: the model of a gRPC request',
  setup: () => {
    const body = requestOf(1, true)
    return () => {
      const asked = peekModel(body)
      return 'name' in asked ? asked.name.length : -1
    }
  },
}

export const grpc: readonly MicroCase[] = [
  peek,
  decode('decode: 1 row of 30 floats, gRPC raw', 1, true),
  decode('decode: 1 row of 30 floats, gRPC typed', 1, false),
  decode('decode: 64 rows of 30 floats, gRPC raw', 64, true),
  encode('encode: 1 row of 2 outputs, gRPC raw', 1, true),
  encode('encode: 1 row of 2 outputs, gRPC typed', 1, false),
  encode('encode: 64 rows of 2 outputs, gRPC raw', 64, true),
]
