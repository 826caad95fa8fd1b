/**
 * The messages of an ONNX file in which tensors, operators and metadata can be, and the fields that
 * matter here. Walker and fold both follow this table. Numbers are those of `onnx/onnx.proto`
 * (onnx 1.20); fields that are not listed are passed over.
 */

import { WireFault, type WireField, type WireReader } from './onnx-wire.ts'

export type MessageKind =
  | 'attribute'
  | 'entry'
  | 'function'
  | 'graph'
  | 'model'
  | 'node'
  | 'opset'
  | 'sparse'
  | 'tensor'
  | 'training'
  | 'value'

export type TextName = 'domain' | 'key' | 'name' | 'operator' | 'value'

export interface FieldRule {
  readonly name: string
  /** `numbers` may be packed. */
  readonly form: 'message' | 'number' | 'numbers' | 'text'
  /** The kind of a message; null for numbers and text. */
  readonly message: MessageKind | null
  /** A message that is there once; protobuf would merge several into one. */
  readonly isSingle: boolean
}

const plain = (name: string, form: FieldRule['form']): FieldRule => ({
  name,
  form,
  message: null,
  isSingle: false,
})
const number = (name: string) => plain(name, 'number')
const numbers = (name: string) => plain(name, 'numbers')
const text = (name: TextName) => plain(name, 'text')
const many = (name: string, message: MessageKind): FieldRule => ({
  name,
  form: 'message',
  message,
  isSingle: false,
})
const one = (name: string, message: MessageKind): FieldRule => ({
  ...many(name, message),
  isSingle: true,
})

const MESSAGES: Readonly<Record<MessageKind, Readonly<Record<number, FieldRule>>>> = {
  model: {
    1: number('irVersion'),
    7: one('graph', 'graph'),
    8: many('opsets', 'opset'),
    14: many('metadata', 'entry'),
    20: many('training', 'training'),
    25: many('functions', 'function'),
  },
  graph: {
    1: many('nodes', 'node'),
    5: many('initializers', 'tensor'),
    11: many('inputs', 'value'),
    12: many('outputs', 'value'),
    15: many('sparse', 'sparse'),
  },
  node: { 4: text('operator'), 5: many('attributes', 'attribute'), 7: text('domain') },
  attribute: {
    5: one('tensor', 'tensor'),
    6: one('graph', 'graph'),
    10: many('tensors', 'tensor'),
    11: many('graphs', 'graph'),
    22: one('sparse', 'sparse'),
    23: many('sparses', 'sparse'),
  },
  function: {
    1: text('name'),
    7: many('nodes', 'node'),
    10: text('domain'),
    11: many('defaults', 'attribute'),
  },
  tensor: {
    1: numbers('dims'),
    2: number('element'),
    13: many('external', 'entry'),
    14: number('location'),
  },
  sparse: { 1: one('values', 'tensor'), 2: one('indices', 'tensor') },
  training: { 1: one('initialization', 'graph'), 2: one('algorithm', 'graph') },
  opset: { 1: text('domain'), 2: number('version') },
  entry: { 1: text('key'), 2: text('value') },
  value: { 1: text('name') },
}

/**
 * The rule of a field; null for one that is not listed, or has another wire type than onnx.proto
 * gives it. Protobuf puts both aside as unknown.
 */
export const ruleOf = (kind: MessageKind, { number, type }: WireField): FieldRule | null => {
  const rule = MESSAGES[kind][number]
  if (rule === undefined) return null
  const isSound =
    rule.form === 'numbers' ? type === 0 || type === 2 : type === (rule.form === 'number' ? 0 : 2)
  return isSound ? rule : null
}

/** The numbers of one field that may be packed. */
export const dimensionsIn = (reader: WireReader, field: WireField): Iterable<number> =>
  field.type === 2 ? reader.packed(field) : [field.value]

/** TensorProto.DataLocation */
const DEFAULT = 0
const EXTERNAL = 1

/** Whether the `location` of a tensor says that its data lie in another file. */
export const isExternal = ({ low }: WireField): boolean => {
  if (low !== DEFAULT && low !== EXTERNAL) throw new WireFault('a tensor lies in no known place')
  return low === EXTERNAL
}

/** Kinds in which a tensor can be, at any depth. */
export const TENSOR_HOLDERS: ReadonlySet<MessageKind> = (() => {
  const holders = new Set<MessageKind>(['tensor'])
  for (let before = 0; before < holders.size; ) {
    before = holders.size
    for (const [kind, rules] of Object.entries(MESSAGES)) {
      const isHolder = Object.values(rules).some(
        ({ message }) => message !== null && holders.has(message),
      )
      if (isHolder) holders.add(kind as MessageKind)
    }
  }
  return holders
})()
