/**
 * Looks through an ONNX file before ONNX Runtime may: within limits, in one pass, without loading
 * tensors. Field numbers are those of onnx.proto (onnx 1.20, `onnx/onnx.proto`).
 */

import { closeSync, fstatSync, lstatSync, openSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Refusal, refuse } from '../shared/errors.ts'
import { ELEMENTS_MAX } from '../shared/tensor.ts'
import { WireFault, type WireField, WireReader } from './onnx-wire.ts'

export interface WalkLimits {
  readonly fileBytesMax: number
  readonly nodesMax: number
  readonly tensorsMax: number
  readonly depthMax: number
  readonly nameBytesMax: number
}

/** 2 GiB is protobuf's own bound; the rest is far above any real model. */
export const WALK_LIMITS: WalkLimits = {
  fileBytesMax: 2 ** 31 - 1,
  nodesMax: 1_000_000,
  tensorsMax: 1_000_000,
  depthMax: 64,
  nameBytesMax: 1024 * 1024,
}

export interface WalkResult {
  readonly irVersion: number
  readonly producer: string
  readonly opsets: Readonly<Record<string, number>>
  readonly metadata: Readonly<Record<string, string>>
  readonly nodes: number
  /** External data files, relative to the folder of the model. */
  readonly externalFiles: readonly string[]
}

/** Operators of other domains would need a library to be loaded: code from the model's author. */
const DOMAINS = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft'])

class Unsafe extends Error {}

interface Walk {
  readonly reader: WireReader
  readonly limits: WalkLimits
  readonly opsets: Record<string, number>
  readonly metadata: Record<string, string>
  readonly external: { location: string; offset: number; length: number }[]
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

const checkDomain = (domain: string): void => {
  if (!DOMAINS.has(domain)) {
    throw new Unsafe(`operators of the domain '${domain.slice(0, 64)}' are not allowed`)
  }
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

/** NodeProto { attribute = 5, domain = 7 } */
const walkNode = (walk: Walk, field: WireField, depth: number): void => {
  if (++walk.nodes > walk.limits.nodesMax) throw new Unsafe('it has too many nodes')
  for (const child of children(walk, field)) {
    if (child.number === 5) walkAttribute(walk, child, depth)
    if (child.number === 7) checkDomain(text(walk, child))
  }
}

/** GraphProto { node = 1, initializer = 5, sparse_initializer = 15 } */
const walkGraph = (walk: Walk, field: WireField, depth: number): void => {
  for (const child of children(walk, field)) {
    if (child.number === 1) walkNode(walk, child, depth)
    if (child.number === 5) walkTensor(walk, child)
    if (child.number === 15) walkSparse(walk, child)
  }
}

/** FunctionProto { node = 7, opset_import = 9, domain = 10 }; its own domain may be anything. */
const walkFunction = (walk: Walk, field: WireField): void => {
  for (const child of children(walk, field)) {
    if (child.number === 7) walkNode(walk, child, 1)
  }
}

/** OperatorSetIdProto { domain = 1, version = 2 }. Exporters name the default domain twice. */
const walkOpset = (walk: Walk, field: WireField): void => {
  let domain = ''
  let version = 0
  for (const child of children(walk, field)) {
    if (child.number === 1) domain = text(walk, child)
    if (child.number === 2) version = child.value
  }
  checkDomain(domain)
  walk.opsets[domain] = Math.max(version, walk.opsets[domain] ?? 0)
}

/** ModelProto { ir_version 1, producer 2, graph 7, opset_import 8, metadata 14, functions 25 } */
const walkModel = (walk: Walk): void => {
  for (const field of walk.reader.fields(0, walk.reader.size)) {
    if (field.number === 1) walk.irVersion = field.value
    if (field.number === 2) walk.producer = text(walk, field)
    if (field.number === 8) walkOpset(walk, field)
    if (field.number === 25) walkFunction(walk, field)
    if (field.number === 14) {
      const [key, value] = walkEntry(walk, field)
      walk.metadata[key] = value
    }
    if (field.number === 7) {
      walk.hasGraph = true
      walkGraph(walk, field, 1)
    }
  }
}

/** External data must be a plain file of the model's own folder, and long enough. */
const checkExternal = (folder: string, { location, offset, length }: Walk['external'][number]) => {
  const isPlainName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/.test(location)
  if (!isPlainName) throw new Unsafe('its external data lies outside its folder')
  const file = join(folder, location)
  let size: number
  try {
    const stat = lstatSync(file)
    if (!stat.isFile() || dirname(realpathSync(file)) !== realpathSync(folder)) {
      throw new Unsafe('its external data is a link or no file')
    }
    size = stat.size
  } catch (thrown) {
    if (thrown instanceof Unsafe) throw thrown
    throw new WireFault(`its external data '${location}' is missing`)
  }
  const isWithin = offset >= 0 && length >= 0 && offset + length <= size
  if (!isWithin) throw new WireFault(`its external data '${location}' is too short`)
}

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
  try {
    const { size } = fstatSync(fd)
    if (size > limits.fileBytesMax) {
      return refuse('MODEL_UNSAFE', `model.onnx exceeds ${limits.fileBytesMax} bytes`)
    }
    const walk: Walk = {
      reader: new WireReader(fd, size),
      limits,
      opsets: Object.create(null) as Record<string, number>,
      metadata: Object.create(null) as Record<string, string>,
      external: [],
      irVersion: 0,
      producer: '',
      nodes: 0,
      tensors: 0,
      hasGraph: false,
    }
    walkModel(walk)
    if (!walk.hasGraph)
      return refuse('MODEL_INVALID', 'model.onnx is no ONNX model: it has no graph')
    for (const entry of walk.external) checkExternal(folder, entry)
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
    if (thrown instanceof WireFault) return refuse('MODEL_INVALID', `model.onnx: ${thrown.message}`)
    return refuse('MODEL_INVALID', 'model.onnx cannot be read')
  } finally {
    closeSync(fd)
  }
}
