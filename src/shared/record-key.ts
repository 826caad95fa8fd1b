/** The secret key of redaction by HMAC. */

import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'

const KEY_BYTES_MIN = 32
const KEY_BYTES_MAX = 4096

export interface RecordKey {
  readonly key: string
  /** Eight hexadecimal digits that layouts of records name it by. */
  readonly id: string
}

/** Names a key without giving it away: it has 256 bits that nobody can guess. */
export const recordKeyId = (key: string): string =>
  createHash('sha256').update(key).digest('hex').slice(0, 8)

/**
 * Reads the key: the text of the file without white space around it. A sentence about what is wrong
 * with it, in which the path is missing.
 *
 * @throws the error of the file system
 */
export const readRecordKey = (path: string): RecordKey | string => {
  const { mode, size, uid } = statSync(path)
  // Reading a pipe or a device might never end.
  if ((mode & 0o170000) !== 0o100000) return 'is not a file'
  // A file of root may be read by its group: so are secrets of Kubernetes mounted.
  const forbidden = uid === 0 ? 0o037 : 0o077
  if ((mode & forbidden) !== 0) return 'can be read by others: chmod 600'
  if (size > KEY_BYTES_MAX) return `has more than ${KEY_BYTES_MAX} bytes`
  const key = readFileSync(path, 'latin1').trim()
  if (key.length < KEY_BYTES_MIN) return `holds fewer than ${KEY_BYTES_MIN} bytes`
  return { key, id: recordKeyId(key) }
}
