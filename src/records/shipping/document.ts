/** Small JSON files that begin with name and version of their format. */

import { GatewayError } from '../../shared/errors.ts'
import { isFields } from '../../shared/fields.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import { readWhole } from '../spool/whole-writes.ts'

export interface DocumentFormat {
  readonly name: string
  readonly version: number
}

/** The text of a file. */
export const encodeDocument = (format: DocumentFormat, content: object): string =>
  `${JSON.stringify({ format, ...content })}\n`

/**
 * What a file holds, as far as `bytesMax`; null: there is none.
 *
 * @throws the error of the file system
 */
export const readDocument = (
  files: FileCalls,
  path: string,
  bytesMax: number,
): Uint8Array | null => {
  const stat = files.stat(path)
  if (stat === null) return null
  const file = files.open(path, 'r')
  try {
    const bytes = new Uint8Array(Math.min(stat.bytes, bytesMax))
    const count = readWhole(files, file, bytes, { offset: 0, length: bytes.length, position: 0 })
    return bytes.subarray(0, count)
  } finally {
    files.close(file)
  }
}

const corrupt = (file: string, found: string): GatewayError =>
  new GatewayError('STATE_CORRUPT', `${file} ${found}`)

const parse = (file: string, bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw corrupt(file, bytes.length === 0 ? 'is empty' : 'is not JSON, or was cut off')
  }
}

/**
 * What a file holds beside its format.
 *
 * @param file name in messages
 * @throws GatewayError STATE_TOO_NEW for a format of a later release, STATE_CORRUPT else
 */
export const decodeDocument = <Content extends object>(
  wanted: DocumentFormat,
  file: string,
  bytes: Uint8Array,
  isContent: (fields: unknown) => fields is Content,
): Content => {
  const fields = parse(file, bytes)
  const format = isFields(fields) ? fields['format'] : null
  if (!isFields(fields) || !isFields(format) || format['name'] !== wanted.name) {
    throw corrupt(file, `is no file of the format ${wanted.name}`)
  }
  const { version } = format
  if (typeof version === 'number' && version > wanted.version) {
    const detail = `${file} has format version ${version}; this Sluice reads up to ${wanted.version}`
    throw new GatewayError('STATE_TOO_NEW', detail)
  }
  const { format: _, ...content } = fields
  if (version !== wanted.version || !isContent(content)) throw corrupt(file, 'lacks something')
  return content
}
