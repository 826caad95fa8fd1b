/** What is to be done about a connection, by its age and by what was heard of it. Pure. */

import type { GrpcLimits } from './grpc-options.ts'

export interface ConnectionFacts {
  readonly beganMs: number
  /** After which it is told to go. */
  readonly ageMs: number
  /** Since when it has no calls; counts while it has none. */
  quietSinceMs: number
  /** When something was last heard of it. */
  heardMs: number
  /** When it was asked whether anybody is there; null: not since it was heard. */
  askedMs: number | null
  /** It was told to go, or goes by itself: it is not asked any more. */
  isGoing: boolean
  /** Its streams were ended, since its time is over. */
  isExpired: boolean
}

export type ConnectionLimits = Omit<GrpcLimits, 'streamsMax' | 'isMutualTls'>

type Step = 'none' | 'ask' | 'go' | 'expire' | 'destroy'

export const nextStep = (
  { beganMs, ageMs, quietSinceMs, heardMs, askedMs, isGoing, isExpired }: ConnectionFacts,
  calls: number,
  limits: ConnectionLimits,
  nowMs: number,
): Step => {
  const livedMs = nowMs - beganMs
  if (livedMs >= ageMs + limits.connectionGraceSeconds * 1000) {
    return isExpired ? 'destroy' : 'expire'
  }
  if (askedMs !== null && nowMs - askedMs >= limits.keepaliveTimeoutSeconds * 1000) return 'destroy'
  if (isGoing) return 'none'
  if (livedMs >= ageMs) return 'go'
  if (calls === 0 && nowMs - quietSinceMs >= limits.connectionIdleSeconds * 1000) return 'go'
  const isSilent = askedMs === null && nowMs - heardMs >= limits.keepaliveSeconds * 1000
  return isSilent ? 'ask' : 'none'
}

/** How often to look: a quarter of the shortest time, at least every second. */
export const lookMs = (limits: ConnectionLimits): number => {
  const shortest = Math.min(
    limits.connectionIdleSeconds,
    limits.connectionAgeSeconds,
    limits.keepaliveSeconds,
    limits.keepaliveTimeoutSeconds,
  )
  return Math.min(1000, Math.max(20, shortest * 250))
}
