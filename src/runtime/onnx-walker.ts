/**
 * Looks through an ONNX file before ONNX Runtime may: within limits, in one pass, without loading
 * tensors. Field numbers are those of onnx.proto (onnx 1.20, `onnx/onnx.proto`).
 */

import { closeSync, fstatSync, openSync } from 'node:fs'
import { type Refusal, refuse } from '../shared/errors.ts'
import { ELEMENTS_MAX } from '../shared/tensor.ts'
import { checkExternal, type ExternalData } from './onnx-external.ts'
import { WALK_LIMITS, type WalkLimits } from './onnx-limits.ts'
import { WireFault, type WireField, WireReader } from './onnx-wire.ts'

export interface WalkResult {
  readonly irVersion: number
  readonly producer: string
  readonly opsets: Readonly<Record<string, number>>
  readonly metadata: Readonly<Record<string, string>>
  readonly nodes: number
  /** External data files, relative to the folder of the model. */
  readonly externalFiles: readonly string[]
}

const OPSETS_MAX = 1000
const FOREIGN_NAME_MAX = 1024

class Unsafe extends Error {}

interface Walk {
  readonly reader: WireReader
  readonly limits: WalkLimits
  readonly opsets: Record<string, number>
  readonly metadata: Record<string, string>
  readonly external: ExternalData[]
  /** `domain:operator` of nodes outside the known domains: functions of the model's own. */
  readonly foreign: Set<string>
  readonly functions: Set<string>
  metadataBytes: number
  irVersion: number
  producer: string
  nodes: number
  tensors: number
  hasGraph: boolean
}

const children = (walk: Walk, { type, start, value }: WireField) => {
  if (type !== 2) throw new WireFault('a message field has another wire type')
  return walk.reader.fields(start, start + value)
}

const text = (walk: Walk, field: WireField): string =>
  walk.reader.text(field, walk.limits.nameBytesMax)

/** StringStringEntryProto { key = 1, value = 2 } */
const walkEntry = (walk: Walk, field: WireField): [string, string] => {
  let key = ''
  let value = ''
  for (const child of children(walk, field)) {
    if (child.number === 1) key = text(walk, child)
    if (child.number === 2) value = text(walk, child)
  }
  return [key, value]
}

/** TensorProto { dims = 1, external_data = 13, data_location = 14 } */
const walkTensor = (walk: Walk, field: WireField): void => {
  if (++walk.tensors > walk.limits.tensorsMax) throw new Unsafe('it holds too many tensors')
  let elements = 1
  let isExternal = false
  const entries: Record<string, string> = {}
  for (const child of children(walk, field)) {
    if (child.number === 1) {
      const dims = child.type === 2 ? walk.reader.packed(child) : [child.value]
      for (const size of dims) elements *= size
      if (!(elements <= ELEMENTS_MAX)) throw new Unsafe('a tensor has more than 2^31 elements')
    } else if (child.number === 13) {
      const [key, value] = walkEntry(walk, child)
      entries[key] = value
    } else if (child.number === 14 && child.value === 1) isExternal = true
  }
  if (!isExternal && Object.keys(entries).length === 0) return
  walk.external.push({
    location: entries['location'] ?? '',
    offset: Number(entries['offset'] ?? 0),
    length: Number(entries['length'] ?? 0),
  })
}

const deeper = (walk: Walk, depth: number): number => {
  if (depth >= walk.limits.depthMax) throw new Unsafe('its graphs nest too deeply')
  return depth + 1
}

/** AttributeProto { t 5, g 6, tensors 10, graphs 11, sparse_tensor 22, sparse_tensors 23 } */
const walkAttribute = (walk: Walk, field: WireField, depth: number): void => {
  for (const child of children(walk, field)) {
    if (child.number === 5 || child.number === 10) walkTensor(walk, child)
    if (child.number === 6 || child.number === 11) walkGraph(walk, child, deeper(walk, depth))
    if (child.number === 22 || child.number === 23) walkSparse(walk, child)
  }
}

/** SparseTensorProto { values = 1, indices = 2 } */
const walkSparse = (walk: Walk, field: WireField): void => {
  for (const child of children(walk, field)) {
    if (child.number === 1 || child.number === 2) walkTensor(walk, child)
  }
}

/** Keeps a name that only few models have. */
const note = (walk: Walk, names: Set<string>, domain: string, name: string): void => {
  names.add(`${domain}:${name}`)
  const isTooLong = domain.length + name.length > FOREIGN_NAME_MAX
  if (isTooLong || names.size > walk.limits.foreignMax)
    throw new Unsafe('it uses too many domains, or too long ones')
}

/** NodeProto { op_type = 4, attribute = 5, domain = 7 } */
const walkNode = (walk: Walk, field: WireField, depth: number): void => {
  if (++walk.nodes > walk.limits.nodesMax) throw new Unsafe('it has too many nodes')
  let domain = ''
  let operator: WireField | null = null
  for (const child of children(walk, field)) {
    if (child.number === 4) operator = child
    if (child.number === 5) walkAttribute(walk, child, depth)
    if (child.number === 7) domain = text(walk, child)
  }
  if (walk.limits.domains.has(domain)) return
  note(walk, walk.foreign, domain, operator === null ? '' : text(walk, operator))
}

