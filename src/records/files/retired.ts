/**
 * What is given up with files: each says itself what is in it, so that deleting it costs no
 * reading. The accounts in which it is counted know the number of the file: what is counted once
 * more, because it could not be deleted or somebody has brought it back, counts once.
 */

import { basename, join } from 'node:path'
import { withRecordsFile } from '../file-source.ts'
import type { GivenUp } from '../shipping/account.ts'
import type { TidyTimes } from '../shipping/sink.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { addGivenUp, CONTENTS_KEY, type Contents, contentsIn, replacedBy } from './contents.ts'
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

/** Files that have had their time and cannot be counted, and since when by the wall clock. */
export type Waiting = readonly (readonly [path: string, sinceMs: number])[]

/**
 * - `counted`: it may go.
 * - `waits`: that cannot be done now, and until then it is to stay.
 * - `gone`: it is not there; perhaps its disk is away, and nobody has counted it.
 */
export type Counted = 'counted' | 'waits' | 'gone'

/** A file whose content nobody can read or count for so long goes uncounted. */
const WAITING_MS_MAX = 24 * HOUR_MS

/** What a file says of itself. */
interface Said {
  readonly contents: Contents
  /** Names of files whose rows it has: with it they are given up as well. */
  readonly names: readonly string[]
}

const uncounted = (contents: Contents): Contents =>
  Object.fromEntries(
    Object.entries(contents).map(([producer, [, last]]) => [producer, [0, last] as const]),
  )

const SILENT: Said = { contents: {}, names: [] }

export class RetiredFiles {
  readonly #world: RetiredWorld
  /** Of files that may still be there, the producers in whose accounts they are counted. */
  readonly #producers = new Map<string, readonly string[]>()
  /** Files that have had their time and wait until they can be counted: believed ms since when. */
  #waitingMs = new Map<string, number>()
  /** Files that are counted, and no account says so. */
  #unsaid = new Set<string>()
  /** Whether one waits of which no state says so. */
  #hasNew = false

  constructor(world: RetiredWorld) {
    this.#world = world
  }

  /** What has to be known of it after the next intent. */
  get waiting(): Waiting {
    return [...this.#waitingMs]
  }

  /** The same, until an account says so. */
  get unsaid(): readonly string[] {
    return [...this.#unsaid]
  }

  /** In whose accounts something is counted that may still be there. */
  get producers(): readonly string[] {
    return [...new Set([...this.#producers.values()].flat())]
  }

  /** Whether there is something new that waits, which no intent brings with it. */
  get hasNew(): boolean {
    return this.#hasNew
  }

  /** It is written down. */
  take(): void {
    this.#hasNew = false
  }

  /**
   * Goes on from that.
   *
   * @param unsaid files that are there, and that are counted in accounts that do not say so
   */
  restore(waiting: Waiting, unsaid: readonly string[]): void {
    this.#waitingMs = new Map(waiting)
    this.#unsaid = new Set(unsaid)
  }

  /** Counts what is in a file that is to go. */
  async count(
    { path }: OwnFile,
    times: Pick<TidyTimes, 'believedMs' | 'mayRetire'>,
    into: Map<string, GivenUp[]>,
  ): Promise<Counted> {
    const said = await this.#look(path)
    if (said === 'gone') return said
    const { contents, names } = said ?? SILENT
    const all = Object.entries(contents)
    // A disk that refuses one account may take seconds for each.
    const isAll = said !== null && all.every(([producer]) => times.mayRetire(producer))
    if (isAll) this.#waitingMs.delete(path)
    else if (this.wait(path, times)) return 'waits'
    const known = Object.fromEntries(all.filter(([producer]) => times.mayRetire(producer)))
    this.#producers.set(path, Object.keys(known))
    const own = this.#numberOf(basename(path))
    const others = names.map((name) => this.#numberOf(name)).filter((number) => number > 0)
    const counts = this.#unsaid.delete(path) ? uncounted(known) : known
    addGivenUp(into, counts, [own, ...others], path.startsWith(GAPS_FOLDER))
    return 'counted'
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
    const producers = this.#producers.get(path) ?? []
    this.#producers.delete(path)
    this.#waitingMs.delete(path)
    this.#unsaid.delete(path)
    return producers
  }

  #numberOf(name: string): number {
    return fileNumber(name, this.#world.gateway)
  }

  /** What a file says of itself, or nothing; null: the disk does not give it now. */
  async #look(path: string): Promise<Said | 'gone' | null> {
    const { files, root, onFault } = this.#world
    try {
      const facts = await withRecordsFile(files, join(root, path), (file) => file.facts)
      return { contents: contentsIn(facts[CONTENTS_KEY] ?? '{}'), names: replacedBy(facts) }
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return 'gone'
      onFault(path, thrown)
      // `verify` will miss what was in one that is damaged.
      return errnoOf(thrown) === '' ? SILENT : null
    }
  }
}
