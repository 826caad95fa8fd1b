/** The segments that lie in the spool, and what is to become of one that was read to its end. */

import type { Look } from '../spool/patient-looks.ts'
import { compareSegments, parseSegmentName, type SegmentName } from '../spool/segment-names.ts'
import type { SegmentEnd } from '../spool/segment-reader.ts'

export interface ListedSegment {
  readonly file: string
  readonly name: SegmentName
  /** When it was seen last; 0 where it was not. */
  readonly bytes: number
  /** Wall clock of its last change; null: nobody knows. */
  readonly changedMs: number | null
  /** Whether it could be looked at now. */
  readonly isSeen: boolean
  /** It will never grow: the same process has begun a later one. */
  readonly isSucceeded: boolean
}

/** Segments of one replica in one incarnation, in the order in which they were written. */
export interface Stream {
  /** `r<replica>-i<incarnation>` */
  readonly key: string
  readonly segments: readonly ListedSegment[]
}

const streamKey = ({ replica, incarnation }: SegmentName): string => `r${replica}-i${incarnation}`

/** The stream that a file belongs to; of a name that is none of a segment, one of its own. */
export const streamKeyOfFile = (file: string): string => {
  const name = parseSegmentName(file)
  return name === null ? file : streamKey(name)
}

/**
 * What lies in a folder that has these names, oldest incarnations first. Others are none of ours.
 * What cannot be looked at, or is gone a moment later, lies there all the same: the next reading of
 * the folder says what has become of it, and by then it may be that the whole folder was away.
 */
export const listStreams = (
  all: readonly string[],
  look: (files: readonly string[]) => ReadonlyMap<string, Look> = () => new Map(),
): Stream[] => {
  const names = all.flatMap((file) => {
    const name = parseSegmentName(file)
    return name === null ? [] : [{ file, name }]
  })
  const streams = new Map<string, ListedSegment[]>()
  names.sort((a, b) => a.name.incarnation - b.name.incarnation || compareSegments(a.name, b.name))
  const looks = look(names.map(({ file }) => file))
  for (const { file, name } of names) {
    const { stat = null, isSeen = false } = looks.get(file) ?? {}
    const key = streamKey(name)
    const segments = streams.get(key) ?? []
    streams.set(key, segments)
    const [bytes, changedMs] = [stat?.bytes ?? 0, stat?.changedMs ?? null]
    const before = segments.pop()
    // Not by a later incarnation: that starts beside the old one, which writes until it has
    // drained.
    if (before !== undefined) segments.push({ ...before, isSucceeded: true })
    const isThere = isSeen && stat !== null
    segments.push({ file, name, bytes, changedMs, isSeen: isThere, isSucceeded: false })
  }
  return Array.from(streams, ([key, segments]) => ({ key, segments }))
}

/**
 * - `wait`: more may come, or it can be read another time.
 * - `done`: all that was in it has been read.
 * - `quarantine`: the same, but something in it could not be read and is lost.
 * - `leave`: a later release can read it; it stays where it is.
 */
export type Verdict = 'wait' | 'done' | 'quarantine' | 'leave'

export interface ReadFacts {
  /** Why there was no further frame. */
  readonly end: SegmentEnd
  /** It could not grow any more when the last frame was read: succeeded, or its process is dead. */
  readonly isFinal: boolean
  /** It has no header that can be read: nobody knows what is in it. */
  readonly isHeadless: boolean
  /** Nor has any of its stream: nobody knows who writes it. */
  readonly isNameless: boolean
  /** Milliseconds since it last changed. */
  readonly idleMs: number
  /** Asked where it has no header: whether there is anything in it but zeros. */
  hasBytes(): boolean
}

/** Nobody is still beginning a file that has not changed for so long. */
const NAMELESS_IDLE_MS = 600_000

/** What becomes of a segment behind whose last whole frame there is nothing to be read. */
export const verdictOf = (facts: ReadFacts): Verdict => {
  const { end, isFinal, isHeadless } = facts
  if (end === 'sealed') return 'done'
  if (end === 'newer') return 'leave'
  // Whether one that is missing has gone for good is not to be seen from itself.
  if (end === 'unreadable' || end === 'missing') return 'wait'
  // While its writer is at it, what looks like a wrong frame can be one that is half written.
  const isLeftAlone = facts.isNameless && facts.idleMs >= NAMELESS_IDLE_MS
  if (!isFinal && !isLeftAlone) return 'wait'
  return end !== 'open' || (isHeadless && facts.hasBytes()) ? 'quarantine' : 'done'
}
