/** The small JSON answers beside inference: health, metadata, the status of versions. */

import type { EpochPlan } from '../shared/epoch-plan.ts'
import type { TensorSignature } from '../shared/tensor.ts'
import { VERSION } from '../shared/version.ts'
import type { LiveEndpoint, LiveVariant } from './live-epoch.ts'

export interface Document {
  readonly status: 200 | 202 | 404 | 503
  /** Header lines, joined by CRLF; absent: those of JSON. */
  readonly head?: string
  readonly body: string | Uint8Array
}

interface JsonDocument extends Document {
  readonly body: string
}

const ok = (value: object): JsonDocument => ({ status: 200, body: JSON.stringify(value) })

/**
 * `{"live": true}` or `{"ready": false}`: JSON for KServe's client; Triton's looks at the status
 * only, so 503 rather than its 400 says "not ready" to both (serving.md §1.9).
 */
export const health = (kind: 'live' | 'ready', isOk: boolean): JsonDocument => ({
  status: isOk ? 200 : 503,
  body: JSON.stringify({ [kind]: isOk }),
})

/**
 * Names of Triton's for what is here of its protocol beyond the Open Inference Protocol. Clients
 * act on them. Of `model_repository` load and unload are refused outside the explicit mode, as by a
 * Triton, which names it too; that dependents may go with a model is true where there are none.
 */
const EXTENSIONS = [
  'classification',
  'model_repository',
  'model_repository(unload_dependents)',
  'schedule_policy',
  'model_configuration',
  'binary_tensor_data',
  'statistics',
]

export const serverMetadata = (): JsonDocument =>
  ok({ name: 'sluice', version: VERSION, extensions: EXTENSIONS })

/** `{"models": [...]}`, as KServe's server lists them; also those that cannot answer now. */
export const modelList = ({ endpoints, unavailable }: EpochPlan): JsonDocument =>
  ok({ models: [...endpoints.map(({ name }) => name), ...unavailable].sort() })

const tensors = (list: readonly TensorSignature[]) =>
  list.map(({ name, datatype, shape }) => ({ name, datatype, shape }))

/** Those that can be asked for by number, ascending. */
const versionsOf = (endpoint: LiveEndpoint, pinned: LiveVariant | null): number[] =>
  pinned === null ? [...endpoint.pinned.keys()].sort((a, b) => a - b) : [pinned.plan.version]

/** Metadata of an endpoint is that of its contract; of a pinned version, its own. */
export const modelMetadata = (endpoint: LiveEndpoint, pinned: LiveVariant | null): JsonDocument => {
  const variant = pinned ?? endpoint.only ?? endpoint.variants[0]
  const inputs = pinned?.plan.signature.inputs ?? variant?.plan.contract.tensors ?? []
  return ok({
    name: endpoint.name,
    versions: versionsOf(endpoint, pinned).map(String),
    platform: 'onnxruntime_onnx',
    inputs: tensors(inputs),
    outputs: tensors(variant?.plan.signature.outputs ?? []),
  })
}

/** 503 for a model of which no version is available, as of `health`. */
export const modelReadiness = (name: string, isReady: boolean): JsonDocument => ({
  status: isReady ? 200 : 503,
  body: JSON.stringify({ name, ready: isReady }),
})

/**
 * What TensorFlow Serving says of the versions of a model, the highest first (its
 * `GetModelStatusResponse` as JSON, where 64-bit integers are text): those listed can answer.
 * KServe asks the same path, and reads `name` and `ready`.
 */
export const modelStatus = (endpoint: LiveEndpoint, pinned: LiveVariant | null): JsonDocument =>
  ok({
    name: endpoint.name,
    ready: true,
    model_version_status: versionsOf(endpoint, pinned)
      .reverse()
      .map((version) => ({
        version: `${version}`,
        state: 'AVAILABLE',
        status: { error_code: 'OK', error_message: '' },
      })),
  })
