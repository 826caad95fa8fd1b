/** When the repository is read, whole or in part, and how the catalog comes by what was found. */

import type { Catalog } from '../planning/catalog.ts'
import { servingVersions } from '../planning/planner.ts'
import type { Publisher } from '../planning/publisher.ts'
import type { ModelControl } from './model-control.ts'
import { type ReaderSources, RepositoryReader } from './repository-reader.ts'

/** While versions are proved, one scan a while: each has them all proved anew. */
const SOON_MS = 1000
const NEVER = Number.POSITIVE_INFINITY

export interface WatchParts extends Omit<ReaderSources, 'retries'> {
  readonly catalog: Catalog
  readonly publisher: Pick<Publisher, 'endpoints'>
  readonly control: ModelControl
}

export class RepositoryWatch {
  readonly #parts: WatchParts
  readonly #reader: RepositoryReader
  #isScanWanted = false
  #scannedMs = 0
  #pollAtMs = NEVER
  /** Models that are to be looked at, and who waits for that. */
  #looks = new Map<string, (() => void)[]>()

  constructor(parts: WatchParts) {
    this.#parts = parts
    const { repository, clock, logger, control } = parts
    const retries = () => control.settings.retries
    this.#reader = new RepositoryReader({ repository, clock, logger, retries })
  }

  /** Why the last reading failed; null when it did not. */
  get fault(): RepositoryReader['fault'] {
    return this.#reader.fault
  }

  /** Something was asked for and has not been read yet. */
  get isBehind(): boolean {
    return this.#isScanWanted || this.#looks.size > 0
  }

  /** Something is still being written, and will be looked at again. */
  get isRestless(): boolean {
    return this.#reader.isRestless
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    return this.#reader.warnings()
  }

  /** When what is due by time is due; monotonic milliseconds. */
  times(): { scanAtMs: number; lookAtMs: number; pollAtMs: number } {
    return {
      scanAtMs: this.#scanAtMs,
      lookAtMs: this.#looks.size > 0 ? 0 : this.#reader.lookAtMs,
      pollAtMs: this.#pollAtMs,
    }
  }

  get #scanAtMs(): number {
    if (!this.#isScanWanted) return this.#reader.readAtMs
    return this.#parts.catalog.isProving ? this.#scannedMs + SOON_MS : 0
  }

  /** Has all of it read. */
  wantScan(): void {
    this.#isScanWanted = true
  }

  /** Has one model read. Resolves when the catalog has what was found. */
  wantLook(model: string): Promise<void> {
    return new Promise((resolve) => {
      this.#looks.set(model, [...(this.#looks.get(model) ?? []), resolve])
    })
  }

  /** Files of a model have changed while they were proved. */
  lookLater(model: string): void {
    this.#reader.lookLater(model)
  }

  /** Reads all of it; false when it cannot be read, and what was known stays. */
  scan(): boolean {
    const { catalog, publisher, clock, control } = this.#parts
    const { mode, pollMs } = control.settings
    this.#isScanWanted = false
    this.#scannedMs = clock.monotonic()
    this.#pollAtMs = mode === 'poll' ? this.#scannedMs + pollMs : NEVER
    const scan = this.#reader.read()
    // What is served stays: a repository that cannot be read for a moment must stop nobody.
    if (scan === null) return false
    catalog.take(scan, servingVersions(publisher.endpoints))
    return true
  }

  /** Reads the models that are due. */
  look(nowMs: number): void {
    const { catalog, publisher } = this.#parts
    const wanted = this.#looks
    this.#looks = new Map()
    const serving = servingVersions(publisher.endpoints)
    for (const name of new Set([...wanted.keys(), ...this.#reader.due(nowMs)])) {
      const scanned = this.#reader.readModel(name)
      if (scanned !== undefined) catalog.takeModel(name, scanned, serving.get(name))
    }
    for (const waiting of wanted.values()) for (const resolve of waiting) resolve()
  }

  /** Wants to have read what has changed since it was read. */
  poll(): void {
    const { clock, control } = this.#parts
    this.#pollAtMs = clock.monotonic() + control.settings.pollMs
    const changed = this.#reader.changed()
    if (changed === null) this.#isScanWanted = true
    else for (const name of changed) this.#looks.set(name, this.#looks.get(name) ?? [])
  }
}
