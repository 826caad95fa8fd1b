/** What a variant plan means for `/predict`, compiled once: layouts, key bytes, constant text. */

import type { BoundFeature } from '../../../shared/contract.ts'
import { type Names, prepareNames } from '../../../shared/nearest.ts'
import {
  allocate,
  BIGINT_BOUNDS,
  type Datatype,
  rowElements,
  type TensorData,
} from '../../../shared/tensor.ts'
import { type Element, numberBounds, putElement } from '../element.ts'
import type { VariantParts } from '../variant-parts.ts'
import { PredictionBytes } from './prediction-bytes.ts'

/** How the values of a feature are read by the fast decoder. */
export const KIND = { NUMBER: 0, INTEGER: 1, BOOLEAN: 2, TEXT: 3, CODE: 4 } as const

/** What stands for a text that the vocabulary does not have. */
export const UNSEEN = -1

export interface FastFeature {
  /** In the order of the contract. */
  readonly index: number
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
  /** Whether its absence is noted: the filler does not say it. */
  readonly isNoted: boolean
}

export interface FeaturesPlan {
  /** null: the complete decoder takes every request of this variant. */
  readonly fast: readonly FastFeature[] | null
  /** Set when a positional row is one row of one float tensor, element by element. */
  readonly vector: FastFeature | null
  /** Elements of one row of each input; of variants with features only. */
  readonly widths: readonly number[]
  /** What a row takes in memory; 0 where values, not their absence, decide that. */
  readonly rowBytes: number
  /** Texts of a row; 0 likewise. */
  readonly rowTexts: number
  /** By input: a row of absent values. */
  readonly absentRow: readonly TensorData[]
  /** By feature: whether an absent or null value is refused. */
  readonly isRequired: readonly boolean[]
  /** By feature: whether an absent or null value is noted (feature-extras.ts). */
  readonly isNoted: readonly boolean[]
  readonly names: Names
  readonly byName: ReadonlyMap<string, number>
  /** The answer between request ids and latency. */
  readonly metadataTail: string
  /** The usual answer, with the same. */
  readonly prediction: PredictionBytes
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

/** What is fed for an absent value, which `bind` found fit; null: it must be given. */
const fillerOf = ({ optional, missing }: BoundFeature, datatype: Datatype): Element | null => {
  if (!optional) return null
  return BIGINT_BOUNDS[datatype] === undefined ? missing : BigInt(missing)
}

/** Nothing but absence is fed as NaN. */
const isNoted = ({ optional, missing }: BoundFeature): boolean => optional && !Number.isNaN(missing)

const encoder = new TextEncoder()

const compileFast = (parts: VariantParts): readonly FastFeature[] | null => {
  const { binding, signature, rowStrides, jsonDepthMax } = parts
  if (rowStrides === null || binding.features.length === 0 || jsonDepthMax < FAST_DEPTH) return null
  const features: FastFeature[] = []
  for (const [index, bound] of binding.features.entries()) {
    const { input, column, codes } = bound
    const { datatype } = signature.inputs[input]!
    const kind = kindOf(bound)
    const isFast = FAST_DATATYPES.has(datatype) && (datatype === 'BYTES') === (kind === KIND.TEXT)
    // No valid body can spell half of a surrogate pair, but the bytes of such a key could match.
    if (!isFast || !bound.name.isWellFormed()) return null
    features.push({
      index,
      key: encoder.encode(JSON.stringify(bound.name)),
      kind,
      input,
      column,
      stride: rowStrides[input]!,
      magnitudeMax: numberBounds(datatype)[1],
      codes,
      filler: fillerOf(bound, datatype) as number | string | null,
      isNoted: isNoted(bound),
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

const POINTER_BYTES = 8

const elementBytes = (datatype: Datatype): number => {
  const one = allocate(datatype, 1)
  return Array.isArray(one) ? POINTER_BYTES : one.BYTES_PER_ELEMENT
}

const absentRowOf = (parts: VariantParts, widths: readonly number[]): TensorData[] => {
  const { inputs } = parts.signature
  const row = inputs.map(({ datatype }, input) => allocate(datatype, widths[input]!))
  for (const feature of parts.binding.features) {
    const { input, column } = feature
    const filler = fillerOf(feature, inputs[input]!.datatype)
    if (filler !== null) putElement(row[input]!, column, filler)
  }
  return row
}

export const compileFeatures = (parts: VariantParts): FeaturesPlan => {
  const { binding, signature, model, version, variant } = parts
  const { inputs } = signature
  const names = binding.features.map(({ name }) => name)
  const fast = compileFast(parts)
  const hasFeatures = binding.features.length > 0
  const metadataTail = `","model":${JSON.stringify(model)},"version":${version},"variant":${JSON.stringify(variant)},"latency_ms":`
  const widths = inputs.map(({ shape }) => (hasFeatures ? rowElements(shape) : 0))
  return {
    fast,
    vector: fast === null ? null : vectorOf(fast),
    widths,
    rowBytes: inputs.reduce((n, { datatype }, i) => n + widths[i]! * elementBytes(datatype), 0),
    rowTexts: inputs.reduce((n, { datatype }, i) => n + (datatype === 'BYTES' ? widths[i]! : 0), 0),
    absentRow: absentRowOf(parts, widths),
    isRequired: binding.features.map(({ optional }) => !optional),
    isNoted: binding.features.map(isNoted),
    names: prepareNames(names),
    byName: new Map(names.map((name, index) => [name, index])),
    metadataTail,
    prediction: new PredictionBytes(metadataTail),
  }
}
