/**
 * Where the versions of a gateway are placed, and what was learnt from their runs since. A version
 * is known by its bytes and session settings: what it did under other policies of its queue counts.
 */

import {
  type LiveRuns,
  type PlacementAsked,
  type PlacementFigures,
  type PlacementHost,
  placeVersion,
} from '../../runtime/placement.ts'
import {
  beginReview,
  type PlacementReview,
  reviewPlacement,
} from '../../runtime/placement-review.ts'
import {
  parseSlotKey,
  RUN_ROWS_AT,
  RUN_SECONDS_AT,
  RUNS_AT,
  type SlotKey,
} from '../../shared/counters.ts'
import type { PlannedVersion } from '../../shared/epoch-plan.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Placement } from '../../shared/placement.ts'
import { gpusOf } from '../../shared/session-settings.ts'

/** A version that has no place yet. */
export type Unplaced = Omit<PlannedVersion, 'placement'>

export type PlaceVersion = (
  version: Unplaced,
  memoryBytes: number,
  asked: PlacementAsked,
) => Placement

interface Known {
  readonly key: string
  figures: PlacementFigures
  asked: PlacementAsked
  /** Runs that contradicted the proving run; null: none did. */
  live: LiveRuns | null
  review: PlacementReview | null
}

const keyOf = ({ provenSha256, session }: Unplaced): string =>
  JSON.stringify([provenSha256, session])

const nameOf = ({ model, version }: Pick<Unplaced, 'model' | 'version'>): string =>
  JSON.stringify([model, `${version}`])

const ofVersion = ({ model, version }: SlotKey): string => JSON.stringify([model, version])

const NO_RUNS: LiveRuns = { runs: 0, rows: 0, seconds: 0 }

/** Runs by version, over all endpoints and variants. */
const runsByVersion = (slots: ReadonlyMap<string, Float64Array>): ReadonlyMap<string, LiveRuns> => {
  const sums = new Map<string, LiveRuns>()
  for (const [text, slot] of slots) {
    const name = ofVersion(parseSlotKey(text))
    const { runs, rows, seconds } = sums.get(name) ?? NO_RUNS
    sums.set(name, {
      runs: runs + slot[RUNS_AT]!,
      rows: rows + slot[RUN_ROWS_AT]!,
      seconds: seconds + slot[RUN_SECONDS_AT]!,
    })
  }
  return sums
}

export class Placements {
  readonly #host: PlacementHost
  readonly #logger: Logger
  /** By name; versions of the last hour or of the last year: there are only so many. */
  readonly #known = new Map<string, Known>()

  constructor(host: PlacementHost, logger: Logger) {
    this.#host = host
    this.#logger = logger
  }

  /** Where a version belongs, by its proving run and by what is known of its runs. */
  readonly place: PlaceVersion = (version, memoryBytes, asked) => {
    const { runUsByRows, batching, session } = version
    const gpus = gpusOf(session)
    const figures = { runUsByRows, rowsMax: batching.rowsMax, memoryBytes, gpus }
    const [name, key] = [nameOf(version), keyOf(version)]
    let known = this.#known.get(name)
    if (known?.key !== key) known = { key, figures, asked, live: null, review: null }
    Object.assign(known, { figures, asked })
    this.#known.set(name, known)
    return placeVersion(figures, asked, this.#host, known.live)
  }

  /**
   * Looks at the runs of what serves, by its counter slots. Returns whether some version belongs
   * elsewhere now.
   */
  look(
    versions: readonly PlannedVersion[],
    slots: ReadonlyMap<string, Float64Array>,
    nowMs: number,
  ): boolean {
    const totals = runsByVersion(slots)
    let hasMoved = false
    for (const planned of versions) {
      const known = this.#known.get(nameOf(planned))
      if (known === undefined || known.key !== keyOf(planned)) continue
      if (this.#review(planned, known, totals.get(nameOf(planned)) ?? NO_RUNS, nowMs)) {
        hasMoved = true
      }
    }
    return hasMoved
  }

  #review(planned: PlannedVersion, known: Known, totals: LiveRuns, nowMs: number): boolean {
    const { figures, asked } = known
    if (asked.wish !== 'auto') return false
    const before = known.review ?? beginReview(totals, nowMs)
    const { kind } = planned.placement
    const { review, live } = reviewPlacement(before, kind, figures, totals, nowMs)
    known.review = review
    if (live === null) return false
    const placement = placeVersion(figures, asked, this.#host, live)
    if (placement.kind === kind) return false
    known.live = live
    const { model, version } = planned
    const event = { event: 'placement_changed', model, version, ...live }
    this.#logger.info({ ...event, reason: placement.reason }, 'a version is placed anew')
    return true
  }
}
