/** External data of a model: tensors whose bytes lie in a file beside `model.onnx`. */

import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { type Refusal, refuse } from '../../shared/errors.ts'

/** Where the data of one tensor lie. */
export interface ExternalData {
  readonly location: string
  readonly offset: number
  /** null: as long as the tensor is. */
  readonly length: number | null
}

const NAME_BYTES_MAX = 255

/** A name in the same folder: no separator, nothing hidden, no control characters. */
const isPlainName = (name: string): boolean =>
  /^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u.test(name) && Buffer.byteLength(name) <= NAME_BYTES_MAX

const invalid = (location: string, fault: string): Refusal =>
  refuse('MODEL_INVALID', `model.onnx: its external data '${location}' ${fault}`)

export const tooShort = (location: string): Refusal => invalid(location, 'is too short')

/** What the `external_data` entries of a tensor say. */
export const parseExternal = (
  entries: Readonly<Record<string, string>>,
): ExternalData | Refusal => {
  const { location = '', offset = '0', length = '0' } = entries
  if (!isPlainName(location)) {
    return refuse('MODEL_UNSAFE', 'model.onnx: its external data must lie in a file beside it')
  }
  const isSound = /^\d+$/.test(offset) && /^\d+$/.test(length)
  if (!isSound) return invalid(location, 'has an offset or length that is no number')
  return { location, offset: Number(offset), length: Number(length) || null }
}

/**
 * External data must be a plain file beside the model, of at least `bytes` bytes. Links are
 * refused, however harmless their target: what lies behind them can change and is not published
 * with the version.
 */
export const checkExternal = (folder: string, location: string, bytes: number): Refusal | null => {
  const stat = lstatSync(join(folder, location), { throwIfNoEntry: false })
  if (stat === undefined) return invalid(location, 'is missing')
  if (!stat.isFile()) {
    return refuse('MODEL_UNSAFE', `model.onnx: its external data '${location}' is no plain file`)
  }
  return bytes <= stat.size ? null : tooShort(location)
}
