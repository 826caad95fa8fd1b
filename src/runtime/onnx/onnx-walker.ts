/**
 * Looks through an ONNX file before ONNX Runtime may: within limits, in one pass, without loading
 * tensors. Which messages and fields it enters is said by `onnx-messages.ts`.
 */

import { closeSync, fstatSync, openSync } from 'node:fs'
import { GatewayError, isRefusal, type Refusal, refuse } from '../../shared/errors.ts'
import { ELEMENTS_MAX } from '../../shared/tensor.ts'
import { checkExternal, parseExternal } from './onnx-external.ts'
import { WALK_LIMITS, type WalkLimits } from './onnx-limits.ts'
import {
  dimensionsIn,
  type FieldRule,
  isExternal,
  type MessageKind,
  ruleOf,
  type TextName,
} from './onnx-messages.ts'
import { endOfField, WireFault, type WireField, WireReader } from './onnx-wire.ts'

export interface WalkResult {
  readonly opsets: Readonly<Record<string, number>>
  readonly metadata: Readonly<Record<string, string>>
  /** External data files, relative to the folder of the model. */
  readonly externalFiles: readonly string[]
}

const OPSETS_MAX = 1000

interface Walk {
  readonly reader: WireReader
  readonly limits: WalkLimits
  readonly opsets: Record<string, number>
  readonly metadata: Record<string, string>
  /** Bytes that are needed of each file of external data. */
  readonly external: Map<string, number>
  /** Operators outside the known domains, and the functions that the model brings along. */
  readonly foreign: Map<string, string>
  readonly functions: Map<string, string>
  metadataBytes: number
  nodes: number
  tensors: number
  /** Whether it began as a model does. */
  hasVersion: boolean
  hasGraph: boolean
}

/** What one message has said so far. */
interface Message extends Record<TextName, string> {
  readonly kind: MessageKind
  /** One bit for each field that may be there only once. */
  seen: number
  version: number
  elements: number
  isExternal: boolean
  entries: Record<string, string> | null
  ports: { inputs: number; outputs: number; bytes: number } | null
}

const newMessage = (kind: MessageKind): Message => ({
  kind,
  domain: '',
  key: '',
  name: '',
  operator: '',
  value: '',
  seen: 0,
  version: 0,
  elements: 1,
  isExternal: false,
  entries: null,
  ports: null,
})

const unsafe = (found: string): GatewayError =>
  new GatewayError('MODEL_UNSAFE', `model.onnx: ${found}`)

const readText = (walk: Walk, kind: MessageKind, field: WireField): string => {
  const { metadataBytesMax, nameBytesMax } = walk.limits
  const bytesMax = kind === 'entry' ? metadataBytesMax : nameBytesMax
  if (field.value > bytesMax) throw unsafe(`a name is longer than ${bytesMax} bytes`)
  return walk.reader.text(field)
}

const readDimensions = (walk: Walk, own: Message, field: WireField): void => {
  for (const size of dimensionsIn(walk.reader, field)) {
    own.elements *= size
    if (!(own.elements <= ELEMENTS_MAX)) throw unsafe('a tensor has more than 2^31 elements')
  }
}

/** Keeps a name that only few models have, with its domain. */
const note = (walk: Walk, names: Map<string, string>, domain: string, name: string): void => {
  names.set(JSON.stringify([domain, name]), domain)
  if (names.size > walk.limits.foreignMax) throw unsafe('it uses too many domains')
}

const noteTensor = (walk: Walk, own: Message): void => {
  if (++walk.tensors > walk.limits.tensorsMax) throw unsafe('it holds too many tensors')
  if (!own.isExternal) return // what entries may say all the same, ONNX Runtime does not read
  const data = parseExternal(own.entries ?? {})
  if (isRefusal(data)) throw new GatewayError(data.code, data.detail)
  const { location, offset, length } = data
  const bytes = offset + (length ?? 0)
  walk.external.set(location, Math.max(bytes, walk.external.get(location) ?? 0))
  if (walk.external.size > walk.limits.foreignMax) throw unsafe('its data lie in too many files')
}

const noteNode = (walk: Walk, { domain, operator }: Message): void => {
  if (++walk.nodes > walk.limits.nodesMax) throw unsafe('it has too many nodes')
  if (!walk.limits.domains.has(domain)) note(walk, walk.foreign, domain, operator)
}

/** Exporters name the default domain twice, and domains that no node uses: nodes count. */
const noteOpset = (walk: Walk, { domain, version }: Message): void => {
  walk.opsets[domain] = Math.max(version, walk.opsets[domain] ?? 0)
  if (Object.keys(walk.opsets).length > OPSETS_MAX) throw unsafe('it uses too many domains')
}

const noteMetadata = (walk: Walk, { key, value }: Message, bytes: number): void => {
  walk.metadataBytes += bytes
  const { metadataBytesMax } = walk.limits
  if (walk.metadataBytes > metadataBytesMax) {
    throw unsafe(`its metadata exceed ${metadataBytesMax} bytes`)
  }
  walk.metadata[key] = value
}

