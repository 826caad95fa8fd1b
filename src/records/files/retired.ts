/**
 * What is given up with files: each says itself what is in it, so that deleting it costs no
 * reading. What was counted of a file is known until it is gone: where it cannot be deleted just
 * that is taken back, whether it can still be read or not. And whatever comes back that was counted
 * is not counted again: no two files of a gateway ever have one number.
 */

import { basename, join } from 'node:path'
import { withRecordsFile } from '../file-source.ts'
import type { Retired } from '../shipping/account.ts'
import type { TidyTimes } from '../shipping/sink.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { addRetired, CONTENTS_KEY, type Contents, contentsIn, replacedBy } from './contents.ts'
import { type NumberRun, NumberRuns } from './number-runs.ts'
import type { OwnFile } from './own-files.ts'
import { fileNumber, GAPS_FOLDER, HOUR_MS } from './partitions.ts'

export interface RetiredWorld {
  readonly files: FileCalls
  readonly root: string
  /** Whose files they are. */
  readonly gateway: string
  /** For people: a file does not say what is in it. */
  onFault(path: string, thrown: unknown): void
}

/** What was counted of a file that may still be there. */
type CountedFile = readonly [path: string, contents: Contents]

export interface RetiredNotes {
  /** What was counted of files that may still be there; null: an earlier release does not say. */
  readonly countedFiles: readonly CountedFile[] | null
  /** Numbers of files that were given up, and are not to be counted again. */
  readonly gone: readonly NumberRun[]
  /** Files that have had their time and cannot be counted, and since when by the wall clock. */
  readonly waiting: readonly (readonly [path: string, sinceMs: number])[]
}

/** A file whose content nobody can read or count for so long goes uncounted. */
const WAITING_MS_MAX = 24 * HOUR_MS

/** What a file says of itself. */
interface Said {
  readonly contents: Contents
  /** Names of files whose rows it has: with it they are given up as well. */
  readonly names: readonly string[]
}

const NOTHING: Contents = {}
const SILENT: Said = { contents: NOTHING, names: [] }

const add = (into: Map<string, Retired>, [path, contents]: CountedFile, sign: 1 | -1): void =>
  addRetired(into, contents, path.startsWith(GAPS_FOLDER), sign)

export class RetiredFiles {
  readonly #world: RetiredWorld
  #counted = new Map<string, Contents>()
  /** Numbers of files that were given up, wherever they are. */
  #gone = new NumberRuns()
  /** Files that have had their time and wait until they can be counted: believed ms since when. */
  #waitingMs = new Map<string, number>()
  /** Whether one waits of which no state says so. */
  #hasNew = false

  constructor(world: RetiredWorld) {
    this.#world = world
  }

  /** What has to be known of it after the next intent. */
  get notes(): RetiredNotes {
    const countedFiles = [...this.#counted]
    return { countedFiles, gone: this.#gone.runs, waiting: [...this.#waitingMs] }
  }

  /** Whether there is something new in them that no intent brings with it. */
  get hasNew(): boolean {
    return this.#hasNew
  }

  /** They are written down. */
  take(): void {
    this.#hasNew = false
  }

  /** Whether a file was given up before, and is back: somebody has brought it, or its disk. */
  isBack({ path, number }: OwnFile): boolean {
    return this.#gone.has(number) && !this.#counted.has(path)
  }

  /**
   * Goes on from that.
   *
   * @param deletes what is to be deleted, where an earlier release did not say what it had counted
   */
  async restore(
    { countedFiles, gone, waiting }: RetiredNotes,
    deletes: readonly string[],
  ): Promise<void> {
    this.#counted = new Map(countedFiles)
    this.#gone = new NumberRuns(gone)
    this.#waitingMs = new Map(waiting)
    const asked = deletes.filter((path) => countedFiles === null && path.endsWith('.parquet'))
    for (const path of asked) this.#note(path, (await this.#look(path)) ?? SILENT)
  }

  /**
   * Counts what is in a file that is to go, unless it was counted before.
   *
   * @returns false: that cannot be done now, and until then it is to stay
   */
  async count(
    file: OwnFile,
    times: Pick<TidyTimes, 'believedMs' | 'mayRetire'>,
    into: Map<string, Retired>,
  ): Promise<boolean> {
    if (this.isBack(file)) return true
    const { path } = file
    const said = await this.#look(path)
    const { contents, names } = said ?? SILENT
    const all = Object.entries(contents)
    const known = Object.fromEntries(all.filter(([producer]) => times.mayRetire(producer)))
    const isAll = said !== null && Object.keys(known).length === all.length
    if (isAll) this.#waitingMs.delete(path)
    else if (this.wait(path, times)) return false
    this.#note(path, { contents: known, names })
    add(into, [path, known], 1)
    return true
  }

  /**
   * A file that has had its time cannot be counted, or another one of its folder.
   *
   * @returns false: for a day already
   */
  wait(path: string, { believedMs }: Pick<TidyTimes, 'believedMs'>): boolean {
    const sinceMs = this.#waitingMs.get(path) ?? Number.POSITIVE_INFINITY
    // A clock that was ahead has it wait no longer.
    if (sinceMs > believedMs) {
      this.#waitingMs.set(path, believedMs)
      this.#hasNew = true
      return true
    }
    return believedMs < sinceMs + WAITING_MS_MAX
  }

  /** These have had their time: of others none waits. */
  keepWaiting(due: readonly OwnFile[]): void {
    if (this.#waitingMs.size === 0) return
    const paths = new Set(due.map(({ path }) => path))
    for (const path of this.#waitingMs.keys()) if (!paths.has(path)) this.#waitingMs.delete(path)
  }

  /** It is gone; returns the producers of which it had something. */
  forget(path: string): readonly string[] {
    const contents = this.#counted.get(path) ?? NOTHING
    this.#counted.delete(path)
    this.#waitingMs.delete(path)
    return Object.keys(contents)
  }

  /**
   * Takes back what was counted of a file that is still there.
   *
   * @returns false: that cannot be done now
   */
  takeBack(
    path: string,
    { mayRetire }: Pick<TidyTimes, 'mayRetire'>,
    into: Map<string, Retired>,
  ): boolean {
    const contents = this.#counted.get(path)
    if (contents === undefined) return true
    if (!Object.keys(contents).every((producer) => mayRetire(producer))) return false
    add(into, [path, contents], -1)
    this.#counted.delete(path)
    this.#gone.delete(this.#numberOf(basename(path)))
    return true
  }

  #numberOf(name: string): number {
    return fileNumber(name, this.#world.gateway)
  }

  #note(path: string, { contents, names }: Said): void {
    this.#counted.set(path, contents)
    const numbers = [basename(path), ...names].map((name) => this.#numberOf(name))
    for (const number of numbers) if (number > 0) this.#gone.add(number)
  }

  /** What a file says of itself, or nothing; null: the disk does not give it now. */
  async #look(path: string): Promise<Said | null> {
    const { files, root, onFault } = this.#world
    try {
      const facts = await withRecordsFile(files, join(root, path), (file) => file.facts)
      return { contents: contentsIn(facts[CONTENTS_KEY] ?? '{}'), names: replacedBy(facts) }
    } catch (thrown) {
      onFault(path, thrown)
      // `verify` will miss what was in one that is damaged.
      return /^(ENOENT)?$/.test(errnoOf(thrown)) ? SILENT : null
    }
  }
}
