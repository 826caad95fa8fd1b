/**
 * ONNX Runtime, one session on one thread. The only file that imports onnxruntime-node.
 *
 * It uses the package's native binding directly (version pinned): the public `run` puts a promise
 * and a `setImmediate` around the same blocking call, which would cost a turn of the event loop for
 * every batch and hide when the thread is busy.
 */

import { createRequire } from 'node:module'
import { availableParallelism, constants } from 'node:os'
import { dirname, join } from 'node:path'
import { env, Tensor as OrtTensor } from 'onnxruntime-node'
import { GatewayError } from '../shared/errors.ts'
import {
  DEFAULT_SESSION,
  gpusOf,
  type SessionSettings,
  usesGpu,
} from '../shared/session-settings.ts'
import type { Datatype, Signature, Tensor, TensorData, TensorSignature } from '../shared/tensor.ts'
import { gpuCount } from './gpu-memory.ts'
import { plainMessage } from './native-message.ts'
import { cudaFault, isOutOfMemory } from './provider-faults.ts'
import type { Session } from './session-types.ts'

interface ValueMetadata {
  readonly name: string
  readonly isTensor: boolean
  readonly shape: readonly number[]
  readonly type: number
}

interface OrtValue {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: TensorData
}

interface NativeSession {
  loadModel(file: string, options: object): void
  loadModel(buffer: ArrayBufferLike, byteOffset: number, byteLength: number, options: object): void
  readonly inputMetadata: readonly ValueMetadata[]
  readonly outputMetadata: readonly ValueMetadata[]
  run(
    feeds: Record<string, OrtTensor>,
    fetches: Record<string, null>,
    options: object,
  ): Record<string, OrtValue>
  dispose(): void
}

const require = createRequire(import.meta.url)
const { binding, initOrt } = require('onnxruntime-node/dist/binding.js') as {
  binding: { InferenceSession: new () => NativeSession }
  initOrt(): void
}

/** ONNX element type (onnx.proto TensorProto.DataType) -> what both sides call it. */
const ELEMENT_TYPES: Readonly<Record<number, readonly [Datatype, string]>> = {
  1: ['FP32', 'float32'],
  2: ['UINT8', 'uint8'],
  3: ['INT8', 'int8'],
  4: ['UINT16', 'uint16'],
  5: ['INT16', 'int16'],
  6: ['INT32', 'int32'],
  7: ['INT64', 'int64'],
  8: ['BYTES', 'string'],
  9: ['BOOL', 'bool'],
  11: ['FP64', 'float64'],
  12: ['UINT32', 'uint32'],
  13: ['UINT64', 'uint64'],
}

/** Those that a session has but cannot take or give. */
const UNSUPPORTED_TYPES: Readonly<Record<number, string>> = {
  10: 'FLOAT16',
  14: 'COMPLEX64',
  15: 'COMPLEX128',
  16: 'BFLOAT16',
}

const ORT_TYPES = new Map(Object.values(ELEMENT_TYPES))

const signatureOf = (value: ValueMetadata): TensorSignature => {
  const { name, isTensor, shape, type } = value
  if (name === '__proto__') {
    throw new GatewayError('MODEL_INVALID', "A tensor cannot be called '__proto__' in JavaScript")
  }
  if (!isTensor) {
    throw new GatewayError('MODEL_INVALID', `'${name}' is not a tensor; export without zipmap`)
  }
  const element = ELEMENT_TYPES[type]
  if (element === undefined) {
    const found = UNSUPPORTED_TYPES[type] ?? `of element type ${type}`
    const detail = `'${name}' is ${found}, which this runtime cannot exchange; cast it inside the model`
    throw new GatewayError('MODEL_INVALID', detail)
  }
  return { name, datatype: element[0], shape: [...shape] }
}

const LOG_FATAL_ONLY = 4
const MESSAGE_MAX = 400

/**
 * ONNX Runtime's own 0 would also tie the threads of every session to the same cores, one by one.
 */
