/**
 * The calls of one message and one answer: what each asks for, as a path over HTTP that means the
 * same, and how the JSON that is answered there becomes its message. So both transports give the
 * same answers, refuse for the same reasons and count alike.
 */

import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
} from '../../../proto/gen/health_pb.ts'
import * as inference from '../../../proto/gen/inference_pb.ts'
import { isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import type { Document } from '../documents.ts'
import { peekModel } from '../protocols/grpc/peek-model.ts'

/** What a message asks for. */
export interface Target {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly body: Uint8Array
}

export interface UnaryMethod {
  /** Anybody may ask, without a key: what its path needs is looked at all the same. */
  readonly isOpen: boolean
  read(message: Uint8Array): Target | Refusal
  /** The message that says what a document of JSON says. */
  write(document: Document): Uint8Array
  /** Answers a question about what is not there or not available; null: it is refused. */
  readonly ifAbsent: Uint8Array | null
}

const EMPTY = new Uint8Array(0)
const encoder = new TextEncoder()

const get = (path: string): Target => ({ method: 'GET', path, body: EMPTY })
const post = (path: string, body: object = {}): Target => ({
  method: 'POST',
  path,
  body: encoder.encode(JSON.stringify(body)),
})

/** A name that no model can have is none of its characters over HTTP either: it is not found. */
const modelPath = (name: string, version: string): string => {
  const model = `/v2/models/${encodeURIComponent(name.toWellFormed())}`
  return version === '' ? model : `${model}/versions/${encodeURIComponent(version.toWellFormed())}`
}

/** What a key needs for the health of an endpoint. */
export const endpointPath = (name: string): string => `${modelPath(name, '')}/ready`

const NAME_MISSING = refuse('REQUEST_MALFORMED', 'The request names no model')

const ofModel = (
  { name, version }: { readonly name: string; readonly version: string },
  action = '',
): Target | Refusal => (name === '' ? NAME_MISSING : get(`${modelPath(name, version)}${action}`))

interface MethodParts<Request extends DescMessage> {
  readonly request: Request
  readonly answer: DescMessage
  target(request: MessageShape<Request>): Target | Refusal
  readonly isOpen?: boolean
  readonly ifAbsent?: Uint8Array
  /** The JSON of the message, of that of the document. */
  json?(value: JsonValue): JsonValue
}

/** No sound request comes near: as over HTTP (repository-request.ts). */
const MESSAGE_BYTES_MAX = 64 * 1024

const unaryMethod = <Request extends DescMessage>({
  request,
  answer,
  target,
  isOpen = false,
  ifAbsent,
  json = (value) => value,
}: MethodParts<Request>): UnaryMethod => ({
  isOpen,
  ifAbsent: ifAbsent ?? null,
  read(message) {
    if (message.length > MESSAGE_BYTES_MAX) {
      return refuse('BODY_TOO_LARGE', `The message may have ${MESSAGE_BYTES_MAX} bytes here`)
    }
    let read: MessageShape<Request>
    try {
      read = fromBinary(request, message)
    } catch {
      return refuse('REQUEST_MALFORMED', `The message is no ${request.name}`)
    }
    return target(read)
  },
  write({ body }) {
    const text = typeof body === 'string' ? body : Buffer.from(body).toString()
    const value = json(text === '' ? {} : (JSON.parse(text) as JsonValue))
    return toBinary(answer, fromJson(answer, value, { ignoreUnknownFields: true }))
  },
})

/** Of `ModelStreamInfer` as well. */
export const INFER: UnaryMethod = {
  isOpen: false,
  ifAbsent: null,
  read(message) {
    const model = peekModel(message)
    if (isRefusal(model)) return model
    const { name, version } = model
    if (name === '') return NAME_MISSING
    return { method: 'POST', path: `${modelPath(name, version)}/infer`, body: message }
  },
  /** Inference has no documents. */
  write: () => EMPTY,
}

/** A path of no method. */
export const UNKNOWN: UnaryMethod = {
  ifAbsent: null,
  isOpen: false,
  read: () => refuse('NOT_IMPLEMENTED', 'This server does not have the method'),
  write: () => EMPTY,
}

/** What this server does not have, under the path that says so over HTTP. */
const absent = (request: DescMessage, answer: DescMessage, asked: Target): UnaryMethod =>
  unaryMethod({ request, answer, target: () => asked })

const parametersOf = (
  parameters: Readonly<Record<string, inference.ModelRepositoryParameter>>,
): object => {
  const entries = Object.entries(parameters).map(([name, { parameterChoice: choice }]) => {
    const { value } = choice
    if (value instanceof Uint8Array) return [name, Buffer.from(value).toString('base64')]
    return [name, typeof value === 'bigint' ? Number(value) : (value ?? null)]
  })
  return { parameters: Object.fromEntries(entries) }
}

const repositoryPath = (name: string, action: 'load' | 'unload'): string =>
  `/v2/repository/models/${encodeURIComponent(name.toWellFormed())}/${action}`

const settings = (count: object): 'GET' | 'POST' => (Object.keys(count).length > 0 ? 'POST' : 'GET')

const SERVICE = '/inference.GRPCInferenceService/'

/** Names of the health service for the server as a whole. */
export const WHOLE_SERVER: ReadonlySet<string> = new Set(['', 'inference.GRPCInferenceService'])

/** As Triton says of a model that it does not know. */
const NOT_READY = toBinary(
  inference.ModelReadyResponseSchema,
  create(inference.ModelReadyResponseSchema, { ready: false }),
)

const isReadyIn = (value: JsonValue): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && value['ready'] === true

const INFERENCE: Readonly<Record<string, UnaryMethod>> = {
  ModelInfer: INFER,
  ServerLive: unaryMethod({
    request: inference.ServerLiveRequestSchema,
    answer: inference.ServerLiveResponseSchema,
    target: () => get('/v2/health/live'),
    isOpen: true,
  }),
  ServerReady: unaryMethod({
    request: inference.ServerReadyRequestSchema,
    answer: inference.ServerReadyResponseSchema,
    target: () => get('/v2/health/ready'),
    isOpen: true,
  }),
  ModelReady: unaryMethod({
    request: inference.ModelReadyRequestSchema,
    answer: inference.ModelReadyResponseSchema,
    target: (model) => ofModel(model, '/ready'),
    ifAbsent: NOT_READY,
  }),
  ServerMetadata: unaryMethod({
    request: inference.ServerMetadataRequestSchema,
    answer: inference.ServerMetadataResponseSchema,
    target: () => get('/v2'),
  }),
  ModelMetadata: unaryMethod({
    request: inference.ModelMetadataRequestSchema,
    answer: inference.ModelMetadataResponseSchema,
    target: (model) => ofModel(model),
  }),
  ModelConfig: unaryMethod({
    request: inference.ModelConfigRequestSchema,
    answer: inference.ModelConfigResponseSchema,
    target: (model) => ofModel(model, '/config'),
    json: (config) => ({ config }),
  }),
  ModelStatistics: unaryMethod({
    request: inference.ModelStatisticsRequestSchema,
    answer: inference.ModelStatisticsResponseSchema,
    target: (model) => (model.name === '' ? get('/v2/models/stats') : ofModel(model, '/stats')),
  }),
  RepositoryIndex: unaryMethod({
    request: inference.RepositoryIndexRequestSchema,
    answer: inference.RepositoryIndexResponseSchema,
    target: ({ ready }) => post('/v2/repository/index', { ready }),
    json: (models) => ({ models }),
  }),
  RepositoryModelLoad: unaryMethod({
    request: inference.RepositoryModelLoadRequestSchema,
    answer: inference.RepositoryModelLoadResponseSchema,
    target: ({ modelName, parameters }) =>
      post(repositoryPath(modelName, 'load'), parametersOf(parameters)),
  }),
  RepositoryModelUnload: unaryMethod({
    request: inference.RepositoryModelUnloadRequestSchema,
    answer: inference.RepositoryModelUnloadResponseSchema,
    target: ({ modelName, parameters }) =>
      post(repositoryPath(modelName, 'unload'), parametersOf(parameters)),
  }),
  SystemSharedMemoryStatus: absent(
    inference.SystemSharedMemoryStatusRequestSchema,
    inference.SystemSharedMemoryStatusResponseSchema,
    get('/v2/systemsharedmemory/status'),
  ),
  SystemSharedMemoryRegister: absent(
    inference.SystemSharedMemoryRegisterRequestSchema,
    inference.SystemSharedMemoryRegisterResponseSchema,
    post('/v2/systemsharedmemory/register'),
  ),
  SystemSharedMemoryUnregister: absent(
    inference.SystemSharedMemoryUnregisterRequestSchema,
    inference.SystemSharedMemoryUnregisterResponseSchema,
    post('/v2/systemsharedmemory/unregister'),
  ),
  CudaSharedMemoryStatus: absent(
    inference.CudaSharedMemoryStatusRequestSchema,
    inference.CudaSharedMemoryStatusResponseSchema,
    get('/v2/cudasharedmemory/status'),
  ),
  CudaSharedMemoryRegister: absent(
    inference.CudaSharedMemoryRegisterRequestSchema,
    inference.CudaSharedMemoryRegisterResponseSchema,
    post('/v2/cudasharedmemory/register'),
  ),
  CudaSharedMemoryUnregister: absent(
    inference.CudaSharedMemoryUnregisterRequestSchema,
    inference.CudaSharedMemoryUnregisterResponseSchema,
    post('/v2/cudasharedmemory/unregister'),
  ),
  TraceSetting: unaryMethod({
    request: inference.TraceSettingRequestSchema,
    answer: inference.TraceSettingResponseSchema,
    target({ modelName, settings: changes }) {
      const place =
        modelName === '' ? '' : `models/${encodeURIComponent(modelName.toWellFormed())}/`
      return { ...post(`/v2/${place}trace/setting`), method: settings(changes) }
    },
  }),
  LogSettings: unaryMethod({
    request: inference.LogSettingsRequestSchema,
    answer: inference.LogSettingsResponseSchema,
    target: ({ settings: changes }) => ({ ...post('/v2/logging'), method: settings(changes) }),
  }),
}

/** `grpc.health.v1`: of the server, or of an endpoint by its name. */
const healthCheck = unaryMethod({
  request: HealthCheckRequestSchema,
  answer: HealthCheckResponseSchema,
  target: ({ service }) =>
    WHOLE_SERVER.has(service) ? get('/v2/health/ready') : get(endpointPath(service)),
  isOpen: true,
  json: (value) => ({ status: isReadyIn(value) ? 'SERVING' : 'NOT_SERVING' }),
})

/** By the path of the call. */
export const UNARY_METHODS: ReadonlyMap<string, UnaryMethod> = new Map([
  ...Object.entries(INFERENCE).map(([name, method]) => [`${SERVICE}${name}`, method] as const),
  ['/grpc.health.v1.Health/Check', healthCheck],
])
