/** The Parquet files under `records.path`, as they are at one moment. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordFiles } from '../records/query-views.ts'
import { FEEDBACK_PARTITION } from '../records/record-columns.ts'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'

/** Behind the folder of the records; the second form is one that is about to get its name. */
const FILE =
  /(?:^|\/)(?:endpoint=([^/]+)|_gaps)\/date=[^/]+\/hour=[^/]+\/[^/]+\.parquet(?:\.unfinished)?$/

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
      throw new GatewayError('FILE_INVALID', detail, { cause: thrown })
    }
  }
}

/** Paths by what they hold, in order; those of other files are left out. */
export const recordFilesOf = (paths: readonly string[]): RecordFiles => {
  const files = { predictions: [] as string[], feedback: [] as string[], gaps: [] as string[] }
  for (const path of paths.toSorted()) {
    const found = FILE.exec(path)
    if (found === null) continue
    const [, endpoint] = found
    if (endpoint === undefined) files.gaps.push(path)
    else if (endpoint === FEEDBACK_PARTITION) files.feedback.push(path)
    else files.predictions.push(path)
  }
  return files
}

/**
 * Paths of all files. A folder that does not exist has none: nothing has been written.
 *
 * @throws GatewayError FILE_INVALID: it is none, or cannot be read
 */
export const listRecordFiles = (path: string): RecordFiles =>
  recordFilesOf(
    names(path)
      .filter((name) => name.endsWith('.parquet') && FILE.exec(name)?.index === 0)
      .map((name) => join(path, name)),
  )
