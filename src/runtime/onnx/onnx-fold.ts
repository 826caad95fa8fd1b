/**
 * Folds external data into a model: every tensor that points to a file gets the bytes themselves.
 * ONNX Runtime keeps such pointers when it writes an optimised model (1.30.0), and a model made
 * from bytes has no folder to look in.
 *
 * Everything else is copied byte for byte. For models that the walker has found sound.
 */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError, isRefusal, type Refusal } from '../../shared/errors.ts'
import { NewFile, withFile } from '../own-files.ts'
import { parseExternal, tooShort } from './onnx-external.ts'
import { WALK_LIMITS } from './onnx-limits.ts'
import {
  dimensionsIn,
  isExternal,
  type MessageKind,
  ruleOf,
  TENSOR_HOLDERS,
} from './onnx-messages.ts'
import { endOfField, type WireField, WireReader } from './onnx-wire.ts'

/** Bits of one element by TensorProto.DataType, for tensors that do not say how long they are. */
const ELEMENT_BITS: Readonly<Record<number, number>> = {
  ...{ 1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64 },
  ...{ 14: 64, 15: 128, 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4 },
}

/** Fields of a tensor. */
const RAW_DATA = 9
const EXTERNAL_DATA = 13
const DATA_LOCATION = 14
/** Data of the tensor's own in any form: without effect beside external data. */
const OWN_DATA = [4, 5, 6, 7, RAW_DATA, 10, 11]

interface Fold {
  readonly reader: WireReader
  readonly bytes: Buffer
  readonly folder: string
  /** External files that were read. */
  readonly files: Map<string, Buffer>
  /** What may still be added. */
  room: number
}

const fail = ({ code, detail }: Refusal): never => {
  throw new GatewayError(code, detail)
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

const entryOf = ({ reader }: Fold, field: WireField): Record<string, string> => {
  const text = { key: '', value: '' }
  for (const child of reader.fields(field.start, endOfField(field))) {
    const rule = ruleOf('entry', child)
    if (rule !== null) text[rule.name as 'key' | 'value'] = reader.text(child)
  }
  return { [text.key]: text.value }
}

const fileOf = ({ files, folder }: Fold, name: string): Buffer => {
  const known = files.get(name) ?? readFileSync(join(folder, name))
  files.set(name, known)
  return known
}

interface TensorParts {
  isExternal: boolean
  entries: Record<string, string>
  /** The fields that say nothing about data. */
  readonly kept: Buffer[]
  /** Data of the tensor's own. */
  readonly own: Buffer[]
  elements: number
  elementBits: number
}

const readTensor = (fold: Fold, start: number, end: number): TensorParts => {
  const { reader, bytes } = fold
  const parts: TensorParts = {
    isExternal: false,
    entries: {},
    kept: [],
    own: [],
    elements: 1,
    elementBits: 0,
  }
  let at = start
  for (const field of reader.fields(start, end)) {
    const begin = at
    at = endOfField(field)
    const name = ruleOf('tensor', field)?.name
    if (name === 'external') parts.entries = { ...parts.entries, ...entryOf(fold, field) }
    if (name === 'location') parts.isExternal = isExternal(field)
    if (name === 'element') parts.elementBits = ELEMENT_BITS[field.low] ?? 0
    if (name === 'dims') {
      for (const size of dimensionsIn(reader, field)) parts.elements *= size
    }
    if (field.number === EXTERNAL_DATA || field.number === DATA_LOCATION) continue
    const target = OWN_DATA.includes(field.number) ? parts.own : parts.kept
    target.push(bytes.subarray(begin, at))
  }
  return parts
}

/** The bytes that a tensor has in another file. */
const externalBytes = (fold: Fold, { entries, elements, elementBits }: TensorParts): Buffer => {
  const data = parseExternal(entries)
  if (isRefusal(data)) return fail(data)
  const { location, offset, length } = data
  const file = fileOf(fold, location)
  const bytes = length ?? Math.ceil((elements * elementBits) / 8)
  if (offset + bytes > file.length) fail(tooShort(location))
  fold.room -= bytes
  if (fold.room < 0) {
    throw new GatewayError('MODEL_INVALID', 'The model exceeds 2 GiB with its external data')
  }
  return file.subarray(offset, offset + bytes)
}

/** Data in a file are folded in; entries of a tensor whose data are its own only mislead. */
const foldTensor = (fold: Fold, start: number, end: number): Buffer[] | null => {
  const parts = readTensor(fold, start, end)
  const { kept, own } = parts
  if (parts.isExternal) {
    pushField(kept, RAW_DATA, [externalBytes(fold, parts)])
    return kept
  }
  return Object.keys(parts.entries).length === 0 ? null : [...kept, ...own]
}

/** The message in pieces, or null when nothing in it changes. */
const foldMessage = (
  fold: Fold,
  kind: MessageKind,
  start: number,
  end: number,
): Buffer[] | null => {
  if (kind === 'tensor') return foldTensor(fold, start, end)
  const pieces: Buffer[] = []
  let copied = start
  let at = start
  for (const field of fold.reader.fields(start, end)) {
    const begin = at
    at = endOfField(field)
    const child = ruleOf(kind, field)?.message
    if (child == null || !TENSOR_HOLDERS.has(child)) continue
    const folded = foldMessage(fold, child, field.start, at)
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
 * or the whole exceeds 2 GiB; STATE_UNWRITABLE when the target cannot be written.
 */
export const foldExternal = (file: string, folder: string, target: string): void => {
  const bytes = readFileSync(file)
  const pieces = withFile(file, 'r', (fd) => {
    const room = WALK_LIMITS.fileBytesMax - bytes.length
    const reader = new WireReader(fd, bytes.length)
    const fold: Fold = { reader, bytes, folder, files: new Map(), room }
    return foldMessage(fold, 'model', 0, bytes.length) ?? [bytes]
  })
  const output = new NewFile(target)
  try {
    for (const piece of pieces) output.write(piece)
  } finally {
    output.close()
  }
}
