/** What a query is about: the Parquet files, and what the spool has that is in none of them yet. */

import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { RecordFiles } from '../records/query-views.ts'
import { FEEDBACK_PARTITION } from '../records/record-columns.ts'
import {
  fileStatePath,
  pendingFiles,
  type SpoolSnapshot,
  snapshotSpool,
} from '../records/shipping/spool-snapshot.ts'
import { systemFiles } from '../records/spool/file-calls.ts'
import { systemClock } from '../shared/clock.ts'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'
import { bytes, complain, count, paint, plain } from './output.ts'
import { listRecordFiles } from './record-files.ts'
import type { RecordsPlace } from './records-place.ts'

export interface QueriedFiles {
  readonly files: RecordFiles
  /** In which they lie. */
  readonly folders: readonly string[]
}

/** Of the spool, that a query waits for: some seconds. */
const SPOOL_BYTES_MAX = 128 * 1024 * 1024

const NOTHING: SpoolSnapshot = { rows: 0, bytesLeftOut: 0, intent: null }

const warn = (text: string): void => {
  complain(paint('yellow', `⚠ ${plain(text)}`, process.stderr))
}

const whyNot = (thrown: unknown): string =>
  thrown instanceof GatewayError ? thrown.message : whyUnreadable(thrown)

/** What cannot be had of the spool is said; what is in files can be asked all the same. */
const trySnapshot = async (
  { spool, stateDir }: RecordsPlace,
  into: string,
  isOver: () => boolean,
): Promise<SpoolSnapshot> => {
  if (spool === null || stateDir === null) return NOTHING
  try {
    return await snapshotSpool({
      ...{ files: systemFiles, spool, statePath: fileStatePath(stateDir), into, isOver },
      bytesMax: SPOOL_BYTES_MAX,
      monotonic: systemClock.monotonic,
      now: systemClock.now,
    })
  } catch (thrown) {
    warn(`without what is not in files yet: the spool cannot be read (${whyNot(thrown)})`)
    return NOTHING
  }
}

const report = ({ rows, bytesLeftOut }: SpoolSnapshot): void => {
  if (bytesLeftOut > 0) {
    warn(`without the oldest ${bytes(bytesLeftOut)} of the spool, which are too much to look at`)
  }
  if (rows > 0) {
    const what = `${count(rows)} ${rows === 1 ? 'row is' : 'rows are'} not in files yet`
    complain(paint('gray', `  ${what}, and taken out of the spool`, process.stderr))
  }
}

/**
 * All files that there are now; those of the spool are made in a new folder under `temporary`.
 *
 * @throws (rejects) GatewayError CONFIG_INVALID: the folder of the records cannot be read
 */
export const queriedFiles = async (
  place: RecordsPlace,
  temporary: string,
  isOver: () => boolean,
): Promise<QueriedFiles> => {
  const into = mkdtempSync(join(temporary, 'spool-'))
  const snapshot = await trySnapshot(place, into, isOver)
  report(snapshot)
  // Last: what was shipped meanwhile is in both, and told apart; it must not be in neither.
  const inFiles = listRecordFiles(place.path)
  const inSpool = listRecordFiles(join(into, 'records'))
  const pending = pendingFiles(systemFiles, place.path, snapshot.intent)
  const isFeedback = (name: string) => name.startsWith(`endpoint=${FEEDBACK_PARTITION}/`)
  const pendingOf = (isOf: (name: string) => boolean) =>
    pending.filter(isOf).map((name) => join(place.path, name))
  const ofPredictions = (name: string) => name.startsWith('endpoint=') && !isFeedback(name)
  const { predictions, feedback, gaps } = inFiles
  return {
    files: {
      predictions: [...predictions, ...inSpool.predictions, ...pendingOf(ofPredictions)],
      feedback: [...feedback, ...inSpool.feedback, ...pendingOf(isFeedback)],
      gaps: [...gaps, ...inSpool.gaps],
    },
    folders: [place.path, into],
  }
}
