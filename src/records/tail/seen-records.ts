/**
 * Which records have been given: each is once, though it may be in the spool and already in a
 * Parquet file, or twice in either. What is given late is never taken for what was given before;
 * what comes again after very many others is.
 */

import type { RecordRole } from '../../shared/record-policy.ts'

/** More than are written to Parquet at once, or lie in a segment. */
const REMEMBERED_MIN = 300_000

export interface SeenFacts {
  readonly predictionId: string
  readonly role: RecordRole
}

export class SeenRecords {
  readonly #remembered: number
  #recent = new Set<string>()
  #older: ReadonlySet<string> = new Set()

  /** At least the last `remembered` records are told apart, at most twice as many. */
  constructor(remembered = REMEMBERED_MIN) {
    this.#remembered = remembered
  }

  /** Notes a record. False: it was noted before. A shadow has the id of its answer. */
  note({ predictionId, role }: SeenFacts): boolean {
    const key = role === 'shadow' ? `${predictionId}s` : predictionId
    if (this.#recent.has(key) || this.#older.has(key)) return false
    this.#recent.add(key)
    if (this.#recent.size >= this.#remembered) {
      this.#older = this.#recent
      this.#recent = new Set()
    }
    return true
  }
}
