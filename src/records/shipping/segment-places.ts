/** How far the segments of one stream are shipped, as far as anybody knows of them. */

import type { SegmentPlace } from './ship-state.ts'
import type { ListedSegment, Stream } from './spool-folder.ts'

/** For what cannot be read, perhaps for ever. */
export const LOOK_AGAIN_MS = 30_000
/** So often it is committed for how long something could not be read. */
const UNREADABLE_NOTED_MS = 600_000

/** By file. */
export class SegmentPlaces extends Map<string, SegmentPlace> {
  /** When a disk did not give them the last time, by the time in which it was looked. */
  readonly #unreadableAtMs = new Map<string, number>()

  of(file: string): SegmentPlace {
    return this.get(file) ?? { offset: 0, done: null }
  }

  note(file: string, change: Partial<SegmentPlace>): void {
    this.set(file, { ...this.of(file), ...change })
  }

  /** From now on each of these that goes unread is missed. */
  expect({ segments }: Stream): void {
    for (const { file } of segments) if (!this.has(file)) this.note(file, {})
  }

  /** Has one that counted as nobody's read on, where somebody has written to it after all. */
  revive({ file, bytes, isSeen }: ListedSegment): void {
    if (!isSeen) return
    const { bytesAlone = bytes } = this.of(file)
    if (bytesAlone !== bytes) this.note(file, { done: null, bytesAlone: undefined })
  }

  /** Whether all that are there are shipped. */
  hasAll(stream: Stream | null): boolean {
    return stream?.segments.every(({ file }) => this.of(file).done !== null) ?? true
  }

  /** Whether there is a segment that could not be read, as far as is known by anybody. */
  get isPassedOver(): boolean {
    return [...this.values()].some(
      ({ done, isPassedOver }) => done === null && isPassedOver === true,
    )
  }

  /** Whether one of which more is to come was there before. */
  isKnownBy(stream: Stream | null): boolean {
    return stream?.segments.some(({ file }) => this.get(file)?.done === null) ?? false
  }

  /** Those that are not read to their end, and are not there. */
  missing(stream: Stream | null): string[] {
    const there = new Set(stream?.segments.map(({ file }) => file))
    return [...this].flatMap(([file, { done }]) =>
      done === null && !there.has(file) ? [file] : [],
    )
  }

  /** Forgets those that are not there. */
  forget(stream: Stream | null): void {
    const kept = new Set(stream?.segments.map(({ file }) => file))
    for (const map of [this, this.#unreadableAtMs]) {
      for (const file of map.keys()) if (!kept.has(file)) map.delete(file)
    }
  }

  /**
   * Counts for how long a disk has not given one: from one asking in vain to the next, and where
   * the first was one of an earlier process, from the beginning of this one.
   *
   * @param isUnreadable whether it does not give it now
   * @param lookedMs for how long this process has looked
   * @returns whether that is to be committed
   */
  countUnreadable(file: string, isUnreadable: boolean, lookedMs: number): boolean {
    const { unreadableMs: before, isPassedOver } = this.of(file)
    if (!isUnreadable) {
      this.#unreadableAtMs.delete(file)
      if (before !== undefined) this.note(file, { unreadableMs: undefined })
      return false
    }
    const wasUnreadable = before !== undefined && isPassedOver === true
    const sinceMs = this.#unreadableAtMs.get(file) ?? (wasUnreadable ? 0 : lookedMs)
    const beforeMs = before ?? 0
    const unreadableMs = beforeMs + lookedMs - sinceMs
    this.#unreadableAtMs.set(file, lookedMs)
    this.note(file, { unreadableMs })
    const [noted, now] = [beforeMs, unreadableMs].map((ms) => Math.floor(ms / UNREADABLE_NOTED_MS))
    return now !== noted
  }
}
