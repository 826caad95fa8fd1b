/**
 * Which version has deaths of replicas on its account. Pure: deaths in, one version out. The rule,
 * and why, is docs/decisions/0008-poison.md.
 */

/** Deaths that are further apart have nothing to do with each other. */
export const BLAME_MS = 60_000

export interface Suspect {
  /** `identityOf` a version (src/shared/run-marks.ts). */
  readonly identity: string
  /** Its run, or series of runs, was under way; else it was the last to run on its thread. */
  readonly isCertain: boolean
}

/** A death that a model can have caused. */
export interface SuspectDeath {
  readonly atMs: number
  readonly suspects: readonly Suspect[]
  /** Whether the replica held other versions too, that could have been the last to run as well. */
  readonly hadOthers: boolean
}

const weightOf = ({ suspects, hadOthers }: SuspectDeath, identity: string): number => {
  const own = suspects.filter((suspect) => suspect.identity === identity)
  if (own.some(({ isCertain }) => isCertain)) return 2
  // Where there is but one version, it is the last to run whatever happens: that says nothing.
  return hadOthers ? 1 : 0
}

const WEIGHT_MIN = 3

/**
 * The version to blame now: two deaths or more within a minute name it and no other in all of them,
 * and they weigh enough: two where it was running, or three where it was the last that ran.
 */
export const blamed = (deaths: readonly SuspectDeath[], nowMs: number): string | null => {
  const recent = deaths.filter(({ atMs }) => nowMs - atMs <= BLAME_MS)
  const names = ({ suspects }: SuspectDeath) => suspects.map(({ identity }) => identity)
  for (const identity of new Set(recent.flatMap(names))) {
    const own = recent.filter((death) => names(death).includes(identity))
    const common = [...new Set(names(own[0]!))].filter((name) =>
      own.every((death) => names(death).includes(name)),
    )
    const weight = own.reduce((sum, death) => sum + weightOf(death, identity), 0)
    if (own.length >= 2 && common.length === 1 && weight >= WEIGHT_MIN) return identity
  }
  return null
}
