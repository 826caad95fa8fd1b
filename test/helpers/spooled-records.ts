/** Segments with records of a made-up endpoint, as a replica's spool would hold them. */

import { closeSync, constants, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { encodeLayout } from '../../src/records/layout-file.ts'
import { FRAME, type SegmentHeader } from '../../src/records/spool/segment-format.ts'
import { segmentName } from '../../src/records/spool/segment-names.ts'
import { ROLE } from '../../src/records/write-facts.ts'
import { writePlanOf } from '../../src/records/write-plan.ts'
import type { RecordRole } from '../../src/shared/record-policy.ts'
import { caseOf } from './record-cases.ts'
import { recordRig, setFacts } from './record-rig.ts'
import { HEADER, type PlannedFrame, segmentBytes } from './segments.ts'

export interface SpooledRecord {
  readonly sequence: number
  readonly timeMs: number
  readonly role?: RecordRole
  /** Index of `reasonIndex` in counters.ts. */
  readonly code?: number
}

const ROW = {
  ...{ note: 'n', age: 41, isNew: true, color: 'red', height: 1.5, id: 7, count: 2 },
  ...{ label: 'yes' },
  scores: [0.25, 0.75],
} as const

const LAYOUT = caseOf([ROW], 0).layout

const layoutFrame = (): PlannedFrame => {
  const layout = encodeLayout(LAYOUT)
  const bytes = new Uint8Array(8 + layout.length)
  new DataView(bytes.buffer).setUint32(0, LAYOUT.id, true)
  bytes.set(layout, 8)
  return { kind: FRAME.LAYOUT, bytes }
}

/** The entries of these records, one behind the other. */
const entriesOf = (records: readonly SpooledRecord[]): Uint8Array => {
  const rig = recordRig()
  const plan = writePlanOf(LAYOUT)
  let taken = 0
  for (const { sequence, timeMs, role = 'answer', code = 0 } of records) {
    setFacts(rig.facts, caseOf([ROW], 0))
    const times = { startedMs: 0, wallOffsetMs: timeMs, latencyMs: 4.25 }
    Object.assign(rig.facts, { sequence, role: ROLE[role], code, status: 200, ...times })
    while (taken < sequence) taken = rig.writer.takeSequence()
    rig.writer.write(plan, rig.facts)
  }
  return Buffer.concat(rig.take())
}

/** A frame for each list of records. */
export const recordFrames = (...frames: readonly (readonly SpooledRecord[])[]): PlannedFrame[] => [
  layoutFrame(),
  ...frames.map((records): PlannedFrame => {
    const account = { thread: 0, count: records.length, floor: 1, taken: 1 }
    return { kind: FRAME.RECORDS, account, bytes: entriesOf(records) }
  }),
]

/** Writes a segment under its name; with `bytes` only so many of it. Returns how many it has. */
export const writeSegment = (
  folder: string,
  frames: readonly PlannedFrame[],
  header: Partial<SegmentHeader> = {},
  bytes?: number,
): number => {
  const whole = { ...HEADER, ...header }
  const all = segmentBytes(frames, whole)
  mkdirSync(folder, { recursive: true })
  const content = all.subarray(0, bytes)
  // In place, as the spool does: who follows it never sees less than before.
  const file = openSync(join(folder, segmentName(whole)), constants.O_RDWR | constants.O_CREAT)
  writeSync(file, content, 0, content.length, 0)
  ftruncateSync(file, content.length)
  closeSync(file)
  return all.length
}
