/**
 * Keeps the files of a gateway in order: deletes what others replace, gives up what has had its
 * time, makes one file of many.
 *
 * A file that is given up is counted first, in the accounts of its producers, with the intent that
 * deletes it; they know its number. Where it then cannot be deleted, or comes back, it is a file
 * like others, but part of no other, and when its time comes once more it is not counted again.
 */

import { dirname, join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import type { GivenUp } from '../shipping/account.ts'
import type { Intent, Rename, TidyTimes } from '../shipping/sink.ts'
import { errnoOf } from '../spool/file-calls.ts'
import { accountedProducer, accountPath } from './account-files.ts'
import { REPLACES_KEY } from './contents.ts'
import type { FileWriter } from './file-writer.ts'
import { Forgetting } from './forgetting.ts'
import { type Merged, Merger } from './merging.ts'
import { changesOf, type Found, type OwnFile } from './own-files.ts'
import { PRODUCERS_FOLDER } from './partitions.ts'
import type { PublishWorld } from './publishing.ts'
import { Replaced } from './replaced.ts'
import { RestingFolders } from './resting-folders.ts'
import { filesToRetire, type RetentionLimits } from './retention.ts'
import { RetiredFiles } from './retired.ts'
import type { SinkNotes } from './sink-notes.ts'

/** Files that go at once, and that are looked into at once. */
const FILES_MAX = 1000

const FOR_EVER: RetentionLimits = { bytesMax: 0, daysMax: 0 }

export interface TidyingOptions extends PublishWorld {
  readonly root: string
  readonly gateway: string
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
  readonly #undeleted = new RestingFolders()
  readonly #unwritten = new RestingFolders()
  readonly #retired: RetiredFiles
  #renames: Rename[] = []
  #deletes: string[] = []
  readonly #forgetting: Forgetting
  /** What could not be deleted with the last one. */
  readonly #left = new Set<string>()
  /** Whether all folders could be listed. */
  #isWhole = true
  /** Accounts have to be written before anything else is counted. */
  #isCounting = false

  constructor(options: TidyingOptions) {
    this.#options = options
    this.#merger = new Merger(options)
    this.#replaced = new Replaced(options)
    this.#retired = new RetiredFiles(options)
    this.#forgetting = new Forgetting(options)
  }

  /** Whether there is something for the next intent to do, or to be noted with it. */
  get hasTidied(): boolean {
    return this.#renames.length > 0 || this.#deletes.length > 0 || this.#retired.hasNew
  }

  /** Whether what was counted waits for the next intent. */
  get isCounting(): boolean {
    return this.#isCounting
  }

  /** Whether there is more to look into. */
  get isLooking(): boolean {
    return this.#replaced.isLooking
  }

  /** What the next intent is to do. */
  get intent(): Intent {
    return { renames: this.#renames, deletes: this.#deletes }
  }

  /** What has to be known of what is given up, with the intent that deletes it. */
  get notes(): Pick<SinkNotes, 'waiting' | 'unsaid'> & { readonly counted: readonly string[] } {
    const { waiting, unsaid, producers } = this.#retired
    // For an earlier release, which knows the accounts to ask about by it.
    return { waiting, unsaid, counted: producers }
  }

  /** The intent is made. */
  take(): void {
    this.#renames = []
    this.#deletes = []
    this.#retired.take()
    this.#isCounting = false
  }

  /** Goes on from what an earlier process has noted. */
  restore({ waiting, unsaid }: Pick<SinkNotes, 'waiting' | 'unsaid'>): void {
    this.#retired.restore(waiting, unsaid)
  }

  /** Takes what was found as what there is. */
  list(found: Found): void {
    const { own } = this.#options
    const { gone, come } = changesOf(own, found)
    for (const { path } of gone) this.#forget(path)
    for (const file of come) own.set(file.path, file)
    this.#isWhole = found.unlisted.size === 0
    // Of most who end when all of theirs is gone, or without any, no file goes after that.
    for (const producer of found.accounted) this.#forgetting.add(producer)
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
    const asked = this.#forgetting.size
    for (const path of deletes) if (!isLeft.has(path)) this.#forget(path)
    for (const path of replaced) if (isLeft.has(path)) this.#replaced.add(path)
    for (const path of left) this.#left.add(path)
    return left.length > 0 || this.#forgetting.size > asked
  }

  /**
   * Puts things in order, and notes what is left for the next intent.
   *
   * @returns what is given up, by producer
   */
  async tidy(times: TidyTimes): Promise<Map<string, GivenUp[]>> {
    const retired = new Map<string, GivenUp[]>()
    const { monotonicMs } = times
    this.#undeleted.release(monotonicMs)
    this.#unwritten.release(monotonicMs)
    const folders = Map.groupBy(this.#options.own.values(), ({ folder }) => folder)
    const unread = await this.#replaced.lookIn(folders, this.#undeleted, monotonicMs)
    this.#refuseLeft(monotonicMs)
    await this.#forgetAccounts(monotonicMs)
    const gone = await this.#replaced.deleteAll(this.#undeleted, monotonicMs)
    for (const path of gone) this.#forget(path)
    await this.#retire(times, unread, retired)
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
      (file) =>
        !(givenUp.has(file.path) || this.#unwritten.has(file.folder)) &&
        this.#mayTouch(file.folder),
    )
    const merged = await this.#merger.merge(kept, times)
    if (merged === null) return false
    const written: Rename[] = []
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
    for (const producer of this.#retired.forget(path)) this.#forgetting.add(producer)
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

  /** What could not be deleted has its next turn in an hour. */
  #refuseLeft(monotonicMs: number): void {
    for (const path of this.#left) {
      this.#undeleted.add(dirname(path), monotonicMs)
      const producer = accountedProducer(path)
      if (producer !== null) this.#forgetting.add(producer)
    }
    this.#left.clear()
  }

  /** Deletes accounts of those of whom nothing is left. */
  async #forgetAccounts(monotonicMs: number): Promise<void> {
    // Nobody knows what is in a folder that cannot be listed.
    if (!this.#isWhole || this.#undeleted.has(PRODUCERS_FOLDER)) return
    const own = Array.from(this.#options.own.values(), ({ number }) => number)
    const producers = await this.#forgetting.forgettable(monotonicMs, own)
    this.#deletes.push(...producers.map(accountPath))
  }

  /** As many as may go with one intent: each is looked into, and unlinking them takes a while. */
  async #retire(
    times: TidyTimes,
    unread: ReadonlySet<string>,
    retired: Map<string, GivenUp[]>,
  ): Promise<void> {
    const { own, retention = FOR_EVER, breathe } = this.#options
    const givenUp = this.#givenUp
    const refused = new Set<string>()
    const due = filesToRetire([...own.values()], retention, times.believedMs)
    this.#retired.keepWaiting(due)
    for (const file of due) {
      const { path, folder } = file
      if (this.#deletes.length >= FILES_MAX) break
      const isRefused = unread.has(folder) || refused.has(folder)
      const isWaiting = isRefused && this.#retired.wait(path, times)
      if (isWaiting || refused.has(folder) || givenUp.has(path)) continue
      if (!isRefused && !this.#mayTouch(folder)) continue
      const counted = await this.#retired.count(file, times, retired)
      if (counted === 'counted') this.#deletes.push(path)
      else if (counted === 'gone') this.#forget(path)
      else refused.add(folder)
      await breathe?.()
    }
    for (const folder of refused) this.#undeleted.add(folder, times.monotonicMs)
  }

  #replace({ table, files: merged, names }: Merged, written: Rename[]): void {
    const { files, root, writer } = this.#options
    const { folder } = merged[0]!
    writer.writeTable(folder, table, written, { [REPLACES_KEY]: JSON.stringify(names) })
    syncFolder(files, join(root, folder))
    const paths = merged.map(({ path }) => path)
    this.#renames.push(...written.map(([from, to]): Rename => [from, to, paths]))
  }
}
