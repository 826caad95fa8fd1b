/** Versions that a data thread could have loaded: sessions that note what becomes of them. */

import type { LiveSession, LiveVersion, LoadVersion } from '../../src/server/live-version.ts'
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
  /** What was opened over it, in turn. */
  readonly opened: {
    readonly planned: PlannedVersion
    readonly queue: LiveVersion['queue']
    isOpen: boolean
  }[]
}

/** `load` for `LiveVersions`, and what it loaded. `refuse` may throw. The queues do nothing. */
export const loadCounting = (
  refuse: (planned: PlannedVersion) => void = () => {},
): { load: LoadVersion; loaded: Loaded[] } => {
  const loaded: Loaded[] = []
  const load = (planned: PlannedVersion, number: number): LiveSession => {
    refuse(planned)
    const session = new NotedSession()
    const opened: Loaded['opened'] = []
    loaded.push({ planned, number, session, opened })
    return {
      open: (policies) => {
        const one = {
          planned: policies,
          queue: {} as LiveVersion['queue'],
          isOpen: true,
        }
        opened.push(one)
        const dispose = () => {
          one.isOpen = false
        }
        return { queue: one.queue, policies: null, dispose }
      },
      dispose: () => session.dispose(),
    }
  }
  return { load, loaded }
}