const threadsOf = (count: number): number => (count === 0 ? availableParallelism() : count)

/** Files that ONNX Runtime writes for a session. */
export interface SessionFiles {
  /** The graph as it was optimised. */
  readonly optimised?: string
  /** What ran where, at disposal: `<profile>_<time>.json`. */
  readonly profile?: string
}

/** The binding reads `deviceId` of CUDA's options, and drops all others. */
const providersOf = (settings: SessionSettings): (string | object)[] =>
  settings.providers.map((name) =>
    name === 'cuda' ? { name, deviceId: gpusOf(settings)[0]! } : name,
  )

/** No spinning: the pools of all data threads would keep all cores busy. */
const nativeOptions = (settings: SessionSettings, files: SessionFiles): object => ({
  intraOpNumThreads: threadsOf(settings.intraOpThreads),
  interOpNumThreads: threadsOf(settings.interOpThreads),
  executionMode: settings.executionMode,
  graphOptimizationLevel: settings.graphOptimization,
  enableCpuMemArena: settings.memoryArena,
  enableMemPattern: settings.memoryPattern,
  executionProviders: providersOf(settings),
  // What fails is thrown; ONNX Runtime would also print it, with values of the client's input.
  logSeverityLevel: LOG_FATAL_ONLY,
  ...(files.optimised === undefined ? {} : { optimizedModelFilePath: files.optimised }),
  ...(files.profile === undefined
    ? {}
    : { enableProfiling: true, profileFilePrefix: files.profile }),
  extra: {
    session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } },
  },
})

const NOTHING = new OrtTensor('float32', new Float32Array(0), [0])

class OrtSession implements Session {
  readonly signature: Signature
  readonly #native: NativeSession
  readonly #feeds: Record<string, OrtTensor> = {}
  readonly #fetches: Record<string, null> = {}
  /** The batcher hands in the same tensors again and again; wrapping one costs about 1 us. */
  readonly #wrapped = new WeakMap<Tensor, OrtTensor>()

  constructor(native: NativeSession) {
    this.#native = native
    this.signature = {
      inputs: native.inputMetadata.map(signatureOf),
      outputs: native.outputMetadata.map(signatureOf),
    }
    for (const { name } of this.signature.outputs) this.#fetches[name] = null
  }

  run(inputs: readonly Tensor[]): Tensor[] {
    const signature = this.signature
    const feeds = this.#feeds
    for (let i = 0; i < inputs.length; i++) {
      feeds[signature.inputs[i]!.name] = this.#wrap(inputs[i]!)
    }
    try {
      const results = this.#native.run(feeds, this.#fetches, {})
      return signature.outputs.map(({ name, datatype }) => {
        const { dims, data } = results[name]!
        return { datatype, shape: dims, data }
      })
    } finally {
      // A request's tensors would stay in memory until the next run, which may be far away.
      for (const { name } of signature.inputs) feeds[name] = NOTHING
    }
  }

  #wrap(tensor: Tensor): OrtTensor {
    const known = this.#wrapped.get(tensor)
    if (known !== undefined) return known
    const type = ORT_TYPES.get(tensor.datatype) as 'float32'
    const wrapped = new OrtTensor(type, tensor.data as Float32Array, tensor.shape)
    if (!Array.isArray(tensor.data)) this.#wrapped.set(tensor, wrapped)
    return wrapped
  }

  dispose(): void {
    this.#native.dispose()
  }
}

/**
 * ONNX Runtime takes bytes with this mark for its own format, which the walker has not looked
 * through: an ONNX file whose producer is called "ORTM" is enough.
 */
const isOrtFormat = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(8, bytes.length)).toString('latin1', 4) ===
  'ORTM'

/** A model as bytes, or as a file where it has external data beside it. */
export type ModelSource = Uint8Array | { readonly file: string }

