/** What a variant plan means for `/predict`, compiled once: layouts, key bytes, constant text. */

import type { BoundFeature } from '../../shared/contract.ts'
import type { Datatype, TensorSignature } from '../../shared/tensor.ts'
import { type Element, FLOAT32_MAX, isMisfit, toNumericElement } from './element.ts'
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
  readonly codes: ReadonlyMap<string, number> | null
  /** Fed for an absent or null value; null: the feature is required. */
  readonly filler: number | string | null
}

export interface FeaturesPlan {
  /** null: the complete decoder takes every request of this variant. */
  readonly fast: readonly FastFeature[] | null
  /** Set when a positional row is one row of one float tensor, element by element. */
  readonly vector: FastFeature | null
  /** Whether a request may have several rows. */
  readonly hasRows: boolean
  /** Elements of one row of each input, and its shape; of variants with features only. */
  readonly widths: readonly number[]
  readonly rowShapes: readonly (readonly number[])[]
  /** By feature: what is fed for an absent or null value; null: the feature is required. */
  readonly fillers: readonly (Element | null)[]
  /** Of features, or of inputs where the contract has none. */
  readonly names: readonly string[]
  readonly byName: ReadonlyMap<string, number>
  /** The answer between request ids and latency. */
  readonly metadataTail: string
}

/** Datatypes whose columns take plain numbers, or text. */
const FAST_DATATYPES: ReadonlySet<Datatype> = new Set(['FP32', 'FP64', 'BYTES'])
/** Containers of the deepest body that the fast decoder reads. */
const FAST_DEPTH = 3

const kindOf = ({ type, codes }: BoundFeature): number => {
  if (type === 'category') return codes === null ? KIND.TEXT : KIND.CODE
  if (type === 'boolean') return KIND.BOOLEAN
  return type === 'integer' ? KIND.INTEGER : KIND.NUMBER
}

const fillerOf = ({ optional, missing }: BoundFeature, datatype: Datatype): Element | null => {
  if (!optional) return null
  if (datatype === 'BYTES') return typeof missing === 'string' ? missing : null
  if (typeof missing === 'string') return null
  if (datatype === 'FP32' || datatype === 'FP64') return missing
  const element = toNumericElement(missing, datatype)
  return isMisfit(element) ? null : element
}

const encoder = new TextEncoder()

const compileFast = (plan: VariantPlan): readonly FastFeature[] | null => {
  const { binding, signature, rowStrides, jsonDepthMax } = plan
  if (rowStrides === null || binding.features.length === 0 || jsonDepthMax < FAST_DEPTH) return null
  const features: FastFeature[] = []
  for (const bound of binding.features) {
    const { input, column, codes } = bound
    const { datatype } = signature.inputs[input]!
    const kind = kindOf(bound)
    const isFast = FAST_DATATYPES.has(datatype) && (datatype === 'BYTES') === (kind === KIND.TEXT)
    // No valid body can spell half of a surrogate pair, but the bytes of such a key could match.
    if (!isFast || !bound.name.isWellFormed()) return null
    features.push({
      key: encoder.encode(JSON.stringify(bound.name)),
      kind,
      input,
      column,
      stride: rowStrides[input]!,
      magnitudeMax: datatype === 'FP32' ? FLOAT32_MAX : Number.MAX_VALUE,
      codes,
      filler: fillerOf(bound, datatype) as number | string | null,
    })
  }
  return features
}

/** The first feature, when all are plain numbers in the order of the columns of one input. */
const vectorOf = (fast: readonly FastFeature[]): FastFeature | null => {
  const [first] = fast
  const isVector = fast.every(
    ({ kind, input, column }, index) =>
      kind === KIND.NUMBER && input === first?.input && column === index,
  )
  return first !== undefined && isVector && first.stride === fast.length ? first : null
}

/** Elements of a row: the last fed column decides where an inner dimension is free. */
const widthOf = ({ shape }: TensorSignature, input: number, plan: VariantPlan): number => {
  const inner = shape.slice(1)
  if (inner.every((size) => size >= 0)) return inner.reduce((product, size) => product * size, 1)
  const columns = plan.binding.features.map((each) => (each.input === input ? each.column + 1 : 0))
  return Math.max(0, ...columns)
}

const rowShapeOf = ({ shape }: TensorSignature, width: number): number[] => {
  const inner = shape.slice(1)
  const known = inner.reduce((product, size) => (size < 0 ? product : product * size), 1)
  let free = width / Math.max(1, known)
  const sized = inner.map((size) => {
    if (size >= 0) return size
    const own = free
    free = 1
    return own
  })
  return [1, ...sized]
}

const compile = (plan: VariantPlan): FeaturesPlan => {
  const { binding, signature, contract, rowsMax, model, version, variant } = plan
  const { inputs } = signature
  const widths = inputs.map((input, index) => widthOf(input, index, plan))
  const named = contract.features.length > 0 ? binding.features : inputs
  const names = named.map(({ name }) => name)
  const fast = compileFast(plan)
  return {
    fast,
    vector: fast === null ? null : vectorOf(fast),
    hasRows: rowsMax > 0,
    widths,
    rowShapes: inputs.map((input, index) => rowShapeOf(input, widths[index]!)),
    fillers: binding.features.map((each) => fillerOf(each, inputs[each.input]!.datatype)),
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
