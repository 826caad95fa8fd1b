/** The file with the key that records are redacted with. */

import { whyUnreadable } from '../shared/file-faults.ts'
import { readRecordKey } from '../shared/record-key.ts'
import type { ConfigProblem } from './config.ts'
import type { Locate } from './problems.ts'

/**
 * Names the key; null, and why, where it cannot be used.
 *
 * @param shown the path as its reader wrote it
 * @param setting place of `records.hmac_key_file`
 */
export const recordKeyIn = (
  path: string,
  shown: string,
  setting: ReturnType<Locate>,
): { readonly id: string | null; readonly problems: readonly ConfigProblem[] } => {
  const failed = (why: string) => {
    const message = `got ${shown}, which ${why}`
    const hint = 'make a key with `openssl rand -hex 32`, and chmod 600'
    const problem = { ...setting, path: 'records.hmac_key_file', message, hint }
    return { id: null, problems: [problem] }
  }
  try {
    const found = readRecordKey(path)
    return typeof found === 'string' ? failed(found) : { id: found.id, problems: [] }
  } catch (thrown) {
    return failed(`cannot be read: ${whyUnreadable(thrown)}`)
  }
}
