/** Variant plans, targets and decoded values for tests of the wire formats. */

import type {
  Answer,
  AskedOutput,
  Decoded,
  DecodeRequest,
  RowTarget,
} from '../../src/server/protocols/protocol.ts'
import { compileVariant, type VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { bind, contractOf } from '../../src/shared/contract.ts'
import type { Refusal } from '../../src/shared/errors.ts'
import type { Manifest, ManifestFeature } from '../../src/shared/manifest.ts'
import {
  allocate,
  type Signature,
  type Tensor,
  type TensorSignature,
} from '../../src/shared/tensor.ts'

export const feature = (
  given: Partial<ManifestFeature> & Pick<ManifestFeature, 'name' | 'tensor' | 'column'>,
): ManifestFeature => ({
  type: 'number',
  optional: false,
  missing: Number.NaN,
  ...given,
})

export const tensor = (
  name: string,
  datatype: TensorSignature['datatype'],
  ...shape: number[]
): TensorSignature => ({ name, datatype, shape })

export interface PlanParts {
  readonly inputs: readonly TensorSignature[]
  readonly outputs?: readonly TensorSignature[]
  readonly features?: readonly ManifestFeature[]
  readonly manifest?: Partial<Manifest>
  /** 0: without row dimension. */
  readonly rowsMax?: number
  readonly jsonDepthMax?: number
}

const SCORES: readonly TensorSignature[] = [tensor('score', 'FP32', -1, 1)]

/** A plan as the data plane makes it; with a manifest where features or a part of one is given. */
export const planOf = (parts: PlanParts): VariantPlan => {
  const { inputs, outputs = SCORES, features = [], rowsMax = 8, jsonDepthMax = 20 } = parts
  const signature: Signature = { inputs, outputs }
  const hasManifest = features.length > 0 || parts.manifest !== undefined
  const manifest: Manifest | null = hasManifest
    ? { digest: '', features, task: 'other', ...parts.manifest }
    : null
  const contract = contractOf(signature, manifest)
  const binding = bind(contract, signature, manifest)
  if ('code' in binding) throw new Error(binding.detail)
  const strides = inputs.map(({ shape }) => shape.slice(1).reduce((n, size) => n * size, 1))
  const isFree = inputs.some(({ shape }) => shape.slice(1).includes(-1))
  return compileVariant({
    endpoint: 'clicks',
    model: 'clicks-model',
    version: 7,
    variant: 'v7',
    contract,
    binding,
    signature,
    manifest,
    rowStrides: rowsMax === 0 || isFree ? null : strides,
    rowsMax,
    jsonDepthMax,
  })
}

/** Two inputs and all kinds of features, as the flight delay example has. */
export const flightPlan = (): VariantPlan =>
  planOf({
    inputs: [tensor('numeric', 'FP32', -1, 3), tensor('text', 'BYTES', -1, 1)],
    features: [
      feature({ name: 'origin', type: 'category', tensor: 'text', column: 0, missing: '' }),
      feature({ name: 'seats', type: 'integer', tensor: 'numeric', column: 0 }),
      feature({ name: 'gust', tensor: 'numeric', column: 1, optional: true }),
      feature({
        name: 'is_late',
        type: 'boolean',
        tensor: 'numeric',
        column: 2,
        optional: true,
        missing: -1,
      }),
    ],
  })

/** Outputs that are asked for as JSON, by their indices. */
export const asked = (...indices: readonly number[]): AskedOutput[] =>
  indices.map((index) => ({ index, isBinary: false, classes: 0 }))

/** `jsonBytes`: of the head, -1 where it says nothing. */
export const emptyDecoded = (jsonBytes = -1): Decoded => ({
  jsonBytes,
  sentBytes: -1,
  rows: 0,
  tensors: null,
  extras: null,
  isBatch: false,
  bodyId: null,
  askedPriority: 0,
  askedTimeoutUs: 0,
  outputs: null,
})

export interface DecodeResult {
  readonly refusal: Refusal | null
  readonly decoded: Decoded
  /** By input: what the request wrote in place, or the data of its own tensors. */
  readonly values: readonly (readonly unknown[])[]
}

export interface DecodeOptions {
  readonly row?: number
  readonly room?: number
  /** What the head says of the body: -1, nothing. */
  readonly jsonBytes?: number
}

const readValues = (plan: VariantPlan, target: RowTarget, decoded: Decoded): unknown[][] => {
  const { tensors, rows } = decoded
  if (tensors !== null) return tensors.map(({ data }) => Array.from(data as ArrayLike<unknown>))
  return target.columns.map((column, input) => {
    const stride = plan.rowStrides?.[input] ?? 0
    const all = Array.from(column as ArrayLike<unknown>)
    return all.slice(target.row * stride, (target.row + rows) * stride)
  })
}

/** Decodes one body (text or bytes) into a fresh target of `room` rows behind `row` others. */
export const decodeWith = (
  decodeRequest: DecodeRequest,
  plan: VariantPlan,
  body: string | Uint8Array,
  { row = 0, room = plan.rowStrides === null ? 0 : 4, jsonBytes = -1 }: DecodeOptions = {},
): DecodeResult => {
  const columns = plan.signature.inputs.map(({ datatype }, input) =>
    allocate(datatype, (row + room) * (plan.rowStrides?.[input] ?? 0)),
  )
  const target: RowTarget = { columns, row, room }
  const decoded = emptyDecoded(jsonBytes)
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const refusal = decodeRequest(bytes, plan, target, decoded, () => {})
  return {
    refusal,
    decoded,
    values: refusal === null ? readValues(plan, target, decoded) : [],
  }
}

/** One answered row of `results`, unless said otherwise. */
export const answerOf = (
  plan: VariantPlan,
  results: readonly Tensor[],
  more: Partial<Answer> = {},
): Answer => ({
  plan,
  results,
  rowStart: 0,
  rows: 1,
  isBatch: false,
  outputs: null,
  requestId: null,
  echoedId: null,
  bodyId: null,
  idPrefix: 'ours-',
  sequence: 1,
  latencyMs: 1.25,
  ...more,
})
