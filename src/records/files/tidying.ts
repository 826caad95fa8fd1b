/**
 * Keeps the files of a gateway in order: deletes what others replace, gives up what has had its
 * time, makes one file of many.
 *
 * A file that is given up is counted first, in the accounts of its producers, with the intent that
 * deletes it. Where it then cannot be deleted it is counted back: it is a file like others, and has
 * its next turn in an hour. What is counted is gone, then, but for one commit.
 */

import { dirname, join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import type { Retired } from '../shipping/account.ts'
import type { Intent, Rename, TidyTimes } from '../shipping/sink.ts'
import { errnoOf } from '../spool/file-calls.ts'
import { accountedProducer, accountPath, forgettable } from './account-files.ts'
import { REPLACES_KEY } from './contents.ts'
import { type FileWriter, renameOf } from './file-writer.ts'
import { type Merged, Merger } from './merging.ts'
import { changesOf, type Found, type OwnFile } from './own-files.ts'
import { PRODUCERS_FOLDER } from './partitions.ts'
import { deleteAll, type PublishWorld } from './publishing.ts'
import { Refusals } from './refusals.ts'
import { Replaced } from './replaced.ts'
import { filesToRetire, type RetentionLimits } from './retention.ts'
import { countRetired, UnreadFiles } from './retired.ts'

/** Files that go at once, and that are looked into at once. */
const FILES_MAX = 1000

const FOR_EVER: RetentionLimits = { bytesMax: 0, daysMax: 0 }

export interface TidyingOptions extends PublishWorld {
  readonly root: string
  readonly retention?: RetentionLimits | undefined
  readonly writer: FileWriter
  /** The files that there are, by path. */
  readonly own: Map<string, OwnFile>
}

export class Tidying {
  readonly #options: TidyingOptions
  readonly #merger: Merger
  readonly #replaced: Replaced
  /** Of deleting and of writing: where there is no room for a file others may go all the same. */
  readonly #undeleted = new Refusals()
  readonly #unwritten = new Refusals()
  readonly #unread = new UnreadFiles()
  #renames: Rename[] = []
  #deletes: string[] = []
  /** Producers of what is to be given up with the next intent, and of what was with the last. */
  #counting = new Set<string>()
  #counted: readonly string[] = []
  /** Producers whose accounts are asked about when one of them can be deleted again. */
  readonly #kept = new Set<string>()
  /** What could not be deleted with the last one. */
  #left = new Set<string>()
  /** Accounts have to be written before anything else is counted. */
  #isCounting = false
  /** There are folders that nobody has looked into. */
  #isLooking = false

  constructor(options: TidyingOptions) {
    this.#options = options
    this.#merger = new Merger(options)
    this.#replaced = new Replaced(options)
  }

  /** Whether there is something for the next intent to do. */
  get hasTidied(): boolean {
    return this.#renames.length > 0 || this.#deletes.length > 0
  }

  /** Whether what was counted waits for the next intent. */
  get isCounting(): boolean {
    return this.#isCounting
  }

  /** Whether there is more to look into. */
  get isLooking(): boolean {
    return this.#isLooking
  }

  /** What the next intent is to do. */
  get intent(): Intent {
    return { renames: this.#renames, deletes: this.#deletes }
  }

  /** Producers of what it deletes. */
  get counting(): readonly string[] {
    return [...this.#counting, ...this.#kept]
  }

  /** The intent is made. */
  take(): void {
    this.#renames = []
    this.#deletes = []
    this.#counted = [...this.#counting]
    this.#counting = new Set()
    this.#isCounting = false
  }

  /** The intent of an earlier process is done again: producers of what it deletes. */
  restore(counted: readonly string[]): void {
    this.#counted = counted
  }

  /** Takes what was found as what there is. */
  list(found: Found): void {
    const { own } = this.#options
    const { gone, come } = changesOf(own, found)
    for (const { path } of gone) this.#forget(path)
    for (const file of come) own.set(file.path, file)
    for (const { folder } of [...gone, ...come]) this.#replaced.unlook(folder)
  }

  /**
   * An intent is done.
   *
   * @param replaced those of `left` that are in a file that is there
   * @returns whether there is something to put in order at once
   */
  publish(
    deletes: readonly string[],
    left: readonly string[],
    replaced: readonly string[],
  ): boolean {
    const isLeft = new Set(left)
    for (const path of deletes) if (!isLeft.has(path)) this.#forget(path)
    for (const path of replaced) if (isLeft.has(path)) this.#replaced.add(path)
    for (const path of left) this.#left.add(path)
    return left.length > 0 || this.#counted.length > 0
  }

  /**
   * Puts things in order, and notes what is left for the next intent.
   *
   * @returns what is given up, by producer
   */
  async tidy(times: TidyTimes): Promise<Map<string, Retired>> {
    const retired = new Map<string, Retired>()
    const { monotonicMs } = times
    this.#undeleted.release(monotonicMs)
    this.#unwritten.release(monotonicMs)
    const folders = Map.groupBy(this.#options.own.values(), ({ folder }) => folder)
    await this.#look(folders)
    await this.#settle(folders, monotonicMs, retired)
    await this.#deleteReplaced(monotonicMs)
    await this.#retire(times, retired)
    this.#isCounting = retired.size > 0
    return retired
  }

  /**
   * Makes one file of some that are small, if there are such.
   *
   * @returns whether there may be more
   */
  async merge(times: TidyTimes): Promise<boolean> {
    const givenUp = this.#givenUp
    const all = [...this.#options.own.values()]
    const kept = all.filter(
      ({ path, folder }) =>
        !givenUp.has(path) && this.#mayTouch(folder) && !this.#unwritten.has(folder),
    )
    const merged = await this.#merger.merge(kept, times)
    if (merged === null) return false
    const written: string[] = []
    try {
      this.#replace(merged, written)
      return true
    } catch (thrown) {
      const { writer, onFault } = this.#options
      writer.takeBack(written)
      const { folder } = merged.files[0]!
      onFault(folder, thrown)
      // What a disk says may pass, a fault of ours does not.
      if (errnoOf(thrown) === '') this.#merger.leaveAlone(merged.files)
      else this.#unwritten.add(folder, times.monotonicMs)
      return false
    }
  }

  #forget(path: string): void {
    this.#options.own.delete(path)
    this.#merger.forget(path)
    this.#replaced.forget(path)
  }

  /** Paths of what goes with the next intent. */
  get #givenUp(): ReadonlySet<string> {
    return new Set([...this.#deletes, ...this.#renames.flatMap(([, , paths = []]) => paths)])
  }

  /**
   * While something that is replaced is still there, what replaces it has to stay, and be the only
   * one: elsewise nobody names it any more.
   */
  #mayTouch(folder: string): boolean {
    return this.#replaced.isSettled(folder) && !this.#undeleted.has(folder)
  }

  /** Looks into folders that nobody has looked into yet, as many as may be at once. */
  async #look(folders: ReadonlyMap<string, readonly OwnFile[]>): Promise<void> {
    this.#replaced.keep(folders)
    let files = 0
    this.#isLooking = false
    for (const [folder, own] of folders) {
      this.#isLooking = files >= FILES_MAX
      if (this.#isLooking) break
      const { count, unread } = await this.#replaced.look(folder, own)
      // One may name others of them.
      if (unread.length > 0) this.#merger.leaveAlone(own)
      files += count
    }
  }

  /** What has become of what was counted: of that which is still there it is taken back. */
  async #settle(
    folders: ReadonlyMap<string, readonly OwnFile[]>,
    monotonicMs: number,
    retired: Map<string, Retired>,
  ): Promise<void> {
    const { own } = this.#options
    const left = this.#left
    const counted = new Set(this.#counted)
    this.#left = new Set()
    this.#counted = []
    for (const path of left) {
      const file = own.get(path)
      const folder = dirname(path)
      this.#undeleted.add(folder, monotonicMs)
      const producer = accountedProducer(path)
      if (producer !== null) counted.add(producer)
      if (file === undefined) continue
      await this.#replaced.look(folder, folders.get(folder) ?? [])
      if (this.#replaced.has(path)) continue
      const of = await countRetired(this.#options, file, retired, -1)
      if (of === null) this.#left.add(path)
    }
    for (const producer of counted) if (!retired.has(producer)) this.#kept.add(producer)
    // What is still there may have to be taken back first.
    if (this.#left.size > 0 || this.#undeleted.has(PRODUCERS_FOLDER)) return
    this.#deletes.push(...forgettable(this.#options, [...this.#kept]).map(accountPath))
    this.#kept.clear()
  }

  /** Whoever names them is there, so it may be done at any time. */
  async #deleteReplaced(monotonicMs: number): Promise<void> {
    const { files, root, onFault } = this.#options
    const wanted = [...this.#replaced.paths]
      .filter((path) => !this.#undeleted.has(dirname(path)))
      .slice(0, FILES_MAX)
    const deletes: string[] = []
    for (const [folder, paths] of Map.groupBy(wanted, (path) => dirname(path))) {
      try {
        // The name of what replaces them has to outlive them.
        syncFolder(files, join(root, folder))
        deletes.push(...paths)
      } catch (thrown) {
        if (errnoOf(thrown) === '') throw thrown
        onFault(folder, thrown)
        this.#undeleted.add(folder, monotonicMs)
      }
    }
    const left = new Set(await deleteAll(this.#options, root, deletes))
    for (const path of deletes) {
      if (left.has(path)) this.#undeleted.add(dirname(path), monotonicMs)
      else this.#forget(path)
    }
  }

  /** As many as may go with one intent: each is looked into, and unlinking them takes a while. */
  async #retire(
    { believedMs, monotonicMs }: TidyTimes,
    retired: Map<string, Retired>,
  ): Promise<void> {
    const { own, retention = FOR_EVER, breathe } = this.#options
    const givenUp = this.#givenUp
    for (const file of filesToRetire([...own.values()], retention, believedMs)) {
      if (this.#deletes.length >= FILES_MAX) break
      if (givenUp.has(file.path) || !this.#mayTouch(file.folder)) continue
      const producers = await countRetired(this.#options, file, retired)
      const isKept = producers === null && this.#unread.isNew(file.path, monotonicMs)
      if (isKept) this.#undeleted.add(file.folder, monotonicMs)
      else this.#deletes.push(file.path)
      for (const producer of producers ?? []) this.#counting.add(producer)
      await breathe?.()
    }
  }

  #replace({ table, files: merged, names }: Merged, written: string[]): void {
    const { files, root, writer } = this.#options
    const { folder } = merged[0]!
    writer.writeTable(folder, table, written, { [REPLACES_KEY]: JSON.stringify(names) })
    syncFolder(files, join(root, folder))
    const paths = merged.map(({ path }) => path)
    this.#renames.push(...written.map((path) => renameOf(path, paths)))
  }
}
