/** What is read of segments, and where it goes. */

import type { RecordLayout } from '../record-layout.ts'
import type { Refusals } from '../spool/refusals.ts'
import type { SegmentHeader } from '../spool/segment-format.ts'
import type { Frame } from '../spool/segment-reader.ts'
import type { Handling } from './attempts.ts'

/** A frame but LAYOUT, HEADER and SEAL, and what is needed to make sense of it. */
export interface ReadFrame {
  readonly frame: Frame
  readonly header: SegmentHeader
  readonly layouts: ReadonlyMap<number, RecordLayout>
  /** It is to be explained, not to be taken. */
  readonly isSetAside: boolean
  /** Something before it in its segment is lost. */
  readonly isBehindDamage: boolean
}

/** Where frames go. */
export interface FrameSink {
  /** Segments of all streams that are passed over. */
  readonly passedOver: Refusals
  /** For how long this process has looked at what lies there. */
  readonly lookedMs: number
  /** A frame at this place is about to be read. */
  begin(file: string, offset: number): Handling
  /**
   * What it throws goes to the caller; the frame comes again.
   *
   * @returns false: not all of it could be told, so that its segment is to be kept
   */
  frame(read: ReadFrame): boolean
  /** False: enough for now. */
  goesOn(): boolean
  /** For people: something of a segment cannot be read. */
  fault(file: string, detail: string): void
  /** There is something about its places that is to be known to a later process. */
  changed(): void
  /** A segment is read to its end; `isKept`: it is to be set aside. */
  end(file: string, isKept: boolean): void
}
