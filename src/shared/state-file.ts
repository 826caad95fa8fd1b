/**
 * Files of `state_dir`: small JSON documents that begin with the name and version of their format.
 * A newer format is refused, never guessed at.
 */

import { basename } from 'node:path'
import { type AtomicWriteOptions, readFileBounded, writeFileAtomic } from './atomic-file.ts'
import { GatewayError } from './errors.ts'
import { type Fields, isFields } from './fields.ts'

/** What a file holds and in which layout. Versions count up from 1. */
export interface StateFormat {
  readonly name: string
  readonly version: number
}

/** No file of ours comes near. What is larger is neither read nor written. */
const BYTES_MAX = 32 * 1024 * 1024

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

/** The format that a file says it has; null when it is no state file at all. */
export const formatNameOf = (path: string): string | null => {
  try {
    const bytes = readFileBounded(path, BYTES_MAX)
    const fields: unknown = bytes === null ? null : JSON.parse(new TextDecoder().decode(bytes))
    const format = isFields(fields) ? fields['format'] : null
    return isFields(format) && typeof format['name'] === 'string' ? format['name'] : null
  } catch {
    return null // another program's file, or a folder
  }
}

/** The text of a state file. */
export const stateFileText = (format: StateFormat, content: object): string =>
  `${JSON.stringify({ format, ...content })}\n`

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room',
  EDQUOT: 'the quota is used up; make room',
  EROFS: 'the disk is read-only; make it writable',
  EACCES: 'the user who runs Sluice lacks the right; correct the rights',
  EPERM: 'the user who runs Sluice lacks the right; correct the rights',
}

/** What the file system said, as STATE_UNWRITABLE about `what`; other errors are given back. */
export const asUnwritable = (error: unknown, what: string): unknown => {
  const { code } = error as NodeJS.ErrnoException
  if (error instanceof GatewayError || typeof code !== 'string') return error
  const reason = REASONS[code] ?? `the system says ${code}; correct that`
  const detail = `${what} cannot be written: ${reason}, or choose another --state-dir`
  return new GatewayError('STATE_UNWRITABLE', detail, { cause: error })
}

/**
 * Replaces a state file. With `isDurable` false it need not outlive the processes it tells of.
 *
 * @throws GatewayError STATE_UNWRITABLE; the file then holds its old content or the new one
 */
export const writeStateFile = (
  path: string,
  format: StateFormat,
  content: object,
  options: AtomicWriteOptions = {},
): void => {
  const file = `${basename(path)} in the state folder`
  const bytes = new TextEncoder().encode(stateFileText(format, content))
  if (bytes.length > BYTES_MAX) {
    // Written, it would keep the next control from starting.
    const detail = `${file} would have ${bytes.length} bytes; at most ${BYTES_MAX} are read`
    throw new GatewayError('STATE_UNWRITABLE', detail)
  }
  try {
    writeFileAtomic(path, bytes, options)
  } catch (error) {
    throw asUnwritable(error, file)
  }
}
