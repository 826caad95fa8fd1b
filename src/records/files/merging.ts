/**
 * Making one file of many small ones: queries open every file, and what a gateway with little
 * traffic writes are a few rows at a time.
 */

import { basename, join } from 'node:path'
import { appendRows, withRecordsFile } from '../file-source.ts'
import type { NumberRuns } from '../shipping/number-runs.ts'
import type { TidyTimes } from '../shipping/sink.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import type { ColumnSpec } from '../table/column.ts'
import { Table } from '../table/table.ts'
import { CONTENTS_KEY, contentsIn, replacedBy } from './contents.ts'
import type { OwnFile } from './own-files.ts'
import { HOUR_MS } from './partitions.ts'

/** Larger ones stay as they are. */
export const SMALL_BYTES_MAX = 4 * 1024 * 1024
/** What becomes one file at once. */
const MERGED_BYTES_MAX = 8 * 1024 * 1024
/** Of what is alike that says little; as a table in memory it takes several times as much. */
const TABLE_BYTES_MAX = 64 * 1024 * 1024
/** Of every value, beside its text: most columns have words of that size. */
const CELL_BYTES = 8
/** Small files that an hour may have while records still come. */
const OPEN_FILES_MAX = 64
/** After an hour is over, records of it may still be on their way. */
const CLOSING_MS = 5 * 60_000

/** Of files in order, those that may become one. */
const fitting = (files: readonly OwnFile[]): OwnFile[] => {
  let bytes = 0
  return files.filter((file) => {
    bytes += file.bytes
    return bytes <= MERGED_BYTES_MAX
  })
}

/**
 * The files of one folder that should become one: of an hour that is over all small ones, of the
 * others only where there are very many. Empty: there are none.
 */
export const filesToMerge = (files: readonly OwnFile[], nowMs: number): readonly OwnFile[] => {
  const small = files.filter(({ bytes }) => bytes < SMALL_BYTES_MAX)
  for (const group of Map.groupBy(small, ({ folder }) => folder).values()) {
    const isClosed = nowMs > (group[0]!.hour + 1) * HOUR_MS + CLOSING_MS
    if (group.length <= (isClosed ? 1 : OPEN_FILES_MAX)) continue
    const chosen = fitting(group.toSorted((a, b) => a.number - b.number))
    if (chosen.length > 1) return chosen
  }
  return []
}

/**
 * Columns of all files; null where two cannot be one: a column has two types, or two names differ
 * in nothing but case.
 */
export const unitedColumns = (all: readonly (readonly ColumnSpec[])[]): ColumnSpec[] | null => {
  const united = new Map<string, ColumnSpec>()
  for (const spec of all.flat()) {
    const folded = spec.name.toLowerCase()
    const before = united.get(folded)
    if (before === undefined) united.set(folded, spec)
    else if (before.name !== spec.name || before.type !== spec.type) return null
  }
  return [...united.values()]
}

export interface Merged {
  /** The rows of all files, in their order. */
  readonly table: Table
  readonly files: readonly OwnFile[]
  /** Names of these, and of all that they have replaced themselves. */
  readonly names: readonly string[]
}

export interface MergerOptions {
  readonly files: FileCalls
  readonly root: string
  /** Bytes that a table may take. */
  readonly bytesMax?: number
  /** For people: a file cannot be read. */
  onFault(path: string, thrown: unknown): void
}

/** What of some files can be one table. */
interface Choice {
  readonly files: OwnFile[]
  readonly names: Set<string>
  columns: readonly ColumnSpec[]
  rows: number
  plainBytes: number
}

export class Merger {
  readonly #options: MergerOptions
  /** Paths of files that fit to no other, or cannot be read. */
  readonly #leftAlone = new Set<string>()

  constructor(options: MergerOptions) {
    this.#options = options
  }

  /**
   * Puts some of these files into one table; null: there are none for it, or not now.
   *
   * `mayMerge` is asked right before; a folder of which it says no is left as it is.
   */
  async merge(
    all: readonly OwnFile[],
    { wallMs, mayMerge, countedOf }: Pick<TidyTimes, 'wallMs' | 'mayMerge' | 'countedOf'>,
  ): Promise<Merged | null> {
    const mayTake = all.filter(({ path }) => !this.#leftAlone.has(path))
    const wanted = filesToMerge(mayTake, wallMs)
    const [first] = wanted
    if (first !== undefined && !mayMerge(first.folder)) {
      this.leaveAlone(wanted)
      return null
    }
    const { files, names, columns } = await this.#choose(wanted, countedOf)
    if (files.length < 2) {
      // There is nothing that it could be one with.
      this.leaveAlone(wanted.slice(0, 1))
      return null
    }
    const { root } = this.#options
    const table = new Table(columns)
    for (const file of files) {
      const append = () =>
        withRecordsFile(this.#options.files, join(root, file.path), (open) =>
          appendRows(open, table),
        )
      if ((await this.#reading(file, append)) === null) return null
    }
    return { table, files, names: [...names] }
  }

  /** Until the process ends. */
  leaveAlone(files: readonly OwnFile[]): void {
    for (const { path } of files) this.#leftAlone.add(path)
  }

  /** It is there no more. */
  forget(path: string): void {
    this.#leftAlone.delete(path)
  }

  /** The first of them, and of those behind all that fit to it, together in memory. */
  async #choose(wanted: readonly OwnFile[], countedOf: TidyTimes['countedOf']): Promise<Choice> {
    const { files, root, bytesMax = TABLE_BYTES_MAX } = this.#options
    const counted = new Map<string, NumberRuns | null>()
    const choice: Choice = { files: [], names: new Set(), columns: [], rows: 0, plainBytes: 0 }
    for (const file of wanted) {
      const glance = () =>
        withRecordsFile(files, join(root, file.path), ({ rows, plainBytes, columns, facts }) => {
          const producers = Object.keys(contentsIn(facts[CONTENTS_KEY] ?? '{}'))
          return { rows, plainBytes, columns, replaced: replacedBy(facts), producers }
        })
      const found = await this.#reading(file, glance)
      if (found === null) continue
      // What is counted as given up may be part of nothing that will be.
      for (const name of found.producers.filter((each) => !counted.has(each))) {
        const numbers = countedOf(name)
        if (numbers === 'refused') {
          // That may have taken seconds, and others may be refused as well.
          this.leaveAlone(wanted)
          return { ...choice, files: [] }
        }
        counted.set(name, numbers)
      }
      if (found.producers.some((name) => counted.get(name)?.has(file.number) ?? true)) {
        this.leaveAlone([file])
        continue
      }
      const columns = unitedColumns([choice.columns, found.columns])
      const rows = choice.rows + found.rows
      const plainBytes = choice.plainBytes + found.plainBytes
      if (columns === null || plainBytes + rows * columns.length * CELL_BYTES > bytesMax) continue
      choice.files.push(file)
      for (const name of [basename(file.path), ...found.replaced]) choice.names.add(name)
      Object.assign(choice, { columns, rows, plainBytes })
    }
    return choice
  }

  /** null: what is not there or damaged is so the next time, too, and must not hold up others. */
  async #reading<Read>(file: OwnFile, read: () => Promise<Read>): Promise<Read | null> {
    try {
      return await read()
    } catch (thrown) {
      this.#options.onFault(file.path, thrown)
      this.leaveAlone([file])
      return null
    }
  }
}
