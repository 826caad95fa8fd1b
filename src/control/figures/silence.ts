/**
 * Which replicas have been silent for too long. Pure.
 *
 * A process is not to blame for what its watcher slept through: after a suspended machine or a
 * paused container the last answers of all are old. A watcher that has not looked for a while
 * counts from its next look.
 */

/** A replica that answers nothing for so long is stuck. */
const SILENT_MS_MAX = 10_000
/** Looks come once a second; one that is so late was kept from looking. */
const LATE_LOOK_MS = 2000

export interface SilenceWatch {
  /** Monotonic time of the last look. */
  readonly lookedMs: number
  /** Silence before this time does not count. */
  readonly sinceMs: number
}

export interface Answering {
  readonly incarnation: number
  /** Since its last answer; since it connected, when it has not answered yet. */
  readonly ageMs: number
}

/** One look. `watch`: what the last look gave, null at the first. `silent`: their incarnations. */
export const lookForSilence = (
  watch: SilenceWatch | null,
  replicas: readonly Answering[],
  nowMs: number,
): { watch: SilenceWatch; silent: number[] } => {
  const isLate = watch === null || nowMs - watch.lookedMs > LATE_LOOK_MS
  const sinceMs = isLate ? nowMs : watch.sinceMs
  const silent = replicas.filter(({ ageMs }) => Math.min(ageMs, nowMs - sinceMs) > SILENT_MS_MAX)
  return {
    watch: { lookedMs: nowMs, sinceMs },
    silent: silent.map(({ incarnation }) => incarnation),
  }
}
