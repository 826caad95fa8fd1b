/** What a query is about: the Parquet files, and what the spool has that is in none of them yet. */

import { mkdtempSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { withRecordsFile } from '../records/file-source.ts'
import { replacedBy } from '../records/files/contents.ts'
import { mayReplace } from '../records/files/replaced.ts'
import { filesInCompany, partitionOf, withoutReplaced } from '../records/query-duplicates.ts'
import type { RecordFiles } from '../records/query-views.ts'
import {
  fileStatePath,
  pendingFiles,
  type SpoolSnapshot,
  snapshotSpool,
} from '../records/shipping/spool-snapshot.ts'
import { lookAt, systemFiles } from '../records/spool/file-calls.ts'
import { endMsOf, pastFile } from '../records/tail/past-files.ts'
import { systemClock } from '../shared/clock.ts'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'
import { bytes, complain, count, paint, warn } from './output.ts'
import { listRecordFiles, recordFilesOf } from './record-files.ts'
import type { RecordsPlace } from './records-place.ts'

export interface QueriedFiles {
  readonly files: RecordFiles
  /** Of them, those that may hold the same rows. */
  readonly suspects: RecordFiles
  /** In which they lie. */
  readonly folders: readonly string[]
}

export interface QueryScope {
  readonly place: RecordsPlace
  /** Files of hours that ended before are left out. */
  readonly sinceMs: number
  /** Asked now and then: true ends it with what there is. */
  readonly isOver: () => boolean
}

/** Of the spool, that a query waits for: some seconds. */
const SPOOL_BYTES_MAX = 128 * 1024 * 1024

const NO_FILES: RecordFiles = { predictions: [], feedback: [], gaps: [] }
const NOTHING: SpoolSnapshot = { rows: 0, bytesLeftOut: 0, intent: null, nextNumber: 1 }

const whyNot = (thrown: unknown): string =>
  thrown instanceof GatewayError ? thrown.message : whyUnreadable(thrown)

/** What cannot be had of the spool is said; what is in files can be asked all the same. */
const trySnapshot = async (
  { place: { spool, stateDir }, isOver }: QueryScope,
  into: string,
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

/** `<gateway>` and `<number>` of `.../<gateway>-<number>.parquet`. */
const namedAs = (file: string): readonly [gateway: string, number: number] => {
  const [, gateway = '', number = '0'] = /([^/]*)-(\d+)\.parquet/.exec(file) ?? []
  return [gateway, Number(number)]
}

/** Of files of one folder, those that may name others as replaced. */
const replacing = (files: readonly string[]): string[] => {
  const sized = files.map((file) => {
    const [gateway, number] = namedAs(file)
    return { file, gateway, number, bytes: lookAt(systemFiles, file)?.bytes ?? 0 }
  })
  const groups = Map.groupBy(sized, ({ gateway }) => gateway)
  return [...groups.values()].flatMap(mayReplace).map(({ file }) => file)
}

/** The names that files replace; one that cannot be read replaces nothing. */
const replacedNames = async (files: readonly string[]) => {
  const names = new Map<string, readonly string[]>()
  const groups = Map.groupBy(filesInCompany(files), (file) => dirname(file))
  for (const file of [...groups.values()].flatMap(replacing)) {
    try {
      names.set(file, await withRecordsFile(systemFiles, file, ({ facts }) => replacedBy(facts)))
    } catch {
      // whoever reads it will say so
    }
  }
  return names
}

const all = ({ predictions, feedback, gaps }: RecordFiles): string[] => [
  ...predictions,
  ...feedback,
  ...gaps,
]

/** Files that came after the snapshot, and those of the snapshot, where both have a partition. */
const suspectsOf = (
  inFiles: RecordFiles,
  inSpool: RecordFiles,
  nextNumber: number,
): RecordFiles => {
  const partitions = new Set(all(inSpool).map(partitionOf))
  const isLater = (file: string) => (pastFile(file)?.number ?? 0) >= nextNumber
  const later = all(inFiles).filter((file) => partitions.has(partitionOf(file)) && isLater(file))
  return later.length === 0 ? NO_FILES : recordFilesOf([...later, ...all(inSpool)])
}

/**
 * All files that there are now; those of the spool are made in a new folder under `temporary`.
 *
 * @throws (rejects) GatewayError FILE_INVALID: the folder of the records cannot be read
 */
export const queriedFiles = async (scope: QueryScope, temporary: string): Promise<QueriedFiles> => {
  const { path } = scope.place
  const into = mkdtempSync(join(temporary, 'spool-'))
  const snapshot = await trySnapshot(scope, into)
  report(snapshot)
  // First, as it may be published at any moment; one that has gone is looked for another time.
  const pending = pendingFiles(systemFiles, path, snapshot.intent).map((name) => join(path, name))
  // Last: what was shipped meanwhile is in both, and told apart; it must not be in neither.
  const isRecent = (file: string) => {
    const past = pastFile(file)
    return past === null || endMsOf(past) > scope.sinceMs
  }
  const listed = [...all(listRecordFiles(path)), ...pending].filter(isRecent)
  const replaced = await replacedNames(listed)
  const inFiles = recordFilesOf(withoutReplaced(listed, replaced))
  const inSpool = listRecordFiles(join(into, 'records'))
  return {
    files: recordFilesOf([...all(inFiles), ...all(inSpool)]),
    suspects: suspectsOf(inFiles, inSpool, snapshot.nextNumber),
    folders: [path, into],
  }
}