const notePort = ({ limits }: Walk, graph: Message, role: string, bytes: number): void => {
  graph.ports ??= { inputs: 0, outputs: 0, bytes: 0 }
  const { ports } = graph
  ports.bytes += bytes
  const count = role === 'inputs' ? ++ports.inputs : ++ports.outputs
  if (count > limits.portsMax) throw unsafe(`a graph has more than ${limits.portsMax} ${role}`)
  if (ports.bytes > limits.portBytesMax) {
    throw unsafe(`the inputs and outputs of a graph take more than ${limits.portBytesMax} bytes`)
  }
}

const EXTERNAL_KEYS = ['location', 'offset', 'length']

const noteEntry = ({ key, value }: Message, tensor: Message): void => {
  if (tensor.entries !== null && key in tensor.entries) {
    throw new WireFault(`a tensor has two entries '${key}'`)
  }
  tensor.entries = { ...tensor.entries, [key]: value }
}

/** Takes in what a message inside `outer` has said, now that it is complete. */
const onMessage = (
  walk: Walk,
  own: Message,
  outer: Message,
  { name: role }: FieldRule,
  bytes: number,
): void => {
  if (own.kind === 'tensor') noteTensor(walk, own)
  if (own.kind === 'node') noteNode(walk, own)
  if (own.kind === 'function') note(walk, walk.functions, own.domain, own.name)
  if (own.kind === 'opset') noteOpset(walk, own)
  if (own.kind === 'value') notePort(walk, outer, role, bytes)
  if (role === 'metadata') noteMetadata(walk, own, bytes)
  if (role === 'external' && EXTERNAL_KEYS.includes(own.key)) noteEntry(own, outer)
}

const onField = (walk: Walk, own: Message, rule: FieldRule, field: WireField): void => {
  const { form, name } = rule
  if (form === 'text') own[name as TextName] = readText(walk, own.kind, field)
  if (form === 'numbers') readDimensions(walk, own, field)
  if (name === 'version') own.version = field.value
  if (name === 'irVersion') walk.hasVersion = field.value > 0
  if (name === 'location') own.isExternal = isExternal(field)
}

/** `depth`: of graphs. */
const walkMessage = (
  walk: Walk,
  kind: MessageKind,
  start: number,
  end: number,
  depth: number,
): Message => {
  if (depth > walk.limits.depthMax) throw unsafe('its graphs nest too deeply')
  const own = newMessage(kind)
  for (const field of walk.reader.fields(start, end)) {
    const rule = ruleOf(kind, field)
    if (rule === null) continue
    const child = rule.message
    if (child === null) {
      onField(walk, own, rule, field)
      continue
    }
    if (rule.isSingle && (own.seen & (1 << field.number)) !== 0) {
      throw unsafe(`it holds twice what there can be one of (${kind}.${rule.name})`)
    }
    own.seen |= 1 << field.number
    walk.hasGraph ||= kind === 'model' && child === 'graph'
    const inner = child === 'graph' ? depth + 1 : depth
    const said = walkMessage(walk, child, field.start, endOfField(field), inner)
    onMessage(walk, said, own, rule, field.value)
  }
  return own
}

/** Every operator is of a known domain, or a function that the model brings along. */
const checkOperators = ({ foreign, functions }: Walk): void => {
  for (const [operator, domain] of foreign) {
    if (functions.has(operator)) continue
    throw unsafe(`operators of the domain '${domain.slice(0, 64)}' are not allowed`)
  }
}

const newWalk = (reader: WireReader, limits: WalkLimits): Walk => ({
  reader,
  limits,
  opsets: Object.create(null) as Record<string, number>,
  metadata: Object.create(null) as Record<string, string>,
  external: new Map(),
  foreign: new Map(),
  functions: new Map(),
  metadataBytes: 0,
  nodes: 0,
  tensors: 0,
  hasVersion: false,
  hasGraph: false,
})

const walkFile = (walk: Walk, folder: string): WalkResult | Refusal => {
  walkMessage(walk, 'model', 0, walk.reader.size, 0)
  if (!walk.hasGraph) throw new WireFault('it has no graph')
  checkOperators(walk)
  for (const [location, bytes] of walk.external) {
    const refusal = checkExternal(folder, location, bytes)
    if (refusal !== null) return refusal
  }
  return {
    opsets: { ...walk.opsets },
    metadata: { ...walk.metadata },
    externalFiles: [...walk.external.keys()],
  }
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
  let walk: Walk | null = null
  try {
    const { size } = fstatSync(fd)
    if (size > limits.fileBytesMax) {
      return refuse('MODEL_UNSAFE', `model.onnx exceeds ${limits.fileBytesMax} bytes`)
    }
    walk = newWalk(new WireReader(fd, size), limits)
    return walkFile(walk, folder)
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown.toRefusal()
    if (!(thrown instanceof WireFault)) return refuse('MODEL_INVALID', 'model.onnx cannot be read')
    const what = walk?.hasVersion === true ? 'is cut off or damaged' : 'is no ONNX model'
    return refuse('MODEL_INVALID', `model.onnx ${what}: ${thrown.message}`)
  } finally {
    closeSync(fd)
  }
}
