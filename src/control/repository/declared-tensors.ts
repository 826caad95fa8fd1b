/** Whether a model has the tensors that its config.pbtxt declares. Pure. */

import { join } from 'node:path'
import type {
  ConfigProblem,
  DeclaredTensor,
  DeclaredTensors,
  ModelConfig,
  Place,
} from '../../config/config.ts'
import { didYouMean, refuseFile } from '../../config/problems.ts'
import { shortened } from '../../config/schema-text.ts'
import type { RepositoryFault, ScannedModel } from '../../registry/folder.ts'
import type { ProvingFailure } from '../../runtime/proving-report.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { type Names, nearest, prepareNames } from '../../shared/nearest.ts'
import { formatShape, type Signature, type TensorSignature } from '../../shared/tensor.ts'

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

const isByRow = ({ maxBatchSize }: ModelConfig, signature: Signature): boolean => {
  if (maxBatchSize !== null) return maxBatchSize > 0
  return allOf(signature).every(({ shape }) => shape[0] === -1)
}

/**
 * -1 on either side fits whatever stands on the other. Triton has no shape without dimensions: a
 * scalar is declared with ones.
 */
const fits = (declared: readonly number[], dims: readonly number[], isScalar: boolean): boolean =>
  isScalar
    ? declared.every((size) => size === 1)
    : declared.length === dims.length &&
      dims.every((size, i) => size === -1 || declared[i] === -1 || declared[i] === size)

interface Version {
  /** `version 2` */
  readonly name: string
  readonly signature: Signature
  readonly config: ModelConfig
  /** Whether dims leave out the first dimension, as Triton has it for a model that is batched. */
  readonly isByRow: boolean
}

/** More help nobody: a file has room for thousands of tensors. */
const PROBLEMS_MAX = 100
const NAMES_SHOWN_MAX = 5

/** `'a', 'b' and 3 more` */
const listed = (names: readonly string[]): string => {
  const shown = names.slice(0, NAMES_SHOWN_MAX).map((name) => `'${shortened(name)}'`)
  const more = names.length - shown.length
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ')
}

interface Known {
  readonly byName: ReadonlyMap<string, TensorSignature>
  readonly names: Names
}

const knownOf = (tensors: readonly TensorSignature[]): Known => ({
  byName: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  names: prepareNames(tensors.map(({ name }) => name)),
})

const unknownProblem = (
  { name, places }: DeclaredTensor,
  kind: 'input' | 'output',
  known: Known,
  version: string,
): ConfigProblem => {
  const near = nearest(name, known.names)
  const hint =
    near === null ? `it has ${listed([...known.byName.keys()])}` : didYouMean(shortened(near))
  const message = `${version} has no ${kind} '${shortened(name)}'`
  return problemAt(places.name, `${kind}.name`, message, hint)
}

const tensorProblem = (
  declared: DeclaredTensor,
  kind: 'input' | 'output',
  known: Known,
  version: Version,
): ConfigProblem | null => {
  const { places, datatype, dims, isOptional } = declared
  const tensor = known.byName.get(declared.name)
  if (tensor === undefined) {
    return isOptional ? null : unknownProblem(declared, kind, known, version.name)
  }
  const what = `'${shortened(tensor.name)}' of ${version.name}`
  if (tensor.datatype !== datatype) {
    const message = `${what} is ${typeOf(tensor.datatype)}, not ${typeOf(datatype)}`
    return problemAt(places.datatype, `${kind}.data_type`, message)
  }
  const wanted = version.isByRow ? tensor.shape.slice(1) : tensor.shape
  if (fits(dims, wanted, tensor.shape.length === 0)) return null
  const rule = version.isByRow ? ', the first being that of rows' : ''
  const is = `${what} is ${formatShape(tensor.shape)}${rule}`
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
  const is = `'${shortened(fixed.name)}' of ${name} is ${formatShape(fixed.shape)}`
  const message = `${is}, without a free dimension of rows: it cannot be batched`
  const hint = 'leave max_batch_size out and declare whole shapes, or export it with that dimension'
  return problemAt(place, 'max_batch_size', message, hint)
}

