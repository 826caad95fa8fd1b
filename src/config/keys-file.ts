/** The file with keys that stands apart from sluice.yaml. */

import { readFileSync, statSync } from 'node:fs'
import { whyUnreadable } from '../shared/file-faults.ts'
import type { ConfigProblem } from './config.ts'
import { type Locate, problemsOf } from './problems.ts'
import { type ApiKeyYaml, apiKeys } from './schemas/api-keys.ts'
import { parseYaml } from './yaml-file.ts'

export interface KeysFile {
  readonly keys: readonly ApiKeyYaml[]
  readonly problems: readonly ConfigProblem[]
}

/**
 * Reads and checks it. A file without keys is a problem: nobody would be asked for one, which is
 * not what somebody who names a file means.
 *
 * @param shown the path as its reader wrote it
 * @param setting place of `access.keys_file`, for what is wrong with the file as a whole
 */
export const readKeysFile = (
  path: string,
  shown: string,
  setting: ReturnType<Locate>,
): KeysFile => {
  const failed = (message: string): KeysFile => ({
    keys: [],
    problems: [{ ...setting, path: 'access.keys_file', message, hint: null }],
  })
  let bytes: Uint8Array
  try {
    // Reading a pipe or a device might never end.
    if (!statSync(path).isFile()) return failed(`got ${shown}, which is not a file`)
    bytes = readFileSync(path)
  } catch (thrown) {
    return failed(`got ${shown}, which cannot be read: ${whyUnreadable(thrown)}`)
  }
  const text = parseYaml(bytes, shown)
  if (text.problems.length > 0) return { keys: [], problems: text.problems }
  const parsed = apiKeys.safeParse(text.value)
  if (!parsed.success) {
    const problems = problemsOf(parsed.error, apiKeys, text.value, { locate: text.locate })
    return { keys: [], problems }
  }
  return parsed.data.length === 0
    ? failed(`got ${shown}, which lists no key`)
    : { keys: parsed.data, problems: [] }
}
