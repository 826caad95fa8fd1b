/** Which records there are: in Parquet files, and in segments that are not shipped yet. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { queriedFiles } from '../../../src/cli/query-files.ts'
import { ENTRY_KIND, KIND_AT, LENGTH_AT } from '../../../src/records/entry.ts'
import { decodeEntry } from '../../../src/records/entry-reader.ts'
import { withRecordsFile } from '../../../src/records/file-source.ts'
import { decodeLayout } from '../../../src/records/layout-file.ts'
import type { RecordFiles } from '../../../src/records/query-views.ts'
import type { RecordLayout } from '../../../src/records/record-layout.ts'
import { systemFiles } from '../../../src/records/spool/file-calls.ts'
import {
  ACCOUNT_BYTES,
  FRAME,
  readAccount,
  type SegmentHeader,
} from '../../../src/records/spool/segment-format.ts'
import { parseSegmentName } from '../../../src/records/spool/segment-names.ts'
import { SegmentReader } from '../../../src/records/spool/segment-reader.ts'
import { predictionIdPrefix } from '../../../src/shared/ids.ts'
import { makeTempDir } from '../temp-dir.ts'
import { until } from '../until.ts'

/** How often there is a record, by its key. */
export type Kept = ReadonlyMap<string, number>

/** The key of a row: of each there must be one. */
export const keyOf = (predictionId: string, role = 'answer', row = 0): string =>
  `${predictionId} ${role} ${row}`

const COLUMNS = ['prediction_id', 'role', 'row']

const addFile = async (path: string, kept: Map<string, number>): Promise<void> => {
  const columns = new Map<string, unknown[]>(COLUMNS.map((name) => [name, []]))
  await withRecordsFile(systemFiles, path, (file) =>
    file.read(COLUMNS, (name, values) => {
      const all = columns.get(name)!
      for (const value of values) all.push(value)
    }),
  )
  const [ids, roles, rows] = COLUMNS.map((name) => columns.get(name)!)
  for (const [i, id] of ids!.entries()) {
    const key = keyOf(String(id), String(roles?.[i] ?? 'feedback'), Number(rows?.[i] ?? 0))
    kept.set(key, (kept.get(key) ?? 0) + 1)
  }
}

/** Of files that were written anew as one, that one alone, though the others are still there. */
const filesAt = async (path: string): Promise<RecordFiles> => {
  const place = { path, stateDir: null, spool: null }
  const scope = { place, sinceMs: 0, isOver: () => false }
  return (await queriedFiles(scope, makeTempDir('kept'))).files
}

/** What is read of all files; begun again where some go meanwhile, as they do when an hour ends. */
const fromFiles = <Value>(
  path: string,
  read: (files: RecordFiles) => Promise<Value>,
): Promise<NonNullable<Value>> =>
  until(async () => read(await filesAt(path)), {
    what: 'files that stay while they are read',
    timeoutMs: 120_000,
  })

/** Rows of all Parquet files under `records.path`. */
export const rowsInFiles = (path: string): Promise<Kept> =>
  fromFiles(path, async ({ predictions, feedback }) => {
    const kept = new Map<string, number>()
    for (const file of [...predictions, ...feedback]) await addFile(file, kept)
    return kept
  })

/** Names of the columns that any file of predictions has. */
export const columnsInFiles = (path: string): Promise<Set<string>> =>
  fromFiles(path, async ({ predictions }) => {
    const names = new Set<string>()
    for (const file of predictions) {
      await withRecordsFile(systemFiles, file, ({ columns }) => {
        for (const { name } of columns) names.add(name)
      })
    }
    return names
  })

/** Bytes of each entry of a frame of RECORDS. */
export function* entriesOf(payload: Uint8Array): Generator<Uint8Array> {
  for (let from = ACCOUNT_BYTES; from < payload.length; ) {
    const head = new DataView(payload.buffer, payload.byteOffset + from, 8)
    const length = head.getInt32(LENGTH_AT * 4, true)
    if (head.getInt32(KIND_AT * 4, true) === ENTRY_KIND.RECORD) {
      yield payload.slice(from, from + length)
    }
    from += length
  }
}

const addEntries = (
  payload: Uint8Array,
  { gateway, replica, incarnation }: SegmentHeader,
  layouts: ReadonlyMap<number, RecordLayout>,
  kept: Map<string, number>,
): void => {
  const { thread } = readAccount(payload)!
  const producer = predictionIdPrefix(gateway, replica, thread, incarnation).slice(0, -1)
  for (const entry of entriesOf(payload)) {
    const { predictionId, role } = decodeEntry(entry, layouts, producer)
    const key = keyOf(predictionId, role)
    kept.set(key, (kept.get(key) ?? 0) + 1)
  }
}

const addSegment = (path: string, kept: Map<string, number>): void => {
  const reader = new SegmentReader(systemFiles, path)
  const layouts = new Map<number, RecordLayout>()
  for (let frame = reader.next(); frame !== null; frame = reader.next()) {
    const { kind, payload } = frame
    if (kind === FRAME.LAYOUT) {
      const id = new DataView(payload.buffer, payload.byteOffset, 4).getUint32(0, true)
      layouts.set(id, decodeLayout(payload.subarray(8)))
    }
    if (kind === FRAME.RECORDS) addEntries(payload, reader.header!, layouts, kept)
  }
  reader.close()
}

/** Paths of the segments in the spool of a state folder. */
export const segmentsOf = (stateDir: string): string[] => {
  const folder = join(stateDir, 'spool')
  const names = readdirSync(folder).filter((name) => parseSegmentName(name) !== null)
  return names.sort().map((name) => join(folder, name))
}

/** Records in all segments of a spool; more than once, where an entry was written again. */
export const recordsInSpool = (stateDir: string): Kept => {
  const kept = new Map<string, number>()
  for (const path of segmentsOf(stateDir)) addSegment(path, kept)
  return kept
}
