/** Messages of gRPC say what the same request of the Open Inference Protocol says over HTTP. */

import { create, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  InferParameterSchema,
  ModelInferRequest_InferInputTensorSchema,
  ModelInferRequestSchema,
  ModelInferResponseSchema,
  RepositoryModelLoadRequestSchema,
} from '../../proto/gen/inference_pb.ts'
import { decodeRequest } from '../../src/server/protocols/grpc/grpc-infer.ts'
import { peekModel } from '../../src/server/protocols/grpc/peek-model.ts'
import * as oipJson from '../../src/server/protocols/oip/oip-json.ts'
import type { DecodeRequest } from '../../src/server/protocols/protocol.ts'
import { compileVariant, type VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { ERRORS } from '../../src/shared/errors.ts'
import type { Datatype } from '../../src/shared/tensor.ts'
import {
  type Choice,
  contentsOf,
  grpcBytes,
  grpcRequest,
  oddGrpcBytes,
  type RequestInit,
  tastes,
} from '../helpers/grpc-messages.ts'
import {
  expectWithin,
  guardedTarget,
  outcomeOf,
  type Place,
  place,
} from '../helpers/guarded-target.ts'
import { REQUEST_FAULTS } from '../helpers/request-faults.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { tensorPlan } from '../helpers/tensor-plans.ts'
import { emptyDecoded, planOf, tensor } from '../helpers/variant-plans.ts'
import { type GivenRequest, requestsOf, written } from '../helpers/wire-forms.ts'

const onSlow = (): void => {}
const anyPlan = tensorPlan.map((plan) => compileVariant({ ...plan, jsonDepthMax: 20 }))

/** What a body came to, or the code of its refusal; nothing is written but its own rows. */
const read = (
  decode: DecodeRequest,
  plan: VariantPlan,
  bytes: Uint8Array,
  where: Place,
): unknown => {
  const [target, decoded] = [guardedTarget(plan, where), emptyDecoded()]
  const refusal = decode(bytes, plan, target, decoded, onSlow)
  const isInPlace = refusal === null && decoded.tensors === null
  if (refusal !== null) {
    expectWithin(plan, target, target.room)
    expect([400, 413]).toContain(ERRORS[refusal.code].http)
    expect(refusal.detail.isWellFormed() && refusal.detail.length > 0).toBe(true)
    return refusal.code
  }
  expectWithin(plan, target, isInPlace ? decoded.rows : 0)
  return outcomeOf(plan, target, decoded)
}

/** What the same request comes to in JSON. */
const overHttp = (plan: VariantPlan, request: GivenRequest, where: Place): unknown => {
  const { bytes } = written(
    request,
    request.inputs.map(() => 'flat'),
  )
  return read(oipJson.decodeRequest, plan, bytes, where)
}

interface Outcome {
  readonly outputs: readonly object[] | null
  readonly bodyId: string | null
}

/** What a message comes to then: outputs have the form of the inputs, and an empty id is none. */
const inKind = (outcome: unknown, plan: VariantPlan, isRaw: boolean): unknown => {
  if (typeof outcome === 'string') return outcome
  const { outputs, bodyId, ...rest } = outcome as Outcome
  const all = isRaw ? plan.oipAnswer.all : null
  const asked = (outputs ?? all)?.map((output) => ({ ...output, isBinary: isRaw })) ?? null
  return { ...rest, outputs: asked, bodyId: bodyId === '' ? null : bodyId }
}

const isRawRequest = ({ inputs }: GivenRequest, isRaw: boolean): boolean =>
  isRaw && inputs.length > 0

test('decodeRequest() reads a message as the same request over HTTP, in every spelling', () => {
  const cases = anyPlan.chain((plan) =>
    fc.tuple(fc.constant(plan), requestsOf(plan), fc.boolean(), tastes, place, fc.nat({ max: 7 })),
  )
  const property = fc.property(cases, ([plan, request, isRaw, seeds, where, offset]) => {
    const wanted = inKind(overHttp(plan, request, where), plan, isRawRequest(request, isRaw))
    expect(typeof wanted).toBe('object')
    const usual = grpcBytes(grpcRequest(request, isRaw))
    const odd = oddGrpcBytes(request, isRaw, seeds)
    for (const bytes of [usual, odd]) {
      const shifted = Buffer.concat([new Uint8Array(offset), bytes]).subarray(offset)
      expect(read(decodeRequest, plan, shifted, where)).toEqual(wanted)
      expect(peekModel(shifted)).toEqual({ name: 'clicks', version: '' })
    }
    // The spelling is one that protobuf reads as the same message.
    const message = fromBinary(ModelInferRequestSchema, odd, { readUnknownFields: false })
    expect(toBinary(ModelInferRequestSchema, message)).toEqual(usual)
  })
  fc.assert(property, { numRuns: propertyRuns(400) })
})

test.each(REQUEST_FAULTS)('decodeRequest() refuses as over HTTP %s: %s', (_title, code, fault) => {
  const cases = anyPlan.chain((plan) =>
    fc.tuple(fc.constant(plan), requestsOf(plan), tastes, place),
  )
  const property = fc.property(cases, ([plan, request, seeds, where]) => {
    const wrong = fault(request, plan)
    fc.pre(wrong !== null)
    const bodies = [true, false].flatMap((isRaw) => [
      grpcBytes(grpcRequest(wrong, isRaw)),
      oddGrpcBytes(wrong, isRaw, seeds),
    ])
    expect(overHttp(plan, wrong, where)).toBe(code)
    const codes = bodies.map((bytes) => read(decodeRequest, plan, bytes, where))
    expect(codes).toEqual(bodies.map(() => code))
  })
  fc.assert(property, { numRuns: propertyRuns(60) })
})

const SMALL: readonly (readonly [Datatype, number, number])[] = [
  ['INT8', -128, 127],
  ['UINT8', 0, 255],
  ['INT16', -32768, 32767],
  ['UINT16', 0, 65535],
]

test.each(SMALL)('decodeRequest() takes of %s what lies from %i to %i', (datatype, low, high) => {
  const plan = planOf({ inputs: [tensor('x', datatype, -1)] })
  const wide = datatype.startsWith('U')
    ? fc.integer({ min: 0, max: 2 ** 32 - 1 })
    : fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
  const near = fc.constantFrom(low - 1, low, high, high + 1).filter((each) => each >= 0 || low < 0)
  const property = fc.property(fc.oneof(wide, near), (value) => {
    const input = { name: 'x', datatype, told: datatype, shape: [1], values: [value] }
    const request = { inputs: [input], id: null, outputs: null }
    const where = { row: 1, room: 2 }
    const found = read(decodeRequest, plan, grpcBytes(grpcRequest(request, false)), where)
    expect(found).toEqual(inKind(overHttp(plan, request, where), plan, false))
    expect(typeof found).toBe(value >= low && value <= high ? 'object' : 'string')
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})

/** As Triton's files have them (serving.md §1.5): by number, the names of some messages. */
const NUMBERS: readonly (readonly [DescMessage, string])[] = [
  [
    ModelInferRequestSchema,
    '1 model_name,2 model_version,3 id,4 parameters,5 inputs,6 outputs,7 raw_input_contents',
  ],
  [ModelInferRequest_InferInputTensorSchema, '1 name,2 datatype,3 shape,4 parameters,5 contents'],
  [
    ModelInferResponseSchema,
    '1 model_name,2 model_version,3 id,4 parameters,5 outputs,6 raw_output_contents',
  ],
  [InferParameterSchema, '1 bool_param,2 int64_param,3 string_param,4 double_param,5 uint64_param'],
  [RepositoryModelLoadRequestSchema, '1 repository_name,2 model_name,3 parameters'],
]

test.each(NUMBERS)("messages have Triton's numbers: $name", ({ fields }, numbers) => {
  expect(fields.map(({ number, name }) => `${number} ${name}`).join()).toBe(numbers)
})

/** Values of parameters: in JSON, and as a message has them. */
const PARAMETERS: fc.Arbitrary<readonly [text: string, choice: Choice]> = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => int64(value)),
  fc
    .constantFrom(0n, 1n, 2n ** 53n - 1n, 2n ** 53n, 1_000_000n, 1_000_001n, -1n)
    .map((v) => int64(v)),
  fc
    .bigInt({ min: 0n, max: 2n ** 64n - 1n })
    .map((value): readonly [string, Choice] => [`${value}`, { case: 'uint64Param', value }]),
  fc
    .boolean()
    .map((value): readonly [string, Choice] => [`${value}`, { case: 'boolParam', value }]),
  fc
    .constantFrom('', '1', 'é')
    .map((value): readonly [string, Choice] => [
      JSON.stringify(value),
      { case: 'stringParam', value },
    ]),
  fc
    .constantFrom(1.5, -0.5, 1e-7)
    .map((value): readonly [string, Choice] => [`${value}`, { case: 'doubleParam', value }]),
  fc.constant<readonly [string, Choice]>(['null', { case: undefined }]),
)

const int64 = (value: bigint): readonly [string, Choice] => [
  `${value}`,
  { case: 'int64Param', value },
]

const PARAMETER_NAMES = [
  ...['priority', 'timeout', 'classification', 'sequence_id', 'sequence_start', 'sequence_end'],
  ...['shared_memory_region', 'shared_memory_offset', 'custom', 'é', '__proto__', ''],
]

test('decodeRequest() takes and refuses parameters as over HTTP, wherever they stand', () => {
  const plan = planOf({ inputs: [tensor('x', 'FP32', -1)], outputs: [tensor('y', 'FP32', -1, 3)] })
  const where = { row: 0, room: 1 }
  const parameters = fc.uniqueArray(fc.tuple(fc.constantFrom(...PARAMETER_NAMES), PARAMETERS), {
    selector: ([name]) => name,
    maxLength: 2,
  })
  const property = fc.property(parameters, fc.nat({ max: 2 }), (given, place) => {
    const json = given.map(([name, [text]]) => `${JSON.stringify(name)}:${text}`).join(',')
    const [own, ofInput, ofOutput] = [0, 1, 2].map((at) =>
      at === place ? `,"parameters":{${json}}` : '',
    )
    const body = `{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[0]${ofInput}}]
      ,"outputs":[{"name":"y"${ofOutput}}]${own}}`
    const map = Object.fromEntries(
      given.map(([name, [, parameterChoice]]) => [name, { parameterChoice }]),
    )
    // As a literal it would set the prototype, and so no parameter.
    const hasProto = given.some(([name]) => name === '__proto__')
    fc.pre(!hasProto)
    const at = (index: number) => (index === place ? { parameters: map } : {})
    const contents = contentsOf('FP32', [0])
    const message: RequestInit = {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1n], contents, ...at(1) }],
      outputs: [{ name: 'y', ...at(2) }],
      ...at(0),
    }
    const wanted = read(oipJson.decodeRequest, plan, Buffer.from(body), where)
    expect(read(decodeRequest, plan, grpcBytes(message), where)).toEqual(
      inKind(wanted, plan, false),
    )
  })
  fc.assert(property, { numRuns: propertyRuns(600) })
})

test('peekModel() finds what protobuf finds, wherever it stands', () => {
  const names = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('mlp', ''))
  const fields = fc.array(
    fc.oneof(
      fc.record({ modelName: names }),
      fc.record({ modelVersion: fc.constantFrom('', '1', '12', 'é') }),
      fc.record({ id: names }),
      fc.record({ rawInputContents: fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 2 }) }),
    ),
    { maxLength: 6 },
  )
  const property = fc.property(fields, (all) => {
    const bytes = Buffer.concat(
      all.map((each) =>
        toBinary(ModelInferRequestSchema, create(ModelInferRequestSchema, each as RequestInit)),
      ),
    )
    const { modelName, modelVersion } = fromBinary(ModelInferRequestSchema, bytes)
    expect(peekModel(bytes)).toEqual({ name: modelName, version: modelVersion })
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
})
