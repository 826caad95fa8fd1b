/** Where `tail` has its records from: segments of the spool, Parquet files for what is older. */

import { readTable, withRecordsFile } from '../records/file-source.ts'
import type { PredictionRecord } from '../records/record.ts'
import { errnoOf, systemFiles } from '../records/spool/file-calls.ts'
import { endMsOf, type PastFile, pastFiles } from '../records/tail/past-files.ts'
import { isWanted, type RecordFilter } from '../records/tail/record-filter.ts'
import { SeenRecords } from '../records/tail/seen-records.ts'
import { SpoolTail } from '../records/tail/spool-tail.ts'
import { recordsOf } from '../records/tail/table-records.ts'
import { pause } from '../shared/clock.ts'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'
import { listRecordFiles } from './record-files.ts'
import type { RecordsPlace } from './records-place.ts'
import type { Latest } from './tail-output.ts'

type OnRecord = (record: PredictionRecord) => void

export class TailSource {
  readonly #path: string
  readonly #spool: SpoolTail | null
  readonly #filter: RecordFilter
  readonly #isOver: () => boolean
  readonly #seen = new SeenRecords()
  /** Parquet files that have been read. */
  readonly #done = new Set<string>()

  /** `isOver` is asked between two files: what is under way then ends. */
  constructor({ path, spool }: RecordsPlace, filter: RecordFilter, isOver: () => boolean) {
    this.#path = path
    this.#spool = spool === null ? null : new SpoolTail(systemFiles, spool)
    this.#filter = filter
    this.#isOver = isOver
  }

  /** What could not be read of the spool so far. */
  get faults(): number {
    return this.#spool?.faults ?? 0
  }

  get hasSpool(): boolean {
    return this.#spool !== null
  }

  /**
   * Gives all that there is from `filter.sinceMs` on.
   *
   * @throws (rejects) GatewayError FILE_INVALID: a file or folder cannot be read
   */
  async since(onRecord: OnRecord): Promise<void> {
    await this.#readFiles(onRecord)
    for (const segment of this.#unread()) {
      if (segment.changedMs < this.#filter.sinceMs) this.#spool!.skip(segment)
      else this.#spool!.read(segment, this.#once(onRecord))
      if (await this.#isOverNow()) return
    }
    // What was shipped meanwhile, and an hour that was written anew, are in other files now.
    await this.#readFiles(onRecord)
  }

  /** Gives `latest` what it needs: backwards, the spool first, no further than it must. */
  async latest(latest: Latest): Promise<void> {
    const onRecord = this.#once(latest.take)
    for (const segment of this.#unread().toSorted((a, b) => b.changedMs - a.changedMs)) {
      if (latest.areAfter(segment.changedMs)) this.#spool!.skip(segment)
      else this.#spool!.read(segment, onRecord)
      if (await this.#isOverNow()) return
    }
    for (const file of this.#files().reverse()) {
      if (latest.areAfter(endMsOf(file))) this.#done.add(file.path)
      else await this.#readFile(file, onRecord)
      if (await this.#isOverNow()) return
    }
  }

  /** Gives what has come since the last time: out of the spool, or of Parquet files without one. */
  async poll(onRecord: OnRecord): Promise<void> {
    if (this.#spool === null) return this.#readFiles(onRecord)
    for (const segment of this.#unread()) this.#spool.read(segment, this.#once(onRecord))
  }

  close(): void {
    this.#spool?.close()
  }

  #once(onRecord: OnRecord): OnRecord {
    return (record) => {
      if (isWanted(record, this.#filter) && this.#seen.note(record)) onRecord(record)
    }
  }

  #unread() {
    try {
      return this.#spool?.unread() ?? []
    } catch (thrown) {
      const detail = `The spool cannot be read: ${whyUnreadable(thrown)}`
      throw new GatewayError('FILE_INVALID', detail, { cause: thrown })
    }
  }

  /** Those that have not been read, the oldest first. */
  #files(): PastFile[] {
    const { predictions, feedback } = listRecordFiles(this.#path)
    const files = pastFiles([...predictions, ...feedback], this.#filter.sinceMs)
    return files.filter(({ path }) => !this.#done.has(path))
  }

  async #readFiles(onRecord: OnRecord): Promise<void> {
    for (const file of this.#files()) {
      await this.#readFile(file, this.#once(onRecord))
      if (await this.#isOverNow()) return
    }
  }

  async #readFile({ path }: PastFile, onRecord: OnRecord): Promise<void> {
    try {
      const table = await withRecordsFile(systemFiles, path, readTable)
      for (const record of recordsOf(table, (facts) => isWanted(facts, this.#filter))) {
        onRecord(record)
      }
      this.#done.add(path)
    } catch (thrown) {
      // Deleted meanwhile: its hour has been written anew, or has become too old.
      if (errnoOf(thrown) === 'ENOENT') return
      const detail = `${path} cannot be read: ${errnoOf(thrown) || (thrown as Error).message}`
      throw new GatewayError('FILE_INVALID', detail, { cause: thrown })
    }
  }

  /** Lets a signal in. */
  async #isOverNow(): Promise<boolean> {
    await pause(0)
    return this.#isOver()
  }
}
