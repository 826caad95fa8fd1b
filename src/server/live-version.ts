/** A version as one data thread holds it: session, batcher, and who still needs it. */

import type { Batcher } from '../runtime/batcher.ts'
import type { Session } from '../runtime/session-types.ts'
import type { PlannedVersion } from '../shared/epoch-plan.ts'
import type { Pending } from './pending.ts'

export interface LiveVersion {
  readonly planned: PlannedVersion
  readonly session: Session
  readonly batcher: Batcher<Pending>
  /** Epochs that name it and are not yet over. */
  holders: number
}

/** Same key, same session and batching: an epoch takes over what its predecessor loaded. */
const keyOf = ({ model, version, provenSha256, batching }: PlannedVersion): string =>
  JSON.stringify([model, version, provenSha256, batching])

/** The versions loaded in this thread. A version leaves when its last holder lets go. */
export class LiveVersions {
  readonly #load: (planned: PlannedVersion) => LiveVersion
  readonly #byKey = new Map<string, LiveVersion>()

  constructor(load: (planned: PlannedVersion) => LiveVersion) {
    this.#load = load
  }

  /** Takes a hold on the version, loading it if need be. Blocks while it loads; throws. */
  acquire(planned: PlannedVersion): LiveVersion {
    const key = keyOf(planned)
    const known = this.#byKey.get(key)
    const live = known ?? this.#load(planned)
    live.holders++
    if (known === undefined) this.#byKey.set(key, live)
    return live
  }

  release(live: LiveVersion): void {
    live.holders--
    if (live.holders > 0) return
    this.#byKey.delete(keyOf(live.planned))
    live.session.dispose()
  }
}
