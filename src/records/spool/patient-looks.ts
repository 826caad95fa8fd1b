/** Looks at the files of a folder again and again, some of which a disk may not let anybody see. */

import { join } from 'node:path'
import { errnoOf, type FileCalls, type FileStat } from './file-calls.ts'
import { Refusals } from './refusals.ts'

export interface PatientLooksOptions {
  readonly files: FileCalls
  readonly folder: string
  /** Monotonic milliseconds. */
  monotonic(): number
}

export interface Look {
  /** As it was when it was seen last; null: it was not yet, or there is nothing by that name. */
  readonly stat: FileStat | null
  /** It was seen now. */
  readonly isSeen: boolean
}

/** In one look: a disk takes seconds to refuse one, and others wait meanwhile. */
const IN_VAIN_MS_MAX = 1000
/** Nothing depends on it but how many bytes there are. */
const PAUSE = 99

export class PatientLooks {
  readonly #options: PatientLooksOptions
  readonly #refusals: Refusals
  #known: ReadonlyMap<string, Look> = new Map()

  constructor(options: PatientLooksOptions) {
    this.#options = options
    this.#refusals = new Refusals(() => options.monotonic(), PAUSE)
  }

  /** What lies at each of these names; those that were refused before have their turn last. */
  look(names: readonly string[]): ReadonlyMap<string, Look> {
    const { monotonic } = this.#options
    const looks = new Map<string, Look>()
    let inVainMs = 0
    const rankOf = (name: string) => Number(this.#refusals.has(name))
    for (const name of names.toSorted((a, b) => rankOf(a) - rankOf(b))) {
      const mayAsk = inVainMs < IN_VAIN_MS_MAX && this.#refusals.mayAsk(name)
      const sinceMs = monotonic()
      const stat = mayAsk ? this.#statOf(name) : undefined
      const before = this.#known.get(name)?.stat ?? null
      looks.set(name, { stat: stat === undefined ? before : stat, isSeen: stat !== undefined })
      if (stat === undefined) inVainMs += monotonic() - sinceMs
    }
    this.#known = looks
    this.#refusals.keep(looks)
    return looks
  }

  /** undefined: it is not to be seen. */
  #statOf(name: string): FileStat | null | undefined {
    const { files, folder, monotonic } = this.#options
    const sinceMs = monotonic()
    try {
      const stat = files.stat(join(folder, name))
      this.#refusals.delete(name)
      return stat
    } catch (error) {
      if (errnoOf(error) === '') throw error
      this.#refusals.add(name, sinceMs)
      return undefined
    }
  }
}
