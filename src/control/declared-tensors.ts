/** Whether a model has the tensors that its config.pbtxt declares. Pure. */

import { join } from 'node:path'
import type {
  ConfigProblem,
  DeclaredTensor,
  DeclaredTensors,
  ModelConfig,
  Place,
} from '../config/config.ts'
import { formatProblem, refuseFile } from '../config/problems.ts'
import type { RepositoryFault, ScannedModel } from '../registry/folder.ts'
import { nearest } from '../shared/nearest.ts'
import { formatShape, type Signature, type TensorSignature } from '../shared/tensor.ts'

const FILE = 'config.pbtxt'

const problemAt = (
  place: Place,
  path: string,
  message: string,
  hint: string | null = null,
): ConfigProblem => ({ source: FILE, line: place.line, column: place.column, path, message, hint })

/** Triton's word for a datatype of the protocol. */
const typeOf = (datatype: string): string => `TYPE_${datatype === 'BYTES' ? 'STRING' : datatype}`

const allOf = ({ inputs, outputs }: Signature): readonly TensorSignature[] => [
  ...inputs,
  ...outputs,
]

/** Whether dimensions are declared without rows, as Triton has it for a model that is batched. */
const isByRow = ({ maxBatchSize }: ModelConfig, signature: Signature): boolean => {
  if (maxBatchSize !== null) return maxBatchSize > 0
  return allOf(signature).every(({ shape }) => shape[0] === -1)
}

/** -1 on either side fits whatever stands on the other. */
const fits = (declared: readonly number[], dims: readonly number[]): boolean =>
  declared.length === dims.length &&
  dims.every((size, i) => size === -1 || declared[i] === -1 || declared[i] === size)

interface Version {
  /** `version 2` */
  readonly name: string
  readonly signature: Signature
  readonly config: ModelConfig
}

const tensorProblem = (
  declared: DeclaredTensor,
  kind: 'input' | 'output',
  { name, signature, config }: Version,
): ConfigProblem | null => {
  const { places, datatype, dims } = declared
  const known = signature[`${kind}s`]
  const tensor = known.find((each) => each.name === declared.name)
  if (tensor === undefined) {
    const names = known.map((each) => each.name)
    const near = nearest(declared.name, names)
    const hint = near === null ? `it has ${names.join(', ')}` : `did you mean '${near}'?`
    const message = `${name} has no ${kind} '${declared.name}'`
    return problemAt(places.name, `${kind}.name`, message, hint)
  }
  if (tensor.datatype !== datatype) {
    const message = `'${tensor.name}' of ${name} is ${typeOf(tensor.datatype)}, not ${typeOf(datatype)}`
    return problemAt(places.datatype, `${kind}.data_type`, message)
  }
  const isRowLeftOut = isByRow(config, signature)
  const wanted = isRowLeftOut ? tensor.shape.slice(1) : tensor.shape
  if (fits(dims, wanted)) return null
  const rule = isRowLeftOut ? ', the first being that of rows' : ''
  const is = `'${tensor.name}' of ${name} is ${formatShape(tensor.shape)}${rule}`
  const message = `${is}: wanted ${formatShape(wanted)}, got ${formatShape(dims)}`
  return problemAt(places.dims, `${kind}.dims`, message)
}

/** A `max_batch_size` says that a run may have more than one row, or at least one. */
const batchProblem = (place: Place, { name, signature, config }: Version): ConfigProblem | null => {
  const { maxBatchSize } = config
  if (maxBatchSize === null || maxBatchSize === 0) return null
  const fixed = allOf(signature).find(
    ({ shape: [rows] }) => rows !== -1 && !(rows === 1 && maxBatchSize === 1),
  )
  if (fixed === undefined) return null
  const is = `'${fixed.name}' of ${name} is ${formatShape(fixed.shape)}`
  const message = `${is}, without a free dimension of rows: it cannot be batched`
  const hint = 'leave max_batch_size out and declare whole shapes, or export it with that dimension'
  return problemAt(place, 'max_batch_size', message, hint)
}

/** Triton takes no file that declares some inputs, but not all. */
const lackingProblem = (declared: DeclaredTensors, { name, signature }: Version) => {
  const [first] = declared.inputs
  const names = declared.inputs.map((each) => each.name)
  const lacking = signature.inputs.find((each) => !names.includes(each.name))
  if (first === undefined || lacking === undefined) return null
  return problemAt(first.places.name, 'input', `lacks '${lacking.name}', an input of ${name}`)
}

const problemsOf = (declared: DeclaredTensors, version: Version): ConfigProblem[] =>
  [
    batchProblem(declared.batchSizePlace, version),
    ...declared.inputs.map((each) => tensorProblem(each, 'input', version)),
    ...declared.outputs.map((each) => tensorProblem(each, 'output', version)),
    lackingProblem(declared, version),
  ].filter((problem) => problem !== null)

/** What a version contradicts of its model's config.pbtxt; null when it contradicts nothing. */
export const declaredFault = (
  { name, config }: Pick<ScannedModel, 'name' | 'config'>,
  version: number,
  signature: Signature,
): RepositoryFault | null => {
  if (config.declared === null) return null
  const problems = problemsOf(config.declared, { name: `version ${version}`, signature, config })
  if (problems.length === 0) return null
  return { ...refuseFile('MODEL_CONFIG_INVALID', problems), file: join(name, FILE) }
}

const narrower = (declared: DeclaredTensor, tensor: TensorSignature | undefined): boolean => {
  const dims = tensor?.shape.slice(-declared.dims.length) ?? []
  return declared.dims.some((size, i) => size !== -1 && dims[i] === -1)
}

/** Where a version does more than its config.pbtxt declares: sentences. */
export const declaredWarnings = (config: ModelConfig, signature: Signature): string[] => {
  const { inputs = [], outputs = [] } = config.declared ?? {}
  const wider = inputs
    .filter((each) =>
      narrower(
        each,
        signature.inputs.find(({ name }) => name === each.name),
      ),
    )
    .map(({ name, places, dims }) => {
      const message = `'${name}' is taken in other sizes than ${formatShape(dims)} as well`
      return formatProblem(problemAt(places.dims, 'input.dims', message))
    })
  const names = outputs.map(({ name }) => name)
  const others = signature.outputs.map(({ name }) => name).filter((name) => !names.includes(name))
  if (outputs.length === 0 || others.length === 0) return wider
  const message = `${others.map((name) => `'${name}'`).join(', ')} can be asked for as well`
  return [...wider, formatProblem(problemAt(outputs[0]!.places.name, 'output', message))]
}
