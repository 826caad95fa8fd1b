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
export type CountedFile = readonly [path: string, contents: Contents]

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
  /** Files that have had their time and wait until they can be counted: monotonic ms since when. */
  readonly #waitingMs = new Map<string, number>()

  constructor(world: RetiredWorld) {
    this.#world = world
  }

  /** What was counted of files that may still be there. */
  get counted(): readonly CountedFile[] {
    return [...this.#counted]
  }

  /** Numbers of files that were given up. */
  get gone(): readonly NumberRun[] {
    return this.#gone.runs
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
    counted: readonly CountedFile[] | null,
    gone: readonly NumberRun[],
    deletes: readonly string[],
  ): Promise<void> {
    this.#counted = new Map(counted)
    this.#gone = new NumberRuns(gone)
    const asked = deletes.filter((path) => counted === null && path.endsWith('.parquet'))
    for (const path of asked) this.#note(path, (await this.#look(path)) ?? SILENT)
  }

  /**
   * Counts what is in a file that is to go, unless it was counted before.
   *
   * @returns false: that cannot be done now, and until then it is to stay
   */
  async count(
    file: OwnFile,
    times: Pick<TidyTimes, 'monotonicMs' | 'mayRetire'>,
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
  wait(path: string, { monotonicMs }: Pick<TidyTimes, 'monotonicMs'>): boolean {
    const sinceMs = this.#waitingMs.get(path) ?? monotonicMs
    this.#waitingMs.set(path, sinceMs)
    return monotonicMs < sinceMs + WAITING_MS_MAX
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
