/**
 * Which versions the threads of a replica hold, and what memory comes back when the last one lets
 * go. Resident memory is that of the whole process, so other work shows in it; and what the C
 * library keeps for the next load does not come back at all: Node reaches no `malloc_trim`.
 */

import type { Clock } from '../shared/clock.ts'
import type { PlannedVersion } from '../shared/epoch-plan.ts'
import type { VersionFigures } from './replica-statistics.ts'
import type { NumberedVersion, VersionNumbers } from './version-numbers.ts'

/** For what is given back later: by compute threads, by the collector, by the kernel. */
const SETTLE_MS = 500

/** A version that no thread holds any more. */
export interface UnloadedVersion extends NumberedVersion {
  /** When the first thread had no more use for it, and a while after the last had let go. */
  readonly rssBeforeBytes: number
  readonly rssAfterBytes: number
}

export interface HoldingsSurroundings {
  readonly clock: Clock
  /** Resident memory of the process now. */
  rssBytes(): number
  readonly versions: VersionNumbers
  /** `name`: for people. */
  onUnloaded(name: string, unloaded: UnloadedVersion): void
}

export class Holdings {
  readonly #surroundings: HoldingsSurroundings
  readonly #byThread = new Map<number, ReadonlySet<number>>()
  /** Resident memory when a version began to leave. */
  readonly #leaving = new Map<number, number>()
  #hasCommitted = false
  /** Versions that were unloaded in the life of this process. */
  unloads = 0
  /** Resident memory with the first epoch; 0 before it. */
  baseRssBytes = 0

  constructor(surroundings: HoldingsSurroundings) {
    this.#surroundings = surroundings
  }

  /** By version: how many threads hold it. */
  get held(): ReadonlyMap<number, number> {
    const threads = new Map<number, number>()
    for (const versions of this.#byThread.values()) {
      for (const version of versions) threads.set(version, (threads.get(version) ?? 0) + 1)
    }
    return threads
  }

  get figures(): VersionFigures {
    const { unloads, baseRssBytes } = this
    const loaded = [...this.held].flatMap(([number, threads]) => {
      const version = this.#surroundings.versions.versionOf(number)
      return version === null ? [] : [{ ...version, threads }]
    })
    return { loaded, unloads, baseRssBytes }
  }

  /** A thread holds these now. */
  onHeld(thread: number, versions: readonly number[]): void {
    const before = this.#byThread.get(thread) ?? new Set()
    this.#byThread.set(thread, new Set(versions))
    const { held } = this
    for (const version of versions) {
      // It has come back, or another thread has only now loaded what will leave.
      if (!before.has(version)) this.#leaving.delete(version)
    }
    for (const version of before) {
      if (versions.includes(version)) continue
      this.#leave(version)
      if (!held.has(version)) this.#onGone(version)
    }
  }

  /** New requests are served by these only. */
  onCommitted(planned: readonly PlannedVersion[]): void {
    const { clock, rssBytes, versions } = this.#surroundings
    const numbers = planned.map((version) => versions.numberOf(version))
    for (const version of this.held.keys()) if (!numbers.includes(version)) this.#leave(version)
    if (this.#hasCommitted) return
    this.#hasCommitted = true
    clock.setTimer(SETTLE_MS, () => {
      this.baseRssBytes = rssBytes()
    })
  }

  #leave(version: number): void {
    if (!this.#leaving.has(version)) this.#leaving.set(version, this.#surroundings.rssBytes())
  }

  #onGone(version: number): void {
    const { clock, rssBytes, versions, onUnloaded } = this.#surroundings
    const rssBeforeBytes = this.#leaving.get(version) ?? 0
    this.#leaving.delete(version)
    this.unloads++
    const numbered = versions.versionOf(version)
    if (numbered === null) return
    clock.setTimer(SETTLE_MS, () => {
      const memory = { rssBeforeBytes, rssAfterBytes: rssBytes() }
      onUnloaded(versions.nameOf(version), { ...numbered, ...memory })
    })
  }
}
