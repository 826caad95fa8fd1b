/** Versions that a data thread could have loaded: sessions that note what becomes of them. */

import type { LiveVersion, LoadVersion } from '../../src/server/live-version.ts'
import type { PlannedVersion } from '../../src/shared/epoch-plan.ts'
import { CountingSession } from './counting-session.ts'

class NotedSession extends CountingSession {
  disposals = 0

  override dispose(): void {
    super.dispose()
    this.disposals++
  }
}

export interface Loaded {
  readonly planned: PlannedVersion
  readonly number: number
  readonly session: NotedSession
  readonly live: LiveVersion
}

/** `load` for `LiveVersions`, and what it loaded. `refuse` may throw. The queues do nothing. */
export const loadCounting = (
  refuse: (planned: PlannedVersion) => void = () => {},
): { load: LoadVersion; loaded: Loaded[] } => {
  const loaded: Loaded[] = []
  const load = (planned: PlannedVersion, number: number): LiveVersion => {
    refuse(planned)
    const session = new NotedSession()
    const live = { queue: {} as LiveVersion['queue'], dispose: () => session.dispose() }
    loaded.push({ planned, number, session, live })
    return live
  }
  return { load, loaded }
}