/** Triton takes no file that declares some inputs, but not all. */
const lackingProblem = (declared: DeclaredTensors, { name, signature }: Version) => {
  const [first] = declared.inputs
  const names = new Set(declared.inputs.map((each) => each.name))
  const lacking = signature.inputs.find((each) => !names.has(each.name))
  if (first === undefined || lacking === undefined) return null
  const message = `lacks '${shortened(lacking.name)}', an input of ${name}`
  return problemAt(first.places.name, 'input', message)
}

function* findProblems(declared: DeclaredTensors, version: Version) {
  yield batchProblem(declared.batchSizePlace, version)
  for (const kind of ['input', 'output'] as const) {
    const known = knownOf(version.signature[`${kind}s`])
    for (const each of declared[`${kind}s`]) yield tensorProblem(each, kind, known, version)
  }
  yield lackingProblem(declared, version)
}

const firstOf = (found: Iterator<ConfigProblem | null>): ConfigProblem[] =>
  Iterator.from(found)
    .filter((problem) => problem !== null)
    .take(PROBLEMS_MAX)
    .toArray()

type Settings = Pick<ScannedModel, 'name' | 'config'>

const faultOf = (model: string, code: ErrorCode, problems: ConfigProblem[]): RepositoryFault => ({
  ...refuseFile(code, problems),
  file: join(model, FILE),
})

/** What a version contradicts of its model's config.pbtxt; null when it contradicts nothing. */
export const declaredFault = (
  { name, config }: Settings,
  version: number,
  signature: Signature,
): RepositoryFault | null => {
  if (config.declared === null) return null
  const whole = { signature, config, isByRow: isByRow(config, signature) }
  const subject = { ...whole, name: `version ${version}` }
  const problems = firstOf(findProblems(config.declared, subject))
  return problems.length === 0 ? null : faultOf(name, 'MODEL_CONFIG_INVALID', problems)
}

/** A failure, with the line of config.pbtxt that asked for what there is not. */
export const placedFailure = (
  { name, config: { declared } }: Settings,
  failure: ProvingFailure,
): RepositoryFault => {
  const place = declared?.gpuPlace ?? null
  if (failure.code !== 'PROVIDER_UNAVAILABLE' || place === null) return failure
  const hint = 'with KIND_AUTO the CPU runs it where there is no GPU'
  const problem = problemAt(place, 'instance_group.kind', failure.detail, hint)
  return faultOf(name, failure.code, [problem])
}

const narrower = (declared: DeclaredTensor, tensor: TensorSignature): boolean => {
  const dims = tensor.shape.slice(-declared.dims.length)
  return declared.dims.some((size, i) => size !== -1 && dims[i] === -1)
}

function* inputWarnings({ inputs }: DeclaredTensors, known: Known) {
  for (const each of inputs) {
    const { name, places, dims, isOptional } = each
    const tensor = known.byName.get(name)
    const what = `'${shortened(name)}'`
    if (isOptional) {
      const says =
        tensor === undefined
          ? 'is no input of the model: its default is always used; it cannot be sent'
          : 'must be sent'
      yield problemAt(places.name, 'input.optional', `is not obeyed: ${what} ${says}`)
    }
    if (tensor !== undefined && narrower(each, tensor)) {
      const message = `${what} is taken in other sizes than ${formatShape(dims)} as well`
      yield problemAt(places.dims, 'input.dims', message)
    }
  }
}

/** Where a version does other than its config.pbtxt declares, but contradicts nothing. */
export const declaredWarnings = (
  { declared }: ModelConfig,
  signature: Signature,
): readonly ConfigProblem[] => {
  if (declared === null) return []
  const found = firstOf(inputWarnings(declared, knownOf(signature.inputs)))
  const [first] = declared.outputs
  const names = new Set(declared.outputs.map(({ name }) => name))
  const others = signature.outputs.map(({ name }) => name).filter((name) => !names.has(name))
  if (first === undefined || others.length === 0) return found
  const message = `${listed(others)} can be asked for as well`
  return [...found, problemAt(first.places.name, 'output', message)]
}
