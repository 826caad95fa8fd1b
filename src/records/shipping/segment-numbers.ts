/**
 * Which segments of a stream were ever there. They are numbered one after the other: one that is
 * left out was there, and went before anybody saw it, by hand or since another folder came into
 * its place. (Or its writer gave it up: then nothing is missing that was in it.)
 */

import { compareSegments, type SegmentName } from '../spool/segment-names.ts'
import type { ListedSegment, Stream } from './spool-folder.ts'
import { AWAY_MS_MAX } from './spool-home.ts'

/** The last segment of a stream that was seen, though it may be there no more. */
export type LatestSegment = Pick<SegmentName, 'generation' | 'number'>

/** Before the first one of a stream. */
export const NONE_YET: LatestSegment = { generation: 0, number: 0 }

const isBehind = (name: SegmentName, latest: LatestSegment): boolean =>
  compareSegments(name, { ...name, ...latest }) > 0

const isNext = ({ generation, number }: SegmentName, latest: LatestSegment): boolean =>
  number === (generation === latest.generation ? latest.number + 1 : 1)

export class SegmentNumbers {
  /** null: it is not known what was there, as with a state of an earlier release. */
  latest: LatestSegment | null
  /** Some were left out, and it is not known yet whether for good. */
  isShort = false
  /** Monotonic ms. */
  #shortSinceMs: number | null = null

  constructor(latest: LatestSegment | null) {
    this.latest = latest
  }

  /**
   * Looks at what is there of the stream.
   *
   * @returns whether its spool thread was replaced: nobody knows which one was the last before
   */
  see({ segments }: Stream): boolean {
    const { latest } = this
    const last = segments.at(-1)?.name
    if (last === undefined || (latest !== null && !isBehind(last, latest))) return false
    this.latest = { generation: last.generation, number: last.number }
    let before = latest
    for (const { name } of segments) {
      if (before === null || !isBehind(name, before)) continue
      if (!isNext(name, before)) this.isShort = true
      before = name
    }
    return latest !== null && last.generation !== latest.generation
  }

  /** Its segments, where one that has had a later one has a successor. */
  settled({ segments }: Stream): readonly ListedSegment[] {
    const last = segments.at(-1)
    if (last === undefined || this.latest === null) return segments
    const isSucceeded = isBehind({ ...last.name, ...this.latest }, last.name)
    return isSucceeded ? segments.with(-1, { ...last, isSucceeded }) : segments
  }

  /**
   * Whether what was left out has gone for good, as is known now; once. It may be in a folder that
   * is away though nobody knew, or have been begun while the folder was read.
   *
   * @param isDead nobody has begun any since: who waits for what is known of it waits no longer
   */
  takeShort(isDead: boolean, nowMs: number): boolean {
    if (!this.isShort) return false
    this.#shortSinceMs ??= nowMs
    if (!isDead && nowMs - this.#shortSinceMs < AWAY_MS_MAX) return false
    this.isShort = false
    this.#shortSinceMs = null
    return true
  }
}