/** ONNX, y = x for floats of shape [N]: the smallest model. */
const SMALLEST = Buffer.from(
  'CAgSBHRlc3Q6PQoQCgF4EgF5IghJZGVudGl0eRIFZ3JhcGhaEAoBeBILCgkIARIFCgMSAU5iEAoBeRILCgkIARIFCgMSAU5CBAoAEBE=',
  'base64',
)

const initialise = (): void => {
  env.logLevel = 'fatal' // as in the options; it counts before the first session only
  initOrt()
}

/** A session of ONNX Runtime; throws what it throws. */
const loadNative = (source: ModelSource, options: object): NativeSession => {
  const native = new binding.InferenceSession()
  if ('file' in source) native.loadModel(source.file, options)
  else native.loadModel(source.buffer, source.byteOffset, source.byteLength, options)
  return native
}

const BINDING_FOLDER = join(
  dirname(require.resolve('onnxruntime-node/package.json')),
  'bin/napi-v6',
  process.platform,
  process.arch,
)

const tryLibrary = (file: string): string => {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_LAZY)
  } catch (thrown) {
    return (thrown as Error).message // always: it is no addon
  }
  return ''
}

/** Why not even the smallest model runs with these providers; null when it does. */
export const providerFault = (settings: SessionSettings): GatewayError | null => {
  if (!usesGpu(settings)) return null
  initialise()
  try {
    loadNative(SMALLEST, nativeOptions(settings, {})).dispose()
    return null
  } catch (cause) {
    const { message } = cause as Error
    const machine = { folder: BINDING_FOLDER, tryLibrary, gpuCount }
    const reason = cudaFault(message, plainMessage(cause, MESSAGE_MAX), machine)
    const detail = `ONNX Runtime cannot use cuda here, on GPU ${gpusOf(settings)[0]}: ${reason}`
    const code = isOutOfMemory(message) ? 'PROVING_MEMORY' : 'PROVIDER_UNAVAILABLE'
    return new GatewayError(code, detail, { cause })
  }
}

/** It would run, if others had left it the memory; null: it is not for want of that. */
const memoryFault = (cause: unknown, settings: SessionSettings): GatewayError | null => {
  if (!usesGpu(settings) || !isOutOfMemory((cause as Error).message)) return null
  const detail = `GPU ${gpusOf(settings)[0]} has not enough memory left for it: see nvidia-smi`
  return new GatewayError('PROVING_MEMORY', detail, { cause })
}

/**
 * Makes a session of a model, on the first of its GPUs. Blocks for milliseconds. Throws
 * PROVIDER_UNAVAILABLE; PROVING_MEMORY, which may pass, where a GPU has too little left; or
 * MODEL_INVALID: ONNX Runtime refuses the model, or inputs or outputs cannot be exchanged.
 */
export const createSession = (
  source: ModelSource,
  settings: SessionSettings = DEFAULT_SESSION,
  files: SessionFiles = {},
): Session => {
  if (!('file' in source) && isOrtFormat(source)) {
    throw new GatewayError('MODEL_INVALID', 'It looks like a model in the ORT format; export ONNX')
  }
  initialise()
  let native: NativeSession
  try {
    native = loadNative(source, nativeOptions(settings, files))
  } catch (thrown) {
    const fault = providerFault(settings) ?? memoryFault(thrown, settings)
    if (fault !== null) throw fault
    const detail = `ONNX Runtime: ${plainMessage(thrown, MESSAGE_MAX)}`
    throw new GatewayError('MODEL_INVALID', detail, { cause: thrown })
  }
  try {
    return new OrtSession(native)
  } catch (thrown) {
    native.dispose()
    throw thrown
  }
}

/** Has ONNX Runtime set itself up, so that the first real model is not charged for it. */
export const startRuntime = (): void => {
  const session = createSession(SMALLEST, { ...DEFAULT_SESSION, graphOptimization: 'disabled' })
  session.run([{ datatype: 'FP32', shape: [1], data: new Float32Array(1) }])
  session.dispose()
}
