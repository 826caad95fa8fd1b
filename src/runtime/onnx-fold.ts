/**
 * Folds external data into a model: every tensor that points to a file gets the bytes themselves.
 * ONNX Runtime keeps such pointers when it writes an optimised model (1.30.0), and a model made
 * from bytes has no folder to look in.
 *
 * Everything else is copied byte for byte. For models that the walker has found sound.
 */

import { closeSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../shared/errors.ts'
import { WALK_LIMITS } from './onnx-limits.ts'
import { endOfField, type WireField, WireReader } from './onnx-wire.ts'

type Kind = 'attribute' | 'function' | 'graph' | 'model' | 'node' | 'sparse' | 'tensor' | 'training'

/** Fields that lead to tensors, by message; numbers as in `onnx-walker.ts`. */
const CHILDREN: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  tensor: {},
}

/** Bits of one element by TensorProto.DataType, for tensors that do not say how long they are. */
const ELEMENT_BITS: Readonly<Record<number, number>> = {
  ...{ 1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64 },
  ...{ 14: 64, 15: 128, 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4 },
}

const RAW_DATA = 9
const DATA_LOCATION = 14
const EXTERNAL_DATA = 13

interface Fold {
  readonly reader: WireReader
  readonly bytes: Buffer
  readonly folder: string
  /** External files that were read. */
  readonly files: Map<string, Buffer>
  /** What may still be added. */
  room: number
}

const varint = (value: number): Buffer => {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}

const lengthOf = (parts: readonly Buffer[]): number =>
  parts.reduce((sum, { length }) => sum + length, 0)

/** Appends field `number` that holds `parts`. */
const pushField = (target: Buffer[], number: number, parts: readonly Buffer[]): void => {
  target.push(varint(number * 8 + 2), varint(lengthOf(parts)))
  for (const part of parts) target.push(part)
}

const entryOf = ({ reader, bytes }: Fold, field: WireField): [string, string] => {
  const text = ['', '']
  for (const child of reader.fields(field.start, endOfField(field))) {
    const isText = child.type === 2 && (child.number === 1 || child.number === 2)
    if (isText) text[child.number - 1] = bytes.toString('utf8', child.start, endOfField(child))
  }
  return text as [string, string]
}

const fileOf = ({ files, folder }: Fold, name: string): Buffer => {
  const known = files.get(name) ?? readFileSync(join(folder, name))
  files.set(name, known)
  return known
}

interface TensorParts {
  readonly external: Map<string, string>
  readonly kept: Buffer[]
  elements: number
  elementBits: number
}

const readTensor = (fold: Fold, start: number, end: number): TensorParts => {
  const { reader, bytes } = fold
  const parts: TensorParts = { external: new Map(), kept: [], elements: 1, elementBits: 0 }
  let at = start
  for (const field of reader.fields(start, end)) {
    const { number, type, value } = field
    const begin = at
    at = endOfField(field)
    if (number === EXTERNAL_DATA) parts.external.set(...entryOf(fold, field))
    if ([EXTERNAL_DATA, DATA_LOCATION, RAW_DATA].includes(number)) continue
    if (number === 2) parts.elementBits = ELEMENT_BITS[value] ?? 0
    if (number === 1) {
      for (const size of type === 2 ? reader.packed(field) : [value]) parts.elements *= size
    }
    parts.kept.push(bytes.subarray(begin, at))
  }
  return parts
}

const foldTensor = (fold: Fold, start: number, end: number): Buffer[] | null => {
  const { external, kept, elements, elementBits } = readTensor(fold, start, end)
  const location = external.get('location')
  if (location === undefined) return null
  const file = fileOf(fold, location)
  const from = Number(external.get('offset') ?? 0)
  const size = Math.ceil((elements * elementBits) / 8)
  const length = Number(external.get('length') ?? 0) || size
  if (from + length > file.length) {
    const detail = `model.onnx: its external data '${location}' is too short`
    throw new GatewayError('MODEL_INVALID', detail)
  }
  fold.room -= length
  if (fold.room < 0) {
    throw new GatewayError('MODEL_INVALID', 'The model exceeds 2 GiB with its external data')
  }
  pushField(kept, RAW_DATA, [file.subarray(from, from + length)])
  return kept
}

/** The message in pieces, or null when it holds no external data. */
const foldMessage = (fold: Fold, kind: Kind, start: number, end: number): Buffer[] | null => {
  if (kind === 'tensor') return foldTensor(fold, start, end)
  const pieces: Buffer[] = []
  let copied = start
  let at = start
  for (const field of fold.reader.fields(start, end)) {
    const begin = at
    at = endOfField(field)
    const child = field.type === 2 ? CHILDREN[kind][field.number] : undefined
    const folded = child === undefined ? null : foldMessage(fold, child, field.start, at)
    if (folded === null) continue
    pieces.push(fold.bytes.subarray(copied, begin))
    pushField(pieces, field.number, folded)
    copied = at
  }
  if (copied === start) return null
  pieces.push(fold.bytes.subarray(copied, end))
  return pieces
}

/**
 * Writes `file` with the data of its folder folded in. Throws MODEL_INVALID when that is too short,
 * or the whole exceeds 2 GiB.
 */
export const foldExternal = (file: string, folder: string, target: string): void => {
  const bytes = readFileSync(file)
  const fd = openSync(file, 'r')
  const output = openSync(target, 'wx', 0o600)
  try {
    const reader = new WireReader(fd, fstatSync(fd).size)
    const room = WALK_LIMITS.fileBytesMax - bytes.length
    const fold: Fold = { reader, bytes, folder, files: new Map(), room }
    for (const piece of foldMessage(fold, 'model', 0, bytes.length) ?? [bytes]) {
      for (let at = 0; at < piece.length; ) at += writeSync(output, piece, at)
    }
  } finally {
    closeSync(fd)
    closeSync(output)
  }
}
