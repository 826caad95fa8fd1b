/** A segment in one go. */

import type { FileCalls } from './file-calls.ts'
import type { SegmentHeader } from './segment-format.ts'
import { type Frame, type SegmentEnd, SegmentReader } from './segment-reader.ts'

/** What `readSegment` came to. */
export interface SegmentRead {
  readonly header: SegmentHeader | null
  /** Behind the last whole frame. */
  readonly offset: number
  /** Of the file; where it is more than `offset`, what follows is no whole frame. */
  readonly fileBytes: number
  readonly end: SegmentEnd
  readonly detail: string
  /** Something before its last whole frame is damaged. */
  readonly hasSkipped: boolean
}

/** Takes a frame; false: no further one is wanted. */
export type OnFrame = (
  frame: Frame,
  header: SegmentHeader,
  isBehindDamage: boolean,
) => boolean | undefined

/**
 * Calls `onFrame` with every frame as SegmentReader gives them, until it answers false; where the
 * segment `isFinal`, so that it will not grow, also with those behind what is damaged.
 */
export const readSegment = (
  files: FileCalls,
  path: string,
  fromOffset: number,
  onFrame: OnFrame,
  isFinal: (header: SegmentHeader) => boolean = () => false,
): SegmentRead => {
  const reader = new SegmentReader(files, path, fromOffset)
  try {
    for (;;) {
      const frame = reader.next()
      if (frame !== null) {
        if (onFrame(frame, reader.header!, reader.hasSkipped) === false) break
        continue
      }
      if (reader.header === null || !isFinal(reader.header)) break
      let skipped = reader.skip()
      while (skipped === 'later') skipped = reader.skip()
      if (skipped === 'none') break
    }
    const { header, offset, fileBytes, end, detail, hasSkipped } = reader
    return { header, offset, fileBytes, end, detail, hasSkipped }
  } finally {
    reader.close()
  }
}
