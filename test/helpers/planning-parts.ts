/** What a world of planning is made of, and with which settings. */

import type { Preparer } from '../../src/control/planning/round.ts'
import {
  ModelControl,
  type ModelControlSettings,
} from '../../src/control/repository/model-control.ts'
import type { Requests } from '../../src/control/state/stored-requests.ts'
import type { EpochPlan } from '../../src/shared/epoch-plan.ts'

/** A replica that answers as its world says. */
export interface Replica extends Preparer {
  isLeaving: boolean
  isAlive: boolean
  /** Rejects every call that is under way. */
  onDeath: () => void
  readonly death: Promise<never>
  served: EpochPlan | null
  prepared: EpochPlan | null
}

export interface WorldOptions {
  readonly settings?: Partial<ModelControlSettings>
  /** What clients have asked for under an earlier control. */
  readonly requests?: Requests
}

export const NO_REQUESTS: Requests = { loaded: [], unloaded: [] }
const SETTINGS: ModelControlSettings = {
  ...{ mode: 'none', pollMs: 15_000, loadModels: [] },
  retries: { max: 5, firstMs: 1000 },
}

export const modelControl = (
  { settings = {}, requests = NO_REQUESTS }: WorldOptions,
  write: (asked: Requests) => void,
): ModelControl => new ModelControl({ ...SETTINGS, ...settings }, requests, { write })

/** Numbers of the epochs that were written, in order. */
export const epochsOf = ({ written }: { written: readonly EpochPlan[] }): number[] =>
  written.map(({ epoch }) => epoch)
