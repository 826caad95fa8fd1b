/** The decoder of gRPC requests as a target. */

import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelInferRequestSchema } from '../../../proto/gen/inference_pb.ts'
import { decodeRequest } from '../../../src/server/protocols/grpc/grpc-infer.ts'
import { peekModel } from '../../../src/server/protocols/grpc/peek-model.ts'
import type { DecodeRequest } from '../../../src/server/protocols/protocol.ts'
import { textBytes } from '../binary-tensors.ts'
import { contentsOf, grpcBytes } from '../grpc-messages.ts'
import { expectWithin, guardedTarget, outcomeOf } from '../guarded-target.ts'
import { emptyDecoded, planOf, tensor } from '../variant-plans.ts'
import { type Input, inputFrom, type Target, type Verdict } from './harness.ts'
import { protobufBytes } from './protobuf.ts'

const PLANS = [
  planOf({ inputs: [tensor('x', 'FP32', -1, 3)] }),
  planOf({ inputs: [tensor('x', 'INT64', -1, -1)] }),
  planOf({ inputs: [tensor('x', 'INT8', 2, 2)], rowsMax: 0 }),
  planOf({
    inputs: [tensor('x', 'FP32', -1, 2), tensor('t', 'BYTES', -1, 1), tensor('b', 'BOOL', -1, -1)],
    outputs: [tensor('score', 'FP32', -1, 1), tensor('label', 'BYTES', -1, 1)],
  }),
]

const x = (datatype: string, ...shape: number[]) => ({
  name: 'x',
  datatype,
  shape: shape.map(BigInt),
})
const count = (value: bigint) => ({ parameterChoice: { case: 'int64Param' as const, value } })
const MESSAGES: readonly Uint8Array[] = [
  { modelName: 'm', inputs: [x('FP32', 1, 3)], rawInputContents: [new Uint8Array(12)] },
  { inputs: [{ ...x('FP32', 2, 3), contents: contentsOf('FP32', [1, 2, 3, 4, 5, 6]) }] },
  { id: 'a', inputs: [{ ...x('INT64', 1, 2), contents: contentsOf('INT64', [1n, -1n]) }] },
  { inputs: [{ ...x('INT8', 2, 2), contents: contentsOf('INT8', [1, -1, 127, -128]) }] },
  {
    parameters: { priority: count(1n), timeout: count(1000n), custom: {} },
    inputs: [
      { ...x('FP32', 1, 2), contents: contentsOf('FP32', [0.5, -0]) },
      { name: 't', datatype: 'BYTES', shape: [1n, 1n], contents: contentsOf('BYTES', ['ä']) },
      { name: 'b', datatype: 'BOOL', shape: [1n, 2n], contents: contentsOf('BOOL', [0, 1]) },
    ],
    outputs: [{ name: 'label' }, { name: 'score', parameters: { classification: count(2n) } }],
  },
  {
    inputs: [
      { name: 'b', datatype: 'BOOL', shape: [1n, 1n] },
      x('FP32', 1, 2),
      { name: 't', datatype: 'BYTES', shape: [1n, 1n] },
    ],
    rawInputContents: [Uint8Array.of(1), new Uint8Array(8), textBytes('ä')],
  },
].map(grpcBytes)

/** What a message says in the words of protobuf-es. It reads more than is taken here. */
const rewritten = (bytes: Uint8Array): Uint8Array =>
  toBinary(ModelInferRequestSchema, fromBinary(ModelInferRequestSchema, bytes))

/** Bytes of a text in an array: its pointer and its own. */
const TEXT_BYTES = 32

const checkWith =
  (decode: DecodeRequest) =>
  ({ bytes, choice }: Input): Verdict => {
    const plan = PLANS[choice % PLANS.length]!
    const place = { row: (choice >> 2) % 3, room: (choice >> 4) % 5 }
    const read = (body: Uint8Array) => {
      const [target, decoded] = [guardedTarget(plan, place), emptyDecoded()]
      const refusal = decode(body, plan, target, decoded, () => {})
      expectWithin(plan, target, target.room)
      return { refusal, decoded, outcome: refusal?.code ?? outcomeOf(plan, target, decoded) }
    }
    const { refusal, decoded, outcome } = read(bytes)
    const asked = peekModel(bytes)
    const grownBytes = (decoded.tensors ?? []).reduce(
      (sum, { data }) => sum + (Array.isArray(data) ? TEXT_BYTES * data.length : data.byteLength),
      0,
    )
    const verdict = { fault: null, isTaken: refusal === null, grownBytes }
    if (refusal !== null) return verdict
    if ('code' in asked) return { ...verdict, fault: 'taken, but no model can be asked for' }
    // What is taken is what protobuf reads, and its own words for it are taken as the same.
    const { modelName, modelVersion } = fromBinary(ModelInferRequestSchema, bytes)
    if (asked.name !== modelName || asked.version !== modelVersion) {
      return { ...verdict, fault: 'another model than protobuf reads' }
    }
    const texts = [outcome, read(rewritten(bytes)).outcome].map((each) =>
      JSON.stringify(each, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)),
    )
    const isSame = texts[0] === texts[1]
    return isSame ? verdict : { ...verdict, fault: `protobuf says another: ${texts.join(' | ')}` }
  }

/** Bytes at the end that are passed over where they make no field. */
const PASSED_OVER_MAX = 64

/** Is content with what stands before the damage. */
const careless: DecodeRequest = (body, plan, target, decoded, onSlow) => {
  let refusal = decodeRequest(body, plan, target, decoded, onSlow)
  for (let less = 1; refusal !== null && less <= PASSED_OVER_MAX; less++) {
    const shorter = body.subarray(0, Math.max(0, body.length - less))
    refusal = decodeRequest(shorter, plan, target, decoded, onSlow)
  }
  return refusal
}

export const GRPC_TARGET: Target = {
  name: 'gRPC',
  make: (seed) => inputFrom(seed, (random) => protobufBytes(random, MESSAGES)),
  check: checkWith(decodeRequest),
  canary: checkWith(careless),
}