/** GraphProto { node = 1, initializer = 5, sparse_initializer = 15 } */
const walkGraph = (walk: Walk, field: WireField, depth: number): void => {
  for (const child of children(walk, field)) {
    if (child.number === 1) walkNode(walk, child, depth)
    if (child.number === 5) walkTensor(walk, child)
    if (child.number === 15) walkSparse(walk, child)
  }
}

/** FunctionProto { name 1, node 7, opset_import 9, domain 10, attribute_proto 11 } */
const walkFunction = (walk: Walk, field: WireField): void => {
  let domain = ''
  let name = ''
  for (const child of children(walk, field)) {
    if (child.number === 1) name = text(walk, child)
    if (child.number === 7) walkNode(walk, child, 1)
    if (child.number === 10) domain = text(walk, child)
    if (child.number === 11) walkAttribute(walk, child, 1)
  }
  note(walk, walk.functions, domain, name)
}

/** TrainingInfoProto { initialization = 1, algorithm = 2 }: graphs like any other. */
const walkTraining = (walk: Walk, field: WireField): void => {
  for (const child of children(walk, field)) {
    if (child.number === 1 || child.number === 2) walkGraph(walk, child, 1)
  }
}

/**
 * OperatorSetIdProto { domain = 1, version = 2 }. Exporters name the default domain twice, and
 * domains that no node uses; nodes are what counts.
 */
const walkOpset = (walk: Walk, field: WireField): void => {
  let domain = ''
  let version = 0
  for (const child of children(walk, field)) {
    if (child.number === 1) domain = text(walk, child)
    if (child.number === 2) version = child.value
  }
  walk.opsets[domain] = Math.max(version, walk.opsets[domain] ?? 0)
  if (Object.keys(walk.opsets).length > OPSETS_MAX) throw new Unsafe('it uses too many domains')
}

const walkMetadata = (walk: Walk, field: WireField): void => {
  walk.metadataBytes += field.value
  if (walk.metadataBytes > walk.limits.metadataBytesMax) {
    throw new Unsafe(`its metadata exceed ${walk.limits.metadataBytesMax} bytes`)
  }
  const [key, value] = walkEntry(walk, field)
  walk.metadata[key] = value
}

/** ModelProto { ir 1, producer 2, graph 7, opset 8, metadata 14, training 20, functions 25 } */
const walkModel = (walk: Walk): void => {
  for (const field of walk.reader.fields(0, walk.reader.size)) {
    if (field.number === 1) walk.irVersion = field.value
    if (field.number === 2) walk.producer = text(walk, field)
    if (field.number === 8) walkOpset(walk, field)
    if (field.number === 25) walkFunction(walk, field)
    if (field.number === 14) walkMetadata(walk, field)
    if (field.number === 20) walkTraining(walk, field)
    if (field.number === 7) {
      walk.hasGraph = true
      walkGraph(walk, field, 1)
    }
  }
}

/** Every operator is of a known domain, or a function that the model brings along. */
const checkOperators = ({ foreign, functions }: Walk): void => {
  for (const operator of foreign) {
    if (functions.has(operator)) continue
    const domain = operator.slice(0, operator.lastIndexOf(':'))
    throw new Unsafe(`operators of the domain '${domain.slice(0, 64)}' are not allowed`)
  }
}

const newWalk = (reader: WireReader, limits: WalkLimits): Walk => ({
  reader,
  limits,
  opsets: Object.create(null) as Record<string, number>,
  metadata: Object.create(null) as Record<string, string>,
  external: [],
  foreign: new Set(),
  functions: new Set(),
  metadataBytes: 0,
  irVersion: 0,
  producer: '',
  nodes: 0,
  tensors: 0,
  hasGraph: false,
})

/**
 * Walks a model file. Linear in its size; never throws.
 *
 * @param folder where external data may lie
 */
export const walkOnnx = (
  file: string,
  folder: string,
  limits: WalkLimits = WALK_LIMITS,
): WalkResult | Refusal => {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    return refuse('MODEL_INVALID', 'model.onnx cannot be opened')
  }
  let walk: Walk | null = null
  try {
    const { size } = fstatSync(fd)
    if (size > limits.fileBytesMax) {
      return refuse('MODEL_UNSAFE', `model.onnx exceeds ${limits.fileBytesMax} bytes`)
    }
    walk = newWalk(new WireReader(fd, size), limits)
    walkModel(walk)
    if (!walk.hasGraph) throw new WireFault('it has no graph')
    checkOperators(walk)
    for (const entry of walk.external) {
      const refusal = checkExternal(folder, entry)
      if (refusal !== null) return refusal
    }
    const externalFiles = [...new Set(walk.external.map(({ location }) => location))]
    const { irVersion, producer, opsets, metadata, nodes } = walk
    return {
      irVersion,
      producer,
      opsets: { ...opsets },
      metadata: { ...metadata },
      nodes,
      externalFiles,
    }
  } catch (thrown) {
    if (thrown instanceof Unsafe) return refuse('MODEL_UNSAFE', `model.onnx: ${thrown.message}`)
    if (thrown instanceof WireFault) {
      const hasBegun = walk !== null && walk.irVersion > 0
      const what = hasBegun ? 'is cut off or damaged' : 'is no ONNX model'
      return refuse('MODEL_INVALID', `model.onnx ${what}: ${thrown.message}`)
    }
    return refuse('MODEL_INVALID', 'model.onnx cannot be read')
  } finally {
    closeSync(fd)
  }
}
