/**
 * Records as the spools of all replicas have them, while those are written: what a poll finds has
 * not been found by an earlier one. Segments that come, grow and go are followed; each is in memory
 * with its largest frame, and no longer than it can grow.
 */

import { join } from 'node:path'
import { predictionIdPrefix } from '../../shared/ids.ts'
import { ENTRY_KIND, KIND_AT, LENGTH_AT } from '../entry.ts'
import { EntryInvalid } from '../entry-cursor.ts'
import { decodeEntry } from '../entry-reader.ts'
import { decodeLayout } from '../layout-file.ts'
import type { PredictionRecord } from '../record.ts'
import type { RecordLayout } from '../record-layout.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { ACCOUNT_BYTES, FRAME, readAccount, readLayoutId } from '../spool/segment-format.ts'
import { compareSegments, parseSegmentName, type SegmentName } from '../spool/segment-names.ts'
import { type Frame, SegmentReader } from '../spool/segment-reader.ts'

/** A segment that has not been read to its end. */
export interface UnreadSegment {
  readonly file: string
  readonly name: SegmentName
  /** Wall clock of its last change, before which its last record arrived. */
  readonly changedMs: number
  /** Its writer has begun no later one: it may grow. */
  readonly isLatest: boolean
}

export type OnRecord = (record: PredictionRecord) => void

interface OpenSegment {
  readonly reader: SegmentReader
  readonly layouts: Map<number, RecordLayout>
}

/** Where a segment could not be read on, and when it had last changed then. */
interface Stop {
  readonly offset: number
  readonly changedMs: number
}

/** Whether both are written by the same spool thread. */
const isOfSame = (a: SegmentName, b: SegmentName | undefined): boolean =>
  a.replica === b?.replica && a.incarnation === b.incarnation && a.generation === b.generation

/**
 * The entries that lie in a RECORDS frame, whose checksum says that they are as they were written.
 */
function* recordEntries(bytes: Uint8Array): Generator<Uint8Array> {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2)
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = words[(at >> 2) + LENGTH_AT]!
    if (length < 8 || length % 8 !== 0 || at + length > bytes.length) return
    const isRecord = words[(at >> 2) + KIND_AT] === ENTRY_KIND.RECORD
    if (isRecord) yield bytes.subarray(at, at + length)
    at += length
  }
}

export class SpoolTail {
  readonly #files: FileCalls
  readonly #folder: string
  readonly #open = new Map<string, OpenSegment>()
  /** Nothing more is to be had from them, unless they change. */
  readonly #over = new Map<string, Stop | null>()
  /** Entries and segments that could not be read, or not to their end. */
  faults = 0

  constructor(files: FileCalls, folder: string) {
    this.#files = files
    this.#folder = folder
  }

  /**
   * Segments of which there may be more, in the order in which they were written. A folder that
   * does not exist has none.
   *
   * @throws the error of the file system
   */
  unread(): UnreadSegment[] {
    const names = this.#names()
    this.#forget(new Set(names.map(({ file }) => file)))
    return names.flatMap(({ file, name }, index) => {
      const stop = this.#over.get(file)
      if (stop === null) return []
      const stat = this.#files.stat(join(this.#folder, file))
      if (stat === null || stat.changedMs === stop?.changedMs) return []
      const next = names[index + 1]?.name
      return [{ file, name, changedMs: stat.changedMs, isLatest: !isOfSame(name, next) }]
    })
  }

  /** Of what is in the segment now nothing will be given. */
  skip(segment: UnreadSegment): void {
    if (segment.isLatest) this.read(segment, () => {})
    else this.#over.set(segment.file, null)
  }

  /** Gives what is new in one segment. */
  read({ file, changedMs }: UnreadSegment, onRecord: OnRecord): void {
    const before = this.#over.get(file)
    this.#over.delete(file)
    const segment = this.#open.get(file) ?? this.#begin(file, before?.offset)
    const { reader } = segment
    for (let frame = reader.next(); frame !== null; frame = reader.next()) {
      this.#take(segment, frame, onRecord)
    }
    if (reader.end === 'open') return
    const isWhole = reader.end === 'sealed' || reader.end === 'missing'
    if (!isWhole && before === undefined) this.faults++
    this.#close(file)
    // What looks like a wrong frame may be one that is half written.
    const stop = reader.end === 'corrupt' ? { offset: reader.offset, changedMs } : null
    this.#over.set(file, stop)
  }

  /** Gives what is new in all of them. */
  poll(onRecord: OnRecord): void {
    for (const segment of this.unread()) this.read(segment, onRecord)
  }

  close(): void {
    for (const file of this.#open.keys()) this.#close(file)
  }

  #names(): { file: string; name: SegmentName }[] {
    try {
      return this.#files
        .readdir(this.#folder)
        .flatMap((file) => {
          const name = parseSegmentName(file)
          return name === null ? [] : [{ file, name }]
        })
        .sort((a, b) => compareSegments(a.name, b.name))
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return []
      throw thrown
    }
  }

  /** Of segments that have been deleted, which nobody does before they are shipped. */
  #forget(present: ReadonlySet<string>): void {
    for (const file of this.#over.keys()) if (!present.has(file)) this.#over.delete(file)
    for (const file of this.#open.keys()) if (!present.has(file)) this.#close(file)
  }

  #begin(file: string, offset: number | undefined): OpenSegment {
    const reader = new SegmentReader(this.#files, join(this.#folder, file), offset)
    const segment = { reader, layouts: new Map() }
    this.#open.set(file, segment)
    return segment
  }

  #close(file: string): void {
    this.#open.get(file)?.reader.close()
    this.#open.delete(file)
  }

  #take({ reader, layouts }: OpenSegment, frame: Frame, onRecord: OnRecord): void {
    if (frame.kind === FRAME.LAYOUT) this.#takeLayout(layouts, frame.payload)
    const account = frame.kind === FRAME.RECORDS ? readAccount(frame.payload) : null
    if (account === null) return
    const { gateway, replica, incarnation } = reader.header!
    const producer = predictionIdPrefix(gateway, replica, account.thread, incarnation).slice(0, -1)
    for (const entry of recordEntries(frame.payload.subarray(ACCOUNT_BYTES))) {
      const record = this.#recordOf(entry, layouts, producer)
      if (record !== null) onRecord(record)
    }
  }

  #takeLayout(layouts: Map<number, RecordLayout>, payload: Uint8Array): void {
    const id = readLayoutId(payload)
    try {
      if (id !== null) layouts.set(id, decodeLayout(payload.subarray(8)))
    } catch {
      this.faults++
    }
  }

  /** Null where it cannot be read. */
  #recordOf(entry: Uint8Array, layouts: ReadonlyMap<number, RecordLayout>, producer: string) {
    try {
      return decodeEntry(entry, layouts, producer)
    } catch (thrown) {
      if (!(thrown instanceof EntryInvalid)) throw thrown
      this.faults++
      return null
    }
  }
}
