/** What lies in a segment behind its last whole frame. */

import type { ReadCalls } from '../spool/file-calls.ts'
import { closeQuietly, readWhole } from '../spool/whole-writes.ts'

const CHUNK_BYTES = 256 * 1024
const ZEROS = Buffer.alloc(CHUNK_BYTES)
/** No segment leaves more; a file without an end would keep the shipper for hours. */
const REST_BYTES_MAX = 256 * 1024 * 1024

/**
 * Whether there is anything but zeros, with which a file system fills what was never written. What
 * cannot be looked at to its end counts as something.
 *
 * @throws the error of the file system
 */
export const findBytesBehind = (
  files: ReadCalls,
  path: string,
  offset: number,
  bytesMax = REST_BYTES_MAX,
): boolean => {
  const file = files.open(path, 'r')
  try {
    const bytes = new Uint8Array(CHUNK_BYTES)
    for (let position = offset; position - offset < bytesMax; position += CHUNK_BYTES) {
      const count = readWhole(files, file, bytes, { offset: 0, length: CHUNK_BYTES, position })
      if (ZEROS.compare(bytes, 0, count, 0, count) !== 0) return true
      if (count < CHUNK_BYTES) return false
    }
    return true
  } finally {
    closeQuietly(files, file)
  }
}

/** The same, where what cannot be looked at counts as something. */
export const hasBytesBehind = (...where: Parameters<typeof findBytesBehind>): boolean => {
  try {
    return findBytesBehind(...where)
  } catch {
    return true
  }
}
