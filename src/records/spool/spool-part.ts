/** What goes from a ring into a segment by one call, and what is known of each piece of it. */

import type { FrameStage } from './frame-stage.ts'
import type { RingIntake } from './ring-intake.ts'

/** Frames of one ring that belong together: once all are in a segment, `keep` is called. */
export interface Part {
  readonly intake: RingIntake
  /** In the stage, behind its last frame. */
  readonly end: number
  /** Of the ring: behind its last entry. */
  readonly drained: number
  readonly floor: number
  readonly taken: number
  readonly records: number
  readonly shadows: number
  /** Records that cannot be kept. */
  readonly failed: number
  /** Layouts whose LAYOUT is in it. */
  readonly layout: number | null
}

/** Where parts are put. */
export interface IntakeTarget {
  readonly stage: FrameStage
  readonly parts: Part[]
  /** Ids whose LAYOUT the segment has, or will have with what is staged. */
  readonly layouts: Set<number>
  /** Bytes of entries that are staged, and at most so many unless it is a single one. */
  entryBytes: number
  readonly entryBytesMax: number
  readonly nowMs: number
}
