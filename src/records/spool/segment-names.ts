/** Names of segments: `r<replica>-i<incarnation>-g<generation>-<number>.seg`. */

export interface SegmentName {
  readonly replica: number
  /** Of the replica's process. */
  readonly incarnation: number
  /** Of its spool thread, which may be replaced: from 0. */
  readonly generation: number
  /** From 1 in each generation. */
  readonly number: number
}

const NAME = /^r(\d{1,9})-i(\d{1,15})-g(\d{1,9})-(\d{1,15})\.seg$/

/** File name of a segment. */
export const segmentName = ({ replica, incarnation, generation, number }: SegmentName): string =>
  `r${replica}-i${incarnation}-g${generation}-${number}.seg`

/** What a file name says; null when it is not that of a segment, or is spelt in another way. */
export const parseSegmentName = (name: string): SegmentName | null => {
  const found = NAME.exec(name)
  if (found === null) return null
  const [replica, incarnation, generation, number] = found.slice(1).map(Number)
  const parsed = {
    replica: replica!,
    incarnation: incarnation!,
    generation: generation!,
    number: number!,
  }
  return segmentName(parsed) === name ? parsed : null
}

/** Order in which they were written, as far as one replica is concerned. */
export const compareSegments = (a: SegmentName, b: SegmentName): number =>
  a.replica - b.replica ||
  a.incarnation - b.incarnation ||
  a.generation - b.generation ||
  a.number - b.number

/**
 * Whether `name` will never grow again, as `others` tell: its replica has begun a later segment.
 * Else only a SEAL, or the end of its process, says so.
 */
export const isSucceeded = (name: SegmentName, others: readonly SegmentName[]): boolean =>
  others.some((other) => other.replica === name.replica && compareSegments(other, name) > 0)
