/** What an endpoint promises its clients, and how a version keeps that promise. */

import { isRefusal, type Refusal, refuse } from './errors.ts'
import type { FeatureType, Manifest } from './manifest.ts'
import {
  canHold,
  formatShape,
  rowElements,
  type Signature,
  type TensorSignature,
} from './tensor.ts'

export interface ContractFeature {
  readonly name: string
  readonly type: FeatureType
  readonly optional: boolean
}

/** Ordered features (empty when the champion has no manifest) and tensors of an endpoint. */
export interface Contract {
  readonly features: readonly ContractFeature[]
  readonly tensors: readonly TensorSignature[]
}

/** One contract feature bound to a version's input. */
export interface BoundFeature {
  readonly name: string
  readonly type: FeatureType
  readonly optional: boolean
  /** Index into the version's inputs. */
  readonly input: number
  /** Element within the row of that input. */
  readonly column: number
  readonly missing: number | string
  /** Category -> code where the input takes numbers, else null. */
  readonly codes: ReadonlyMap<string, number> | null
}

/** A version's map from a contract to its own inputs. Computed when an epoch is prepared. */
export interface Binding {
  /** In contract order. */
  readonly features: readonly BoundFeature[]
}

/** The contract that a version gives to an endpoint which declares none. */
export const contractOf = (signature: Signature, manifest: Manifest | null): Contract => ({
  features: (manifest?.features ?? []).map(({ name, type, optional }) => ({
    name,
    type,
    optional,
  })),
  tensors: signature.inputs,
})

/** Why the version does not take a tensor of the contract; null when it does. */
const tensorFault = (wanted: TensorSignature, signature: Signature): Refusal | null => {
  const found = signature.inputs.find((input) => input.name === wanted.name)
  if (found === undefined) {
    return refuse('BINDING_FAILED', `The version has no input '${wanted.name}'`)
  }
  const sameShape =
    found.shape.length === wanted.shape.length &&
    found.shape.every((size, i) => size === wanted.shape[i] || size === -1)
  if (found.datatype === wanted.datatype && sameShape) return null
  const own = `${found.datatype} ${formatShape(found.shape)}`
  const promised = `${wanted.datatype} ${formatShape(wanted.shape)}`
  return refuse(
    'BINDING_FAILED',
    `Input '${wanted.name}' is ${own}, the contract wants ${promised}`,
  )
}

const bindFeature = (
  wanted: ContractFeature,
  signature: Signature,
  manifest: Manifest | null,
): BoundFeature | Refusal => {
  const own = manifest?.features.find((feature) => feature.name === wanted.name)
  if (own === undefined) {
    return refuse('BINDING_FAILED', `The version has no feature '${wanted.name}'`)
  }
  const input = signature.inputs.findIndex((tensor) => tensor.name === own.tensor)
  const tensor = signature.inputs[input]
  if (tensor === undefined) {
    return refuse('BINDING_FAILED', `Feature '${own.name}' names the unknown input '${own.tensor}'`)
  }
  if (own.type !== wanted.type) {
    return refuse('BINDING_FAILED', `Feature '${own.name}' is ${own.type}, wanted ${wanted.type}`)
  }
  const codes =
    own.vocabulary === undefined
      ? null
      : new Map(own.vocabulary.map((category, code) => [category, code]))
  const { name, type } = wanted
  const optional = wanted.optional || own.optional
  if (optional && !canHold(tensor.datatype, own.missing)) {
    const detail = `Feature '${name}' may be absent, but its missing value ${own.missing} is no ${tensor.datatype}`
    return refuse('BINDING_FAILED', detail)
  }
  return { name, type, optional, input, column: own.column, missing: own.missing, codes }
}

/**
 * Binds a version to a contract.
 *
 * A contract with features is kept by features: the version's tensors may differ. A contract of
 * tensors only is kept by tensors of the same name, datatype and shape. Inputs of the version that
 * the contract does not fill make it unbindable, and so does a feature that clients may leave out
 * where the version has nothing to feed for it.
 */
export const bind = (
  contract: Contract,
  signature: Signature,
  manifest: Manifest | null,
): Binding | Refusal => {
  if (contract.features.length === 0) {
    const faults = contract.tensors.map((wanted) => tensorFault(wanted, signature))
    return (
      faults.find((fault) => fault !== null) ?? findUnnamed(contract, signature) ?? { features: [] }
    )
  }
  const features: BoundFeature[] = []
  for (const wanted of contract.features) {
    const bound = bindFeature(wanted, signature, manifest)
    if (isRefusal(bound)) return bound
    features.push(bound)
  }
  return findUnfed(features, signature, manifest) ?? { features }
}

/** An input that the contract does not name would be wanted of clients who do not know of it. */
const findUnnamed = ({ tensors }: Contract, { inputs }: Signature): Refusal | null => {
  const surplus = inputs.find(({ name }) => !tensors.some((wanted) => wanted.name === name))
  return surplus === undefined
    ? null
    : refuse('BINDING_FAILED', `The contract has no input '${surplus.name}'`)
}

/** Inputs that no contract feature feeds would run on what the buffer held before. */
const findUnfed = (
  features: readonly BoundFeature[],
  signature: Signature,
  manifest: Manifest | null,
): Refusal | null => {
  const names = new Set(features.map(({ name }) => name))
  const surplus = manifest?.features.find(({ name }) => !names.has(name))
  if (surplus !== undefined) {
    return refuse('BINDING_FAILED', `The contract has no feature '${surplus.name}'`)
  }
  for (const [index, { name, shape }] of signature.inputs.entries()) {
    const wanted = rowElements(shape)
    if (wanted < 0) {
      const detail = `Features cannot feed input '${name}': its rows have no fixed size`
      return refuse('BINDING_FAILED', detail)
    }
    const fed = new Set(features.flatMap(({ input, column }) => (input === index ? [column] : [])))
    if (fed.size !== wanted) {
      const detail = `Features feed ${fed.size} of the ${wanted} columns of input '${name}'`
      return refuse('BINDING_FAILED', detail)
    }
  }
  return null
}
