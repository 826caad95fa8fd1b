/**
 * Which replica should be replaced because of what loading and unloading has left in it. Pure: wear
 * and a time in, one replica out.
 *
 * ONNX Runtime and the C library do not give all memory back that a session took: a session loaded
 * and released ten times left a process of 325 MB with 994. Only a new process is clean.
 */

export interface RecycleLimits {
  /** Unloads in the life of a process; 0: any number. */
  readonly unloadsMax: number
  /** Growth that its versions do not account for; 0: any. */
  readonly memoryBytesMax: number
  /** Between the end of one replacement and the beginning of the next. */
  readonly pauseSeconds: number
}

export interface Wear {
  readonly index: number
  readonly incarnation: number
  readonly unloads: number
  readonly rssBytes: number
  /** With its first epoch; 0 before it. */
  readonly baseRssBytes: number
  /** What its versions take by their proving runs, now and with its first epoch. */
  readonly versionBytes: number
  readonly baseVersionBytes: number
}

export interface Recycling {
  readonly index: number
  readonly incarnation: number
  readonly reason: 'unloads' | 'memory'
  /** What has been reached: unloads, or bytes. */
  readonly figure: number
}

/** Memory that came after the first epoch and that the versions of now do not account for. */
const unexplainedBytes = (wear: Wear): number =>
  wear.rssBytes - wear.baseRssBytes - Math.max(0, wear.versionBytes - wear.baseVersionBytes)

const reasonOf = (wear: Wear, limits: RecycleLimits): Recycling | null => {
  const { index, incarnation, unloads, baseRssBytes, versionBytes } = wear
  const { unloadsMax, memoryBytesMax } = limits
  // What grows without an unload has another cause, and would grow again.
  if (unloads === 0) return null
  if (unloadsMax > 0 && unloads >= unloadsMax) {
    return { index, incarnation, reason: 'unloads', figure: unloads }
  }
  if (memoryBytesMax === 0 || baseRssBytes === 0) return null
  const grownBytes = unexplainedBytes(wear)
  // While one takes the place of another both are there for a moment.
  if (grownBytes <= Math.max(memoryBytesMax, versionBytes)) return null
  return { index, incarnation, reason: 'memory', figure: grownBytes }
}

/**
 * The replica to be replaced now, the most worn one; null: none.
 *
 * @param replicas all that serve; fewer than are wanted is no time for it
 * @param endedMs when the last replacement ended; null: there was none
 */
export const recyclingDue = (
  replicas: readonly Wear[],
  wanted: number,
  limits: RecycleLimits,
  endedMs: number | null,
  nowMs: number,
): Recycling | null => {
  if (replicas.length < wanted) return null
  if (endedMs !== null && nowMs - endedMs < limits.pauseSeconds * 1000) return null
  const due = replicas.flatMap((wear) => {
    const recycling = reasonOf(wear, limits)
    return recycling === null ? [] : [{ recycling, wear }]
  })
  const [worst] = due.toSorted((a, b) => b.wear.unloads - a.wear.unloads)
  return worst?.recycling ?? null
}
