/**
 * What the entries of one endpoint, or of one of its variants, mean: everything that is alike in
 * all of them and therefore stands in none. A segment holds the layouts of its entries.
 */

import { type AnswerTerms, answerTermsOf } from '../shared/answer-terms.ts'
import { bind, type Contract } from '../shared/contract.ts'
import type { PlannedEndpoint, PlannedVersion } from '../shared/epoch-plan.ts'
import { isRefusal } from '../shared/errors.ts'
import type { FeatureType, Manifest } from '../shared/manifest.ts'
import { ALL_OUTPUTS, type AlwaysKept, type EndpointRecordPolicy } from '../shared/record-policy.ts'
import {
  type Datatype,
  rowElements,
  type Signature,
  type TensorSignature,
} from '../shared/tensor.ts'
import { compilePolicy, type PolicyRules } from './redact/policy-rules.ts'

export interface LayoutTensor {
  readonly name: string
  readonly datatype: Datatype
  /** Dimensions of one row; of the whole, where there are no rows. -1: free. */
  readonly shape: readonly number[]
  /** Their product; -1: free, and every entry carries its dimensions. */
  readonly rowElements: number
}

export interface LayoutFeature {
  readonly name: string
  /** `tensor`: the whole row of an input, of contracts that have no features. */
  readonly type: FeatureType | 'tensor'
  /** Index into the inputs. */
  readonly input: number
  /** Element within the row of that input; 0 for a tensor. */
  readonly column: number
  /** Categories by the code that the input takes; null: it takes text, or is none. */
  readonly vocabulary: readonly string[] | null
  /** NaN is fed where the value is missing: then NaN means that it was. */
  readonly isNanMissing: boolean
}

export interface RecordLayout {
  /** From 1; never used again by the replica in its incarnation. */
  readonly id: number
  readonly endpoint: string
  readonly model: string
  /** 0, and '' as variant: refusals before one was chosen, and feedback. */
  readonly version: number
  readonly variant: string
  readonly revision: number
  /** Whether tensors have a row dimension of ours; else a request is one row. */
  readonly hasRows: boolean
  readonly inputs: readonly LayoutTensor[]
  readonly outputs: readonly LayoutTensor[]
  readonly features: readonly LayoutFeature[]
  /** null: an answer is its raw outputs. */
  readonly answer: AnswerTerms | null
  readonly policy: LayoutPolicy
}

/** An endpoint's policy as it bears on one layout. */
export interface LayoutPolicy extends PolicyRules {
  readonly isRecorded: boolean
  readonly rate: number
  readonly always: AlwaysKept
  readonly recordBytesMax: number
}

const tensorsOf = (tensors: readonly TensorSignature[], hasRows: boolean): LayoutTensor[] =>
  tensors.map(({ name, datatype, shape }) => ({
    name,
    datatype,
    shape: hasRows ? shape.slice(1) : shape,
    rowElements: hasRows ? rowElements(shape) : -1,
  }))

const featuresOf = (
  contract: Contract,
  signature: Signature,
  manifest: Manifest | null,
): LayoutFeature[] => {
  if (contract.features.length === 0) {
    return signature.inputs.map(({ name }, input) => ({
      ...{ name, type: 'tensor', input, column: 0, vocabulary: null, isNanMissing: false },
    }))
  }
  const binding = bind(contract, signature, manifest)
  if (isRefusal(binding)) return []
  return binding.features.map(({ name, type, input, column, optional, missing }) => ({
    ...{ name, type, input, column },
    isNanMissing: optional && Number.isNaN(missing),
    vocabulary: manifest?.features.find((own) => own.name === name)?.vocabulary ?? null,
  }))
}

const isNumber = ({ datatype }: LayoutTensor): boolean =>
  datatype !== 'BYTES' && datatype !== 'BOOL'

/** Whether a feature's values are numbers; what stands for a category is none. */
const isNumeric = ({ type, input }: LayoutFeature, inputs: readonly LayoutTensor[]): boolean =>
  (type === 'tensor' || type === 'number' || type === 'integer') && isNumber(inputs[input]!)

/** The rules of redaction. Inputs that no feature names are under none: they are not kept. */
const rulesOf = (
  policy: EndpointRecordPolicy,
  features: readonly LayoutFeature[],
  { inputs, outputs }: Pick<RecordLayout, 'inputs' | 'outputs'>,
): PolicyRules => {
  const rules = compilePolicy(
    policy,
    features.map((feature) => ({ name: feature.name, isNumeric: isNumeric(feature, inputs) })),
    outputs.map((output) => ({ name: output.name, isNumeric: isNumber(output) })),
  )
  return features.length === 0 && inputs.length > 0 ? { ...rules, keepsFeatures: false } : rules
}

/** What a layout tells of an endpoint and of a version of its model. */
type RecordedEndpoint = Pick<PlannedEndpoint, 'name' | 'model' | 'revision' | 'contract'>
type RecordedVersion = Pick<PlannedVersion, 'version' | 'signature' | 'manifest' | 'batching'>

/** A policy as it is for one version: of one that a rule does not fit no outputs are kept. */
const ofVersion = (
  policy: EndpointRecordPolicy,
  planned: RecordedVersion | null,
): EndpointRecordPolicy => {
  const isOff = planned !== null && policy.outputsOff?.includes(planned.version) === true
  const outputs = { [ALL_OUTPUTS]: { kind: 'drop' as const } }
  return isOff ? { ...policy, redact: { ...policy.redact, outputs } } : policy
}

const NO_SIGNATURE: Signature = { inputs: [], outputs: [] }

/**
 * The layout of the records of a variant; of the endpoint's refusals before one is chosen, and of
 * its feedback, where `variant` and `version` are null. The agent gives it its id.
 */
export const layoutOf = (
  endpoint: RecordedEndpoint,
  variant: string | null,
  version: RecordedVersion | null,
  policy: EndpointRecordPolicy,
): Omit<RecordLayout, 'id'> => {
  const signature = version?.signature ?? NO_SIGNATURE
  const manifest = version?.manifest ?? null
  const hasRows = version !== null && version.batching.rowsMax > 0
  const features = version === null ? [] : featuresOf(endpoint.contract, signature, manifest)
  const inputs = tensorsOf(signature.inputs, hasRows)
  const outputs = tensorsOf(signature.outputs, hasRows)
  const { isRecorded, rate, always, recordBytesMax } = policy
  return {
    endpoint: endpoint.name,
    model: endpoint.model,
    version: version?.version ?? 0,
    variant: variant ?? '',
    revision: endpoint.revision,
    hasRows,
    inputs,
    outputs,
    features,
    answer: answerTermsOf(signature, manifest),
    policy: {
      ...{ isRecorded, rate, always, recordBytesMax },
      ...rulesOf(ofVersion(policy, version), features, { inputs, outputs }),
    },
  }
}
