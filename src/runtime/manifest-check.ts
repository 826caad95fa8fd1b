/** Whether a manifest speaks of the model beside it. Pure. */

import { type Refusal, refuse } from '../shared/errors.ts'
import type { Manifest, ManifestFeature } from '../shared/manifest.ts'
import {
  canHold,
  formatShape,
  rowElements,
  type Signature,
  type TensorSignature,
} from '../shared/tensor.ts'

const find = (tensors: readonly TensorSignature[], name: string) =>
  tensors.find((tensor) => tensor.name === name)

const checkFeature = (feature: ManifestFeature, signature: Signature): string | null => {
  const { name, type, tensor, column, vocabulary, optional, missing } = feature
  const input = find(signature.inputs, tensor)
  if (input === undefined) return `Feature '${name}' names the unknown input '${tensor}'`
  const elements = rowElements(input.shape)
  if (elements < 0)
    return `Feature '${name}' is a column of '${tensor}', whose rows have no fixed size`
  if (column >= elements) {
    return `Feature '${name}' is column ${column} of '${tensor}', which has ${elements}`
  }
  const isText = input.datatype === 'BYTES'
  if (isText !== (type === 'category' && vocabulary === undefined)) {
    const kind = vocabulary === undefined ? type : `${type} with a vocabulary`
    return `Feature '${name}' is ${kind}, but '${tensor}' holds ${input.datatype}`
  }
  if (isText !== (typeof missing === 'string')) {
    return `Feature '${name}' has a missing value of the wrong type for ${input.datatype}`
  }
  if (optional && !canHold(input.datatype, missing)) {
    const what = `Feature '${name}' is optional, but ${missing} is no ${input.datatype}`
    return `${what}: give \`missing\`, the value to feed where it is absent`
  }
  return null
}

const checkOutput = (
  what: string,
  output: string | undefined,
  column: number,
  signature: Signature,
): string | null => {
  if (output === undefined) return null
  const tensor = find(signature.outputs, output)
  if (tensor === undefined) return `${what} names the unknown output '${output}'`
  const elements = rowElements(tensor.shape)
  return elements >= 0 && column >= elements
    ? `${what} is column ${column} of '${output}', which has ${elements}`
    : null
}

const checkScore = ({ score, task, classes }: Manifest, signature: Signature): string | null => {
  if (task !== 'other' && score === undefined) return `The task ${task} needs a score`
  if (task === 'multiclass' && classes === undefined) return 'The task multiclass needs classes'
  if (score === undefined) return null
  const isText = find(signature.outputs, score.output)?.datatype === 'BYTES'
  if (isText) return `The score is '${score.output}', which holds BYTES`
  return checkOutput('The score', score.output, score.column, signature)
}

const checkSignature = (
  promised: readonly TensorSignature[],
  found: readonly TensorSignature[],
): string | null => {
  for (const { name, datatype, shape } of promised) {
    const tensor = find(found, name)
    if (tensor === undefined) return `The signature names '${name}', which the model lacks`
    if (tensor.datatype !== datatype || formatShape(tensor.shape) !== formatShape(shape)) {
      const is = `${tensor.datatype} ${formatShape(tensor.shape)}`
      return `The signature has '${name}' as ${datatype} ${formatShape(shape)}; it is ${is}`
    }
  }
  return promised.length === found.length ? null : 'The signature lacks tensors of the model'
}

/** The first contradiction between manifest, digest and signature; null when there is none. */
export const checkManifest = (
  manifest: Manifest,
  digest: string,
  signature: Signature,
): Refusal | null => {
  if (manifest.digest !== digest) {
    return refuse('DIGEST_MISMATCH', 'model.onnx is not the file that manifest.json describes')
  }
  const promised = manifest.signature
  const fault =
    (promised && checkSignature(promised.inputs, signature.inputs)) ??
    (promised && checkSignature(promised.outputs, signature.outputs)) ??
    manifest.features.map((each) => checkFeature(each, signature)).find(Boolean) ??
    checkScore(manifest, signature) ??
    checkOutput('The label', manifest.label?.output, 0, signature)
  return fault ? refuse('MANIFEST_INVALID', `manifest.json: ${fault}`) : null
}
