/** The Parquet files under `records.path`, as they are at one moment. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordFiles } from '../records/query-views.ts'
import { FEEDBACK_PARTITION } from '../records/record-columns.ts'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'

const FILE = /^(?:endpoint=([^/]+)|_gaps)\/date=[^/]+\/hour=[^/]+\/[^/]+\.parquet$/

/** Folders that vanish under a listing, by retention, end it; not so many in a row. */
const LISTINGS_MAX = 10

const isGone = (thrown: unknown): boolean => (thrown as NodeJS.ErrnoException).code === 'ENOENT'

const names = (path: string): string[] => {
  for (let listing = 1; ; listing++) {
    try {
      return readdirSync(path, { recursive: true, encoding: 'utf8' })
    } catch (thrown) {
      if (isGone(thrown) && !existsSync(path)) return []
      if (isGone(thrown) && listing < LISTINGS_MAX) continue
      const detail = `The records at ${path} cannot be read: ${whyUnreadable(thrown)}`
      throw new GatewayError('CONFIG_INVALID', detail, { cause: thrown })
    }
  }
}

/**
 * Paths of all files, in order. A folder that does not exist has none: nothing has been written.
 *
 * @throws GatewayError CONFIG_INVALID
 */
export const listRecordFiles = (path: string): RecordFiles => {
  const predictions: string[] = []
  const feedback: string[] = []
  const gaps: string[] = []
  for (const name of names(path).sort()) {
    const found = FILE.exec(name)
    if (found === null) continue
    const [, endpoint] = found
    const list = endpoint === undefined ? gaps : predictions
    if (endpoint === FEEDBACK_PARTITION) feedback.push(join(path, name))
    else list.push(join(path, name))
  }
  return { predictions, feedback, gaps }
}
