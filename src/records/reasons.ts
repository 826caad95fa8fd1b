/**
 * Why a sequence number of a producer has no record. Every number that a producer has taken ends in
 * a record, or in one of these.
 */

/**
 * Reasons by name. The numbers go to disk: one is never changed and never given to another reason;
 * a new one takes the next below GAP_REASON_COUNT.
 */
export const GAP_REASON = {
  /** Sampling left it out. */
  SAMPLED: 1,
  /** The ring had no room: the spool thread was too slow. */
  RING_FULL: 2,
  /** Not even a record without features and outputs would fit. */
  TOO_LARGE: 3,
  /** The spool had as many bytes as it may. */
  SPOOL_FULL: 4,
  DISK_FULL: 5,
  /** Writing to disk failed otherwise. */
  IO_ERROR: 6,
  /** It was in a part of a segment that cannot be read. */
  CORRUPT: 7,
  /** It was on disk, and went when its time was over. */
  RETENTION: 8,
  /** Its producer was killed before it was on disk. */
  KILLED: 9,
  /** Of a run of several reasons that nobody had room to tell apart; it may hold records too. */
  SEVERAL: 11,
  /** Nobody settled it: a bug. */
  UNACCOUNTED: 12,
  /** The endpoint is not recorded. */
  DISABLED: 13,
  /** The shipper ended whenever it was at it, so it was set aside. */
  UNSHIPPABLE: 14,
} as const

/** Room for reasons to come: counters by reason have so many places. */
export const GAP_REASON_COUNT = 32

/** A run of sequence numbers, both ends included, that have no record for one reason. */
export interface Gap {
  readonly from: number
  readonly to: number
  readonly reason: number
}

const NAMES: readonly string[] = (() => {
  const names = new Array<string>(GAP_REASON_COUNT).fill('')
  for (const [name, number] of Object.entries(GAP_REASON)) names[number] = name.toLowerCase()
  return names
})()

/** Name of a reason in metrics and `sluice records verify`; '' for one of a newer release. */
export const gapReasonName = (reason: number): string => NAMES[reason] ?? ''

/** Number of a reason by its name; 0 where there is none of that name. */
export const gapReasonNumber = (name: string): number =>
  name === '' ? 0 : Math.max(0, NAMES.indexOf(name))
