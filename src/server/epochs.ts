/**
 * The epochs of one data thread: the one that serves, those prepared ahead, and those that still
 * have requests. A request asks once, at its start, and keeps what it got.
 */

import type { EpochPlan, PrepareFailure } from '../shared/epoch-plan.ts'
import { EPOCH_WORD } from '../shared/shared-memory.ts'
import { type EpochSurroundings, type LiveEpoch, prepareEpoch, releaseEpoch } from './live-epoch.ts'
import type { LiveVersions } from './live-version.ts'
import { compileRoutes, type RouteTable } from './routes.ts'

export interface ServingEpoch {
  readonly epoch: LiveEpoch
  readonly routes: RouteTable
}

const EMPTY_PLAN: EpochPlan = {
  epoch: 0,
  versions: [],
  endpoints: [],
  unavailable: [],
  defaultEndpoint: null,
}

const NOTHING: LiveEpoch = {
  number: 0,
  plan: EMPTY_PLAN,
  endpoints: new Map(),
  defaultEndpoint: null,
  versions: [],
  inFlight: 0,
}

export class Epochs {
  readonly #words: Int32Array
  readonly #versions: LiveVersions
  readonly #prepared = new Map<number, ServingEpoch>()
  #serving: ServingEpoch = { epoch: NOTHING, routes: new Map() }

  constructor(replicaWords: Int32Array, versions: LiveVersions) {
    this.#words = replicaWords
    this.#versions = versions
  }

  /**
   * The committed epoch. A plain load: the agent's store becomes visible within nanoseconds, and
   * until then the previous epoch is as good.
   */
  current(): ServingEpoch {
    if (this.#words[EPOCH_WORD] !== this.#serving.epoch.number) this.#advance()
    return this.#serving
  }

  /** Loads and binds a plan ahead of its commit; what cannot be prepared is let go again. */
  prepare(
    plan: EpochPlan,
    surroundings: Omit<EpochSurroundings, 'versions'>,
  ): readonly PrepareFailure[] {
    this.#drop(plan.epoch)
    const prepared = prepareEpoch(plan, { ...surroundings, versions: this.#versions })
    if (prepared.failures.length > 0) {
      releaseEpoch(prepared.epoch, this.#versions)
      return prepared.failures
    }
    const routes = compileRoutes(prepared.epoch)
    this.#prepared.set(plan.epoch, { epoch: prepared.epoch, routes })
    return []
  }

  /** A request on this epoch has its answer. */
  leave(epoch: LiveEpoch): void {
    epoch.inFlight--
    if (epoch.inFlight === 0 && epoch !== this.#serving.epoch) {
      releaseEpoch(epoch, this.#versions)
    }
  }

  #advance(): void {
    const number = this.#words[EPOCH_WORD]!
    const next = this.#prepared.get(number)
    if (next === undefined) return
    this.#prepared.delete(number)
    const previous = this.#serving.epoch
    this.#serving = next
    if (previous.inFlight === 0) releaseEpoch(previous, this.#versions)
    for (const older of [...this.#prepared.keys()]) if (older < number) this.#drop(older)
  }

  #drop(number: number): void {
    const dropped = this.#prepared.get(number)
    if (dropped === undefined) return
    this.#prepared.delete(number)
    releaseEpoch(dropped.epoch, this.#versions)
  }
}
