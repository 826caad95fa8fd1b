/** External data of a model: tensors whose bytes lie in a file beside `model.onnx`. */

import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { type Refusal, refuse } from '../shared/errors.ts'

/** What one tensor says of its data. */
export interface ExternalData {
  readonly location: string
  /** NaN when it is no number. */
  readonly offset: number
  /** 0: up to the end of the file. */
  readonly length: number
}

const NAME_BYTES_MAX = 255

/** A name in the same folder: no separator, nothing hidden, no control characters. */
const isPlainName = (name: string): boolean =>
  /^[^./\\\p{Cc}][^/\\\p{Cc}]*$/u.test(name) && Buffer.byteLength(name) <= NAME_BYTES_MAX

/**
 * External data must be a plain file beside the model, and long enough. Links are refused, however
 * harmless their target: what lies behind them can change and is not published with the version.
 */
export const checkExternal = (
  folder: string,
  { location, offset, length }: ExternalData,
): Refusal | null => {
  if (!isPlainName(location)) {
    return refuse('MODEL_UNSAFE', 'model.onnx: its external data must lie in a file beside it')
  }
  const invalid = (fault: string): Refusal =>
    refuse('MODEL_INVALID', `model.onnx: its external data '${location}' ${fault}`)
  const stat = lstatSync(join(folder, location), { throwIfNoEntry: false })
  if (stat === undefined) return invalid('is missing')
  if (!stat.isFile()) {
    return refuse('MODEL_UNSAFE', `model.onnx: its external data '${location}' is no plain file`)
  }
  const isWithin = offset >= 0 && length >= 0 && offset + length <= stat.size
  return isWithin ? null : invalid('is too short')
}
