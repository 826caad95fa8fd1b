/** Segments for tests, put together frame by frame. */

import type { FileCalls } from '../../src/records/spool/file-calls.ts'
import { FrameStage } from '../../src/records/spool/frame-stage.ts'
import { readSegment, type SegmentRead } from '../../src/records/spool/read-segment.ts'
import {
  type Account,
  FRAME,
  type SegmentHeader,
  type SpooledGap,
} from '../../src/records/spool/segment-format.ts'
import type { Frame } from '../../src/records/spool/segment-reader.ts'

export const HEADER: SegmentHeader = {
  gateway: 'g7q2',
  replica: 1,
  incarnation: 3,
  generation: 0,
  number: 1,
  process: { pid: 4711, startTime: '123456', bootId: '0b9d3a1e-6f3c-4f0e-9b56-0f3f6c1d2e4a' },
  createdMs: Date.UTC(2025, 0, 1),
}

/** A frame to be: with an account, and with bytes or gaps behind it, or with bytes alone. */
export interface PlannedFrame {
  readonly kind: number
  readonly account?: Account
  readonly bytes?: Uint8Array
  readonly gaps?: readonly SpooledGap[]
}

/** All bytes of a segment. */
export const segmentBytes = (
  frames: readonly PlannedFrame[],
  header: SegmentHeader = HEADER,
): Uint8Array => {
  const stage = new FrameStage()
  stage.header(header)
  for (const { kind, account, bytes, gaps = [] } of frames) {
    stage.begin(kind)
    if (account !== undefined) stage.reserveAccount()
    if (bytes !== undefined) stage.append(bytes, 0, bytes.length)
    for (const gap of gaps) stage.gap(gap)
    if (account !== undefined) stage.account(account)
    stage.end()
  }
  return stage.bytes.slice(0, stage.length)
}

/** Entries of 24 bytes: a number of the test's in each of their words. */
export const someBytes = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (seed * 31 + index * 7) % 251)

export const SEAL: PlannedFrame = { kind: FRAME.SEAL }

/** Writes a file at once. */
export const putFile = (files: FileCalls, path: string, bytes: Uint8Array): void => {
  const file = files.open(path, 'w', 0o600)
  if (bytes.length > 0) files.write(file, bytes, 0)
  files.close(file)
}

/** Every frame of a file, its payload copied, and how it ended. */
export const readFrames = (
  files: FileCalls,
  path: string,
  fromOffset = 0,
): { frames: Frame[]; read: SegmentRead } => {
  const frames: Frame[] = []
  const read = readSegment(files, path, fromOffset, (frame) => {
    frames.push({ ...frame, payload: frame.payload.slice() })
    return true
  })
  return { frames, read }
}
