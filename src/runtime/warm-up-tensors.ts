/**
 * The tensors of a warm-up sample, by the rules of Triton's `model_warmup`: every input of the
 * model, the same row as often as the sample has rows. Pure. What is wrong with a sample is thrown
 * as WARMUP_FAILED.
 */

import { GatewayError } from '../shared/errors.ts'
import {
  allocate,
  elementCount,
  formatShape,
  type Signature,
  type Tensor,
  type TensorData,
  type TensorSignature,
} from '../shared/tensor.ts'
import type { WarmupInput, WarmupSample } from '../shared/warmup-sample.ts'

/** Of one sample, rows included: as much as the largest request that is ever taken. */
export const SAMPLE_BYTES_MAX = 2 ** 30
/** Counted for a text that is not read yet: its length, and an entry in a list. */
const TEXT_BYTES = 8

export const warmupFault = (name: string, why: string): GatewayError =>
  new GatewayError('WARMUP_FAILED', `The warm-up '${name}' fails: ${why}`)

/** The bytes of an input's file. */
export type ReadWarmupFile = (file: string) => Uint8Array

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Texts, each behind its length in 4 bytes, little-endian. */
const readTexts = (bytes: Uint8Array, count: number): string[] | string => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const texts: string[] = []
  let at = 0
  while (at < bytes.length) {
    if (texts.length === count) return `more than ${count} strings`
    const start = at + 4
    const end = start <= bytes.length ? start + view.getUint32(at, true) : Number.POSITIVE_INFINITY
    if (end > bytes.length) return `a string that ends beyond its ${bytes.length} bytes`
    try {
      texts.push(utf8.decode(bytes.subarray(start, end)))
    } catch {
      return 'a string that is no UTF-8'
    }
    // ONNX Runtime takes texts by their first zero.
    if (texts.at(-1)!.includes('\0')) return 'a string with a zero byte'
    at = end
  }
  return texts.length === count ? texts : `${texts.length} strings; wanted ${count}`
}

/** One row from a file. What follows it is left alone, as in Triton. */
const fill = (row: TensorData, bytes: Uint8Array): string | null => {
  if (Array.isArray(row)) {
    const texts = readTexts(bytes, row.length)
    if (typeof texts === 'string') return texts
    for (const [i, text] of texts.entries()) row[i] = text
    return null
  }
  if (bytes.length < row.byteLength) return `${bytes.length} bytes; wanted ${row.byteLength}`
  // Little-endian, as every machine that ONNX Runtime has binaries for.
  new Uint8Array(row.buffer).set(bytes.subarray(0, row.byteLength))
  return null
}

/** Always the same numbers: floats in [0, 1), integers of all their bits (xorshift32). */
const randomise = (row: TensorData, { datatype }: WarmupInput): void => {
  if (Array.isArray(row)) return
  let state = 0x9e3779b9
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
  if (row instanceof Float32Array || row instanceof Float64Array) {
    for (let i = 0; i < row.length; i++) row[i] = (next() >>> 8) / 2 ** 24
    return
  }
  const bytes = new Uint8Array(row.buffer)
  const mask = datatype === 'BOOL' ? 1 : 255
  for (let i = 0; i < bytes.length; i++) bytes[i] = (next() >>> 16) & mask
}

/** The row of an input over and over. */
const stack = (row: TensorData, rows: number, { datatype }: TensorSignature): TensorData => {
  if (rows === 1) return row
  const all = allocate(datatype, row.length * rows)
  if (Array.isArray(all)) {
    for (let i = 0; i < all.length; i++) all[i] = (row as string[])[i % row.length]!
  } else {
    for (let i = 0; i < rows; i++) all.set(row as never, i * row.length)
  }
  return all
}

const bytesOf = ({ datatype }: TensorSignature): number => {
  const one = allocate(datatype, 1)
  return Array.isArray(one) ? TEXT_BYTES : one.byteLength
}

/** Why an input of a sample is none of the model's; null: it is. */
const inputFault = (
  tensor: TensorSignature,
  { datatype, dims }: WarmupInput,
  hasRows: boolean,
): string | null => {
  const { name, shape } = tensor
  const wanted = hasRows ? shape.slice(1) : shape
  if (datatype !== tensor.datatype) return `'${name}' is ${tensor.datatype}, not ${datatype}`
  const fits =
    dims.length === wanted.length && dims.every((size, i) => wanted[i]! < 0 || wanted[i] === size)
  if (fits) return null
  const rest = hasRows ? ' behind its rows' : ''
  return `'${name}' has the shape ${formatShape(wanted)}${rest}, not ${formatShape(dims)}`
}

const names = (some: readonly { readonly name: string }[]): string =>
  some.map(({ name }) => `'${name}'`).join(', ')

/** The inputs of a sample in the order of the model's. */
const inputsOf = (
  { name, inputs }: WarmupSample,
  signature: Signature,
): readonly (readonly [TensorSignature, WarmupInput])[] => {
  const unknown = inputs.filter(
    (input) => !signature.inputs.some((each) => each.name === input.name),
  )
  if (unknown.length > 0) throw warmupFault(name, `the model has no input ${names(unknown)}`)
  const missing = signature.inputs.filter(
    (each) => !inputs.some((input) => each.name === input.name),
  )
  if (missing.length > 0) throw warmupFault(name, `it lacks ${names(missing)}`)
  return signature.inputs.map((each) => [each, inputs.find((input) => input.name === each.name)!])
}

/**
 * `rowsMax`: most rows of a run; 0: the model has no rows, or is not to be given several. A sample
 * of more rows has as many as a run may have: a request of more runs in parts, too.
 */
export const sampleTensors = (
  sample: WarmupSample,
  signature: Signature,
  rowsMax: number,
  read: ReadWarmupFile,
): Tensor[] => {
  const { name, batchSize } = sample
  if (rowsMax === 0 && batchSize > 1) {
    throw warmupFault(name, `its batch_size is ${batchSize}; the model is not batched`)
  }
  const rows = rowsMax === 0 ? 1 : Math.min(batchSize, rowsMax)
  let bytesLeft = SAMPLE_BYTES_MAX
  return inputsOf(sample, signature).map(([tensor, input]) => {
    const fault = inputFault(tensor, input, rowsMax > 0)
    if (fault !== null) throw warmupFault(name, fault)
    const count = elementCount(input.dims)
    bytesLeft -= count * rows * bytesOf(tensor)
    if (count < 0 || bytesLeft < 0) throw warmupFault(name, 'it exceeds 1 GiB')
    const row = allocate(tensor.datatype, count)
    if (input.data.kind === 'random') randomise(row, input)
    if (input.data.kind === 'file') {
      const { file } = input.data
      const found = fill(row, read(file))
      if (found !== null) throw warmupFault(name, `'${file}' for '${tensor.name}' has ${found}`)
    }
    const shape = rowsMax > 0 ? [rows, ...input.dims] : input.dims
    return { datatype: tensor.datatype, shape, data: stack(row, rows, tensor) }
  })
}
