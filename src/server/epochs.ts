/**
 * The epochs of one data thread: the one that serves, the one prepared ahead, and those that still
 * have requests. A request asks once, at its start, and keeps what it got.
 */

import type { EpochPlan, PrepareFailure } from '../shared/epoch-plan.ts'
import { COMMITTED_WORD } from '../shared/shared-memory.ts'
import { type EpochSurroundings, type LiveEpoch, prepareEpoch, releaseEpoch } from './live-epoch.ts'
import type { LiveVersions } from './live-version.ts'
import { compileRoutes, RouteTable } from './routes.ts'

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
  ...{ versions: [], records: null },
  inFlight: 0,
}

interface PreparedEpoch {
  /** What the committed word will be when it is to serve. */
  readonly number: number
  readonly serving: ServingEpoch
}

export class Epochs {
  readonly #words: Int32Array
  readonly #versions: LiveVersions
  #prepared: PreparedEpoch | null = null
  #serving: ServingEpoch = { epoch: NOTHING, routes: new RouteTable(new Map()) }
  #servingNumber = 0

  constructor(replicaWords: Int32Array, versions: LiveVersions) {
    this.#words = replicaWords
    this.#versions = versions
  }

  /**
   * The committed epoch. A plain load: the agent's store becomes visible within nanoseconds, and
   * until then the previous epoch is as good.
   */
  current(): ServingEpoch {
    if (this.#words[COMMITTED_WORD] !== this.#servingNumber) this.#advance()
    return this.#serving
  }

  /**
   * Loads and binds a plan ahead of its commit; what cannot be prepared is let go again. So is the
   * plan that was prepared before, unless it has been committed: there is one at a time.
   *
   * @param number of the prepare: higher than all before
   */
  prepare(
    number: number,
    plan: EpochPlan,
    surroundings: Omit<EpochSurroundings, 'versions'>,
  ): readonly PrepareFailure[] {
    this.current()
    const former = this.#prepared
    this.#prepared = null
    const { epoch, failures } = prepareEpoch(plan, { ...surroundings, versions: this.#versions })
    if (former !== null) releaseEpoch(former.serving.epoch, this.#versions)
    if (failures.length > 0) {
      releaseEpoch(epoch, this.#versions)
      return failures
    }
    this.#prepared = { number, serving: { epoch, routes: compileRoutes(epoch) } }
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
    const next = this.#prepared
    if (next === null || next.number !== this.#words[COMMITTED_WORD]) return
    this.#prepared = null
    const previous = this.#serving.epoch
    this.#serving = next.serving
    this.#servingNumber = next.number
    if (previous.inFlight === 0) releaseEpoch(previous, this.#versions)
  }
}
