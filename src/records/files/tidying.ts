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
import { errnoOf, lookAt } from '../spool/file-calls.ts'
import { accountedProducer, accountPath } from './account-files.ts'
import { REPLACES_KEY } from './contents.ts'
import type { FileWriter } from './file-writer.ts'
import { Forgetting } from './forgetting.ts'
import { type Merged, Merger } from './merging.ts'
import { changesOf, type Found, type OwnFile } from './own-files.ts'
import { PRODUCERS_FOLDER } from './partitions.ts'
import type { PublishWorld } from './publishing.ts'
import { Refusals } from './refusals.ts'
import { Replaced } from './replaced.ts'
import { filesToRetire, type RetentionLimits } from './retention.ts'
import { RetiredFiles, type RetiredNotes } from './retired.ts'

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
  readonly #undeleted = new Refusals()
  readonly #unwritten = new Refusals()
  readonly #retired: RetiredFiles
  #renames: Rename[] = []
  #deletes: string[] = []
  readonly #forgetting: Forgetting
  /** What could not be deleted with the last one. */
  #left = new Set<string>()
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
  get notes(): RetiredNotes & { readonly counted: readonly string[] } {
    const { notes } = this.#retired
    const counted = (notes.countedFiles ?? []).flatMap(([, contents]) => Object.keys(contents))
    // For an earlier release, which knows the accounts to ask about by it.
    return { ...notes, counted: [...new Set(counted)] }
  }

  /** The intent is made. */
  take(): void {
    this.#renames = []
    this.#deletes = []
    this.#retired.take()
    this.#isCounting = false
  }

  /** The intent of an earlier process is done again: what it deletes, and what it has noted. */
  restore(notes: RetiredNotes, deletes: readonly string[]): Promise<void> {
    return this.#retired.restore(notes, deletes)
  }

  /** Takes what was found as what there is. */
  list(found: Found): void {
    const { own } = this.#options
    const { gone, come } = changesOf(own, found)
    for (const { path } of gone) this.#forget(path)
    for (const file of come) own.set(file.path, file)
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
  async tidy(times: TidyTimes): Promise<Map<string, Retired>> {
    const retired = new Map<string, Retired>()
    const { monotonicMs } = times
    this.#undeleted.release(monotonicMs)
    this.#unwritten.release(monotonicMs)
    const folders = Map.groupBy(this.#options.own.values(), ({ folder }) => folder)
    const unread = await this.#replaced.lookIn(folders, this.#undeleted, monotonicMs)
    this.#settle(times, retired)
    await this.#forgetAccounts(times, retired)
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
        this.#mayTouch(file.folder) &&
        // What is counted may be part of nothing that will be.
        !this.#retired.isBack(file),
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

  /** What has become of what was counted: of that which is still there it is taken back. */
  #settle(times: TidyTimes, retired: Map<string, Retired>): void {
    const { files, root } = this.#options
    const left = this.#left
    this.#left = new Set()
    for (const path of left) {
      this.#undeleted.add(dirname(path), times.monotonicMs)
      const producer = accountedProducer(path)
      if (producer !== null) this.#forgetting.add(producer)
      if (lookAt(files, join(root, path)) === null) this.#forget(path)
      else if (!this.#retired.takeBack(path, times, retired)) this.#left.add(path)
    }
  }

  /** Deletes accounts of those of whom nothing is left. */
  async #forgetAccounts(
    { monotonicMs }: TidyTimes,
    retired: ReadonlyMap<string, Retired>,
  ): Promise<void> {
    // What is still there may have to be taken back first.
    if (this.#left.size > 0 || this.#undeleted.has(PRODUCERS_FOLDER)) return
    // Whose records are in what is back nobody has looked.
    const own = [...this.#options.own.values()]
    if (own.some((file) => this.#retired.isBack(file))) return
    // What was taken back is in no account yet.
    const isBusy = (producer: string) => retired.has(producer)
    const producers = await this.#forgetting.forgettable(monotonicMs, isBusy)
    this.#deletes.push(...producers.map(accountPath))
  }

  /** As many as may go with one intent: each is looked into, and unlinking them takes a while. */
  async #retire(
    times: TidyTimes,
    unread: ReadonlySet<string>,
    retired: Map<string, Retired>,
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
      const isCounted = await this.#retired.count(file, times, retired)
      if (isCounted) this.#deletes.push(path)
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
