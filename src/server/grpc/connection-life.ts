/** What is to be done about a connection, by its age and by what was heard of it. Pure. */

import type { GrpcLimits } from './grpc-options.ts'

export interface ConnectionFacts {
  readonly beganMs: number
  /** After which it is told to go. */
  readonly ageMs: number
  /** Since when it has no calls; counts while it has none. */
  quietSinceMs: number
  /** When it was last asked whether anybody is there. */
  pingMs: number
  /** Since when that has no answer; null: it has one. */
  pingSince: number | null
  /** It was told to go. */
  isGoing: boolean
}

export type ConnectionLimits = Omit<GrpcLimits, 'streamsMax' | 'isMutualTls'>

type Step = 'none' | 'ping' | 'go' | 'destroy'

export const nextStep = (
  { beganMs, ageMs, quietSinceMs, pingMs, pingSince, isGoing }: ConnectionFacts,
  calls: number,
  limits: ConnectionLimits,
  nowMs: number,
): Step => {
  const { connectionIdleSeconds, connectionGraceSeconds } = limits
  const { keepaliveSeconds, keepaliveTimeoutSeconds } = limits
  const livedMs = nowMs - beganMs
  if (pingSince !== null && nowMs - pingSince >= keepaliveTimeoutSeconds * 1000) return 'destroy'
  if (livedMs >= ageMs + connectionGraceSeconds * 1000) return 'destroy'
  if (!isGoing && livedMs >= ageMs) return 'go'
  if (!isGoing && calls === 0 && nowMs - quietSinceMs >= connectionIdleSeconds * 1000) return 'go'
  if (pingSince === null && nowMs - pingMs >= keepaliveSeconds * 1000) return 'ping'
  return 'none'
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
