/** What a variant plan means for `/predict`, compiled once: layouts, key bytes, constant text. */

import type { BoundFeature } from '../../shared/contract.ts'
import type { Datatype } from '../../shared/tensor.ts'
import type { VariantPlan } from './protocol.ts'

/** How the values of a feature are read by the fast decoder. */
export const KIND = { NUMBER: 0, INTEGER: 1, BOOLEAN: 2, TEXT: 3, CODE: 4 } as const

export interface FastFeature {
  /** The key with its quotes, as JSON bytes. */
  readonly key: Uint8Array
  readonly kind: number
  readonly input: number
  readonly column: number
  readonly stride: number
  /** Largest magnitude that stays finite in the tensor. */
  readonly magnitudeMax: number
  readonly bound: BoundFeature
}

export interface FeaturesPlan {
  /** null: the complete decoder takes every request of this variant. */
  readonly fast: readonly FastFeature[] | null
  /** Set when a positional row is one row of one float tensor, element by element. */
  readonly vector: FastFeature | null
  /** Elements per row of each input; -1 where an inner dimension is free. */
  readonly strides: readonly number[]
  readonly names: readonly string[]
  readonly byName: ReadonlyMap<string, number>
  /** The answer between request ids and latency. */
  readonly metadataTail: string
}

/** Datatypes whose columns take plain numbers, or text. */
const FAST_DATATYPES: ReadonlySet<Datatype> = new Set(['FP32', 'FP64', 'BYTES'])
const FLOAT32_MAX = 3.4028234663852886e38

const kindOf = ({ type, codes }: BoundFeature): number => {
  if (type === 'category') return codes === null ? KIND.TEXT : KIND.CODE
  if (type === 'boolean') return KIND.BOOLEAN
  return type === 'integer' ? KIND.INTEGER : KIND.NUMBER
}

const encoder = new TextEncoder()

/** The first feature, when all are plain numbers in the order of the columns of one input. */
const vectorOf = (fast: readonly FastFeature[]): FastFeature | null => {
  const [first] = fast
  const isVector = fast.every(
    ({ kind, input, column }, index) =>
      kind === KIND.NUMBER && input === first?.input && column === index,
  )
  return first !== undefined && isVector && first.stride === fast.length ? first : null
}

const compile = (plan: VariantPlan): FeaturesPlan => {
  const { binding, signature, rowStrides, contract } = plan
  const strides = signature.inputs.map(({ shape }) =>
    shape.slice(1).reduce((product, size) => (product < 0 || size < 0 ? -1 : product * size), 1),
  )
  const isFast =
    rowStrides !== null &&
    binding.features.length > 0 &&
    signature.inputs.every(({ datatype }) => FAST_DATATYPES.has(datatype))
  const fast = isFast
    ? binding.features.map((bound) => ({
        key: encoder.encode(JSON.stringify(bound.name)),
        kind: kindOf(bound),
        input: bound.input,
        column: bound.column,
        stride: rowStrides[bound.input]!,
        magnitudeMax:
          signature.inputs[bound.input]!.datatype === 'FP32' ? FLOAT32_MAX : Number.MAX_VALUE,
        bound,
      }))
    : null
  const names =
    contract.features.length > 0
      ? binding.features.map(({ name }) => name)
      : signature.inputs.map(({ name }) => name)
  const { model, version, variant } = plan
  return {
    fast,
    vector: fast === null ? null : vectorOf(fast),
    strides,
    names,
    byName: new Map(names.map((name, index) => [name, index])),
    metadataTail: `","model":${JSON.stringify(model)},"version":${version},"variant":${JSON.stringify(variant)},"latency_ms":`,
  }
}

const compiled = new WeakMap<VariantPlan, FeaturesPlan>()
let lastPlan: VariantPlan | null = null
let lastCompiled: FeaturesPlan | null = null

/** The compiled form of a plan. The last one is kept at hand: most requests are of one variant. */
export const featuresPlan = (plan: VariantPlan): FeaturesPlan => {
  if (plan === lastPlan) return lastCompiled!
  let known = compiled.get(plan)
  if (known === undefined) {
    known = compile(plan)
    compiled.set(plan, known)
  }
  lastPlan = plan
  lastCompiled = known
  return known
}
