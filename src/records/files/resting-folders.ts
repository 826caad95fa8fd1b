/**
 * Folders in which the disk has refused something that can wait: a file to be written anew, or one
 * to be deleted. Each is left alone for an hour, so that it costs others nothing.
 */

import { HOUR_MS } from './partitions.ts'

/** That are tried again in an hour: there may be as many as there are folders. */
const TRIES_MAX = 1000

export class RestingFolders {
  /** Monotonic ms since when, the oldest first. */
  readonly #sinceMs = new Map<string, number>()
  #hourMs = Number.NEGATIVE_INFINITY
  #tries = 0

  has(folder: string): boolean {
    return this.#sinceMs.has(folder)
  }

  add(folder: string, monotonicMs: number): void {
    if (!this.has(folder)) this.#sinceMs.set(folder, monotonicMs)
  }

  /** Those that have had their hour are to be tried again. */
  release(monotonicMs: number): void {
    if (monotonicMs >= this.#hourMs + HOUR_MS) {
      this.#hourMs = monotonicMs
      this.#tries = 0
    }
    for (const [folder, sinceMs] of this.#sinceMs) {
      if (this.#tries >= TRIES_MAX || monotonicMs < sinceMs + HOUR_MS) break
      this.#sinceMs.delete(folder)
      this.#tries++
    }
  }
}
