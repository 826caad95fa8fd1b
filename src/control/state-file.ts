/**
 * Files of `state_dir`: small JSON documents that begin with the name and version of their format.
 * A newer format is refused, never guessed at.
 */

import { readFileBounded, writeFileAtomic } from '../shared/atomic-file.ts'
import { GatewayError } from '../shared/errors.ts'

/** What a file holds and in which layout. Versions count up from 1. */
export interface StateFormat {
  readonly name: string
  readonly version: number
}

type Fields = Readonly<Record<string, unknown>>

/** No file of ours comes near; what does is not ours. */
const BYTES_MAX = 64 * 1024 * 1024

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A STATE_CORRUPT error about one file. */
export const corrupt = (file: string, found: string): GatewayError =>
  new GatewayError(
    'STATE_CORRUPT',
    `${file} in the state folder ${found}; restore it from a copy, or move the file away`,
  )

const parseFields = (file: string, bytes: Uint8Array): Fields => {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw corrupt(file, bytes.length === 0 ? 'is empty' : 'is not JSON, or was cut off')
  }
  if (!isFields(value)) throw corrupt(file, 'is not a JSON object')
  return value
}

const checkFormat = (file: string, fields: Fields, wanted: StateFormat): void => {
  const { format } = fields
  if (!isFields(format) || format['name'] !== wanted.name) {
    throw corrupt(file, `is no file of the format ${wanted.name}`)
  }
  const { version } = format
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1) {
    throw corrupt(file, 'has no format version')
  }
  if (version > wanted.version) {
    throw new GatewayError(
      'STATE_TOO_NEW',
      `${file} in the state folder has format version ${version}; this Sluice reads up to ${wanted.version}`,
    )
  }
}

/**
 * Reads a state file; null when there is none.
 *
 * @param file name in messages, which never hold a path
 * @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT
 */
export const readStateFile = (path: string, file: string, format: StateFormat): Fields | null => {
  let bytes: Uint8Array | null
  try {
    bytes = readFileBounded(path, BYTES_MAX)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw corrupt(file, `cannot be read (${code ?? 'too large'})`)
  }
  if (bytes === null) return null
  const fields = parseFields(file, bytes)
  checkFormat(file, fields, format)
  return fields
}

/** Replaces a state file. With `isDurable` false it need not outlive the processes it tells of. */
export const writeStateFile = (
  path: string,
  format: StateFormat,
  content: object,
  isDurable = true,
): void => {
  writeFileAtomic(path, `${JSON.stringify({ format, ...content })}\n`, { isDurable })
}
