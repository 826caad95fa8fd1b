/** How a request of `requests.ts` is written over HTTP and gRPC, and what its answer says. */

import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type InferTensorContents,
  ModelInferRequestSchema,
  ModelInferResponseSchema,
} from '../../../proto/gen/inference_pb.ts'
import type { Datatype } from '../../../src/shared/tensor.ts'
import { binaryBody, readBinaryAnswer, tensorBytes, tensorValues } from '../binary-tensors.ts'
import type { TestGateway } from '../gateway.ts'
import type { GrpcClient } from '../grpc-client.ts'
import type { Value } from '../spellings.ts'
import type { Twin, TwinInput } from './requests.ts'

/** What came of a request, in words that all forms share. */
export type TwinOutcome =
  | { readonly error: string; readonly status: string }
  | {
      readonly model: string
      readonly version: string
      readonly outputs: readonly {
        readonly name: string
        readonly datatype: string
        readonly shape: readonly number[]
        readonly values: readonly Value[]
      }[]
    }

type Field = Exclude<keyof InferTensorContents, '$typeName' | '$unknown'>

/** The field of the contents that carries a datatype (Open Inference Protocol). */
const FIELDS: Readonly<Record<Datatype, Field>> = {
  BOOL: 'boolContents',
  UINT8: 'uintContents',
  UINT16: 'uintContents',
  UINT32: 'uintContents',
  UINT64: 'uint64Contents',
  INT8: 'intContents',
  INT16: 'intContents',
  INT32: 'intContents',
  INT64: 'int64Contents',
  FP32: 'fp32Contents',
  FP64: 'fp64Contents',
  BYTES: 'bytesContents',
}

const valuesOf = ({ elements }: TwinInput): Value[] => elements.map(({ value }) => value)

/** An element as the message has it. */
const inMessage = (datatype: Datatype, value: Value): unknown => {
  if (datatype === 'BYTES') return Buffer.from(String(value))
  if (datatype === 'BOOL') return Number(value) === 1
  return datatype.endsWith('INT64') ? BigInt(value) : Number(value)
}

const fromMessage = (datatype: Datatype, value: unknown): Value => {
  if (datatype === 'BYTES') return Buffer.from(value as Uint8Array).toString()
  return datatype === 'BOOL' ? Number(value) : (value as Value)
}

const pathOf = ({ model, version }: Twin): string =>
  `/v2/models/${model}${version === '' ? '' : `/versions/${version}`}/infer`

/** Answers are raw, so that they carry every value. */
const around = ({ outputs }: Twin): string => {
  const wanted = outputs?.map((name) => ({ name }))
  return `"parameters":{"binary_data_output":true}${wanted === undefined ? '' : `,"outputs":${JSON.stringify(wanted)}`}`
}

const head = ({ name, datatype, shape }: TwinInput): string =>
  `"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${shape.join(',')}]`

const HEADER = 'inference-header-content-length'

const post = async (
  gateway: TestGateway,
  twin: Twin,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<TwinOutcome> => {
  const response = await gateway.post(pathOf(twin), body, headers)
  const bytes = Buffer.from(await response.arrayBuffer())
  if (response.status !== 200) {
    return {
      error: response.headers.get('x-sluice-error') ?? bytes.toString(),
      status: String(response.status),
    }
  }
  const jsonBytes = Number(response.headers.get(HEADER))
  const document = JSON.parse(bytes.subarray(0, jsonBytes).toString()) as {
    model_name: string
    model_version: string
  }
  return {
    model: document.model_name,
    version: document.model_version,
    outputs: readBinaryAnswer({ jsonBytes, bytes }).map(({ name, datatype, shape, values }) => ({
      name,
      datatype,
      shape,
      values: values ?? [],
    })),
  }
}

const asJson = (gateway: TestGateway, twin: Twin): Promise<TwinOutcome> => {
  const inputs = twin.inputs.map(
    (input) => `{${head(input)},"data":[${input.elements.map(({ text }) => text).join(',')}]}`,
  )
  return post(gateway, twin, `{${around(twin)},"inputs":[${inputs.join(',')}]}`)
}

const asBinary = (gateway: TestGateway, twin: Twin): Promise<TwinOutcome> => {
  const tails = twin.inputs.map((input) => tensorBytes(input.of, valuesOf(input)))
  const inputs = twin.inputs.map(
    (input, i) => `{${head(input)},"parameters":{"binary_data_size":${tails[i]!.length}}}`,
  )
  const { bytes, jsonBytes } = binaryBody(`{${around(twin)},"inputs":[${inputs.join(',')}]}`, tails)
  return post(gateway, twin, bytes, {
    'content-type': 'application/octet-stream',
    [HEADER]: String(jsonBytes),
  })
}

/** The request as a message; `isRaw`: its elements as bytes beside the inputs. */
export const messageOf = (twin: Twin, isRaw: boolean): Uint8Array =>
  toBinary(
    ModelInferRequestSchema,
    create(ModelInferRequestSchema, {
      modelName: twin.model,
      modelVersion: twin.version,
      inputs: twin.inputs.map((input) => ({
        name: input.name,
        datatype: input.datatype,
        shape: input.shape.map(BigInt),
        ...(isRaw
          ? {}
          : {
              contents: {
                [FIELDS[input.of]]: valuesOf(input).map((value) => inMessage(input.of, value)),
              },
            }),
      })),
      outputs: (twin.outputs ?? []).map((name) => ({ name })),
      rawInputContents: isRaw
        ? twin.inputs.map((input) => tensorBytes(input.of, valuesOf(input)))
        : [],
    }),
  )

const readAnswer = (bytes: Uint8Array): TwinOutcome => {
  const answer = fromBinary(ModelInferResponseSchema, bytes)
  return {
    model: answer.modelName,
    version: answer.modelVersion,
    outputs: answer.outputs.map(({ name, datatype, shape, contents }, i) => {
      const of = datatype as Datatype
      const raw = answer.rawOutputContents[i]
      const field: readonly unknown[] = contents?.[FIELDS[of]] ?? []
      const values =
        raw === undefined ? field.map((value) => fromMessage(of, value)) : tensorValues(of, raw)
      return { name, datatype, shape: shape.map(Number), values }
    }),
  }
}

const asMessage = async (client: GrpcClient, twin: Twin, isRaw: boolean): Promise<TwinOutcome> => {
  const end = await client.call('ModelInfer', messageOf(twin, isRaw), { timeoutMs: 20_000 })
  if (end.code === 'OK') return readAnswer(end.bytes)
  return { error: end.trailers.get('x-sluice-error') ?? end.details, status: end.code }
}

export interface TwinOutcomes {
  readonly json: TwinOutcome
  readonly contents: TwinOutcome
  readonly binary: TwinOutcome
  readonly raw: TwinOutcome
}

/** Sends a request in all four forms. */
export const askInEveryForm = async (
  gateway: TestGateway,
  client: GrpcClient,
  twin: Twin,
): Promise<TwinOutcomes> => {
  const [json, binary, contents, raw] = await Promise.all([
    asJson(gateway, twin),
    asBinary(gateway, twin),
    asMessage(client, twin, false),
    asMessage(client, twin, true),
  ])
  return { json, binary, contents, raw }
}
