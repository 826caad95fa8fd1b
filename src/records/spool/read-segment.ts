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
}

/**
 * Calls `onFrame` with every frame as SegmentReader gives them, until it answers false; where the
 * segment `isFinal`, so that it will not grow, also with those behind what is damaged.
 */
export const readSegment = (
  files: FileCalls,
  path: string,
  fromOffset: number,
  onFrame: (frame: Frame, header: SegmentHeader) => boolean | undefined,
  isFinal: (header: SegmentHeader) => boolean = () => false,
): SegmentRead => {
  const reader = new SegmentReader(files, path, fromOffset)
  try {
    for (;;) {
      const frame = reader.next()
      if (frame !== null && onFrame(frame, reader.header!) === false) break
      if (frame !== null) continue
      if (reader.header === null || !isFinal(reader.header)) break
      let skipped = reader.skip()
      while (skipped === 'later') skipped = reader.skip()
      if (skipped === 'none') break
    }
    const { header, offset, fileBytes, end, detail } = reader
    return { header, offset, fileBytes, end, detail }
  } finally {
    reader.close()
  }
}
