/** A clock that runs while a session works, and not while others have its core. */

import { systemClock } from '../shared/clock.ts'
import { type SessionSettings, usesGpu } from '../shared/session-settings.ts'

/** Milliseconds of CPU that this process has had. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/**
 * What a run of such a session is measured with, in milliseconds. Where one thread does all of it
 * that is CPU time: a proving run shares its core with those who serve, and steps back for them.
 * Several threads take more CPU than time, and a GPU none: they are measured by the time that
 * passes.
 */
export const workingClock = ({
  intraOpThreads,
  executionMode,
  providers,
}: SessionSettings): (() => number) => {
  const isAlone = intraOpThreads === 1 && executionMode === 'sequential' && !usesGpu({ providers })
  return isAlone ? cpuMs : systemClock.monotonic
}
