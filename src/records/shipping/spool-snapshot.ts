/**
 * What lies in the spool and is in no Parquet file yet, as Parquet files of its own in a folder of
 * the reader: by the way that the shipper goes, from where it is, without touching anything of its.
 *
 * Whoever reads both looks at the files under `records.path` last: what is shipped meanwhile is
 * then in both, which can be told, and nothing is in neither.
 */

import { join } from 'node:path'
import { pause } from '../../shared/clock.ts'
import { FileSink } from '../file-sink.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { PatientLooks } from '../spool/patient-looks.ts'
import { Lane } from './lane.ts'
import { readShipState, type ShipState, writeShipState } from './ship-state.ts'
import { SHIPPER_FOLDER, sinkStateFile } from './shipper-messages.ts'
import type { Intent } from './sink.ts'
import { listStreams, type Stream } from './spool-folder.ts'

/** Where the shipper keeps how far the file sink is. */
export const fileStatePath = (stateDir: string): string =>
  join(stateDir, SHIPPER_FOLDER, sinkStateFile('files'))

export interface SnapshotTerms {
  readonly files: FileCalls
  /** Folder of the segments. */
  readonly spool: string
  /** State of the file sink, which may not exist. */
  readonly statePath: string
  /** A folder of the reader, empty; partitions come into its folder `records`. */
  readonly into: string
  /** Most bytes of the spool that are looked at, the newest segments first. */
  readonly bytesMax: number
  /** Monotonic milliseconds. */
  monotonic(): number
  /** Wall clock. */
  now(): number
  /** Asked now and then: true ends it with what there is. */
  isOver(): boolean
}

export interface SpoolSnapshot {
  readonly rows: number
  /** Of the spool, that were too much. */
  readonly bytesLeftOut: number
  /** What the shipper was about to publish, and may have by now; null: nothing. */
  readonly intent: Intent | null
  /** Of files that come later, the lowest number: rows of them may be here too. */
  readonly nextNumber: number
}

/** Of these is a file made. */
const ROWS_MAX = 200_000

/** Its files bear this name, which no gateway has. */
const NAME = 'spool'

/** Nobody tidies up what is thrown away in a moment. */
class SnapshotSink extends FileSink {
  override isTidyDue(): boolean {
    return false
  }
}

const unshippedBytes = (state: ShipState | null, file: string, bytes: number): number => {
  const { offset = 0, done = null } = state?.segments[file] ?? {}
  return done === null ? Math.max(0, bytes - offset) : 0
}

const listed = ({ files, spool: folder, monotonic }: SnapshotTerms): Stream[] => {
  const looks = new PatientLooks({ files, folder, monotonic })
  try {
    return listStreams(files.readdir(folder), (names) => looks.look(names))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

/** The newest segments that have no more than `bytesMax` unshipped bytes together. */
const choose = (streams: readonly Stream[], state: ShipState | null, bytesMax: number) => {
  const segments = streams
    .flatMap((stream) => stream.segments)
    .map((segment) => ({ segment, unshipped: unshippedBytes(state, segment.file, segment.bytes) }))
    .toSorted((a, b) => (b.segment.changedMs ?? 0) - (a.segment.changedMs ?? 0))
  const chosen = new Map<string, number>()
  let [bytes, bytesLeftOut] = [0, 0]
  for (const { segment, unshipped } of segments) {
    if (bytes + unshipped > bytesMax) bytesLeftOut += unshipped
    else chosen.set(segment.file, segment.bytes)
    bytes += unshipped
  }
  return { chosen, bytesLeftOut }
}

/** What is thrown away in a moment need not outlive a power failure. */
const unsynced = (files: FileCalls): FileCalls => ({ ...files, fsync: () => {} })

/** Files of the spool as they are now, though they grow. */
const frozen = (files: FileCalls, sizes: ReadonlyMap<string, number>): FileCalls => ({
  ...files,
  stat: (path) => {
    const found = files.stat(path)
    const bytes = sizes.get(path)
    return found === null || bytes === undefined ? found : { ...found, bytes }
  },
})

/**
 * Makes the snapshot.
 *
 * @throws (rejects) GatewayError STATE_TOO_NEW, STATE_CORRUPT; the error of the file system
 */
export const snapshotSpool = async (terms: SnapshotTerms): Promise<SpoolSnapshot> => {
  const { spool, into, bytesMax, monotonic, now, isOver } = terms
  const files = unsynced(terms.files)
  const state = readShipState(files, terms.statePath)
  const streams = listed(terms)
  const { chosen, bytesLeftOut } = choose(streams, state, bytesMax)
  const statePath = join(into, 'state.json')
  if (state !== null) writeShipState(files, statePath, { ...state, intent: null, sinkState: null })
  const sizes = new Map(Array.from(chosen, ([file, bytes]) => [join(spool, file), bytes]))
  const sink = new SnapshotSink({
    ...{ files, root: join(into, 'records'), gateway: NAME },
    retention: { bytesMax: 0, daysMax: 0 },
    onFault: () => {},
  })
  const lane = new Lane({
    ...{ files: frozen(files, sizes), folder: spool, sink, statePath, monotonic, now },
    lives: { pid: process.pid, failedPid: null },
    limits: { rowsMax: ROWS_MAX, bytesMax: Infinity, ageMsMax: Infinity },
    // Who is dead, and what will never come, is for the shipper to say.
    isAlive: () => true,
    findAccount: () => null,
    onFault: () => {},
  })
  const kept = streams.map(({ key, segments }) => ({
    ...{ key, segments: segments.filter(({ file }) => chosen.has(file)) },
  }))
  try {
    // Lets a signal in, now and then.
    while (!isOver() && (await lane.step({ marks: [], streams: kept }, true))) await pause(0)
  } finally {
    lane.close()
  }
  const rows = lane.totals.rows - (state?.totals.rows ?? 0)
  const nextNumber = Number(state?.sinkState?.['nextNumber'] ?? 1)
  return { rows, bytesLeftOut, intent: state?.intent ?? null, nextNumber }
}

/** Files that are to be published, and still bear another name; relative to `root`. */
export const pendingFiles = (files: FileCalls, root: string, intent: Intent | null): string[] =>
  (intent?.renames ?? [])
    .filter(([from, to]) => files.stat(join(root, to)) === null && files.stat(join(root, from)))
    .map(([from]) => from)
