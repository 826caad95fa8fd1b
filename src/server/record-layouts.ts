/**
 * The layouts of a replica's records, by number: the agent gives them out, the spool thread is told
 * them, data threads write the number into every entry.
 */

import { layoutOf, type RecordLayout } from '../records/record-layout.ts'
import { type WritePlan, writePlanOf } from '../records/write-plan.ts'
import type { EpochPlan, PlannedEndpoint, PlannedVersion } from '../shared/epoch-plan.ts'
import { type EndpointRecordPolicy, UNRECORDED } from '../shared/record-policy.ts'
import { variantName } from '../shared/slot-keys.ts'

/** A request on an epoch that named a layout last so long ago has ended. */
const FORGET_AFTER_MS = 3_600_000

/**
 * Which layout is meant, within a plan. `version`: 0 for refusals before one is chosen, and for
 * feedback.
 */
export const layoutKey = (endpoint: string, version: number): string => `${version} ${endpoint}`

type Layout = Omit<RecordLayout, 'id'>

/** `planned`: null for refusals before a version is chosen, and for feedback. */
const layoutAt = (
  endpoint: PlannedEndpoint,
  planned: PlannedVersion | null,
  policy: EndpointRecordPolicy,
): Layout => {
  const variant = planned === null ? null : variantName(endpoint.variants, planned.version)
  return layoutOf(endpoint, variant, planned, policy)
}

/** The numbers of a plan's layouts, for its data threads. */
export interface LayoutNumbers {
  /** By `layoutKey`; what is not there is not written down. */
  readonly ids: Readonly<Record<string, number>>
  /** Of the key that this replica has; null: none. */
  readonly hmacKeyId: string | null
}

/** Nothing is written down. */
export const NO_LAYOUTS: LayoutNumbers = { ids: {}, hmacKeyId: null }

/** What feedback belongs to that names no endpoint. */
export const noEndpoint = ({ records = UNRECORDED }: EpochPlan): PlannedEndpoint => ({
  ...{ name: '', model: '', revision: 0, contract: { features: [], tensors: [] }, salt: '' },
  ...{ variants: [], bucketRuns: [], records },
})

/**
 * How a data thread writes down what a layout is for; null: it does not. It keeps what the layout
 * that the spool thread has keeps.
 */
export const writePlanAt = (
  { ids, hmacKeyId }: LayoutNumbers,
  endpoint: PlannedEndpoint,
  planned: PlannedVersion | null,
): WritePlan | null => {
  const id = ids[layoutKey(endpoint.name, planned?.version ?? 0)]
  return id === undefined
    ? null
    : writePlanOf({ id, ...layoutAt(endpoint, planned, { ...endpoint.records, hmacKeyId }) })
}

export interface AssignedLayouts {
  readonly numbers: LayoutNumbers
  /** Those that were not known before. */
  readonly fresh: readonly RecordLayout[]
  /** Ids that are given up. */
  readonly dropped: readonly number[]
}

interface Known {
  readonly layout: RecordLayout
  lastNamedMs: number
}

export class RecordLayouts {
  readonly #byText = new Map<string, Known>()
  readonly #hmacKeyId: string | null
  #lastId = 0

  /** `hmacKeyId`: of the key that this replica has; null: none. */
  constructor(hmacKeyId: string | null) {
    this.#hmacKeyId = hmacKeyId
  }

  /** All that entries may name. */
  get all(): readonly RecordLayout[] {
    return [...this.#byText.values()].map(({ layout }) => layout)
  }

  /**
   * Numbers for what a plan needs; what is alike has the number that it had. `served`: the plan
   * that requests are on until then.
   */
  assign(plan: EpochPlan, served: EpochPlan | null, nowMs: number): AssignedLayouts {
    if (served !== null) this.#name(served, nowMs, [])
    const fresh: RecordLayout[] = []
    const ids = this.#name(plan, nowMs, fresh)
    const numbers = { ids, hmacKeyId: this.#hmacKeyId }
    return { numbers, fresh, dropped: this.#forget(nowMs) }
  }

  /** Numbers for a plan; `fresh` gets those that are new. */
  #name(plan: EpochPlan, nowMs: number, fresh: RecordLayout[]): Record<string, number> {
    const ids: Record<string, number> = {}
    for (const endpoint of [...plan.endpoints, noEndpoint(plan)]) {
      const policy = { ...endpoint.records, hmacKeyId: this.#hmacKeyId }
      const versions = plan.versions.filter(({ model }) => model === endpoint.model)
      for (const planned of [null, ...versions]) {
        const layout = layoutAt(endpoint, planned, policy)
        const text = JSON.stringify(layout)
        let known = this.#byText.get(text)
        if (known === undefined) {
          known = { layout: { id: ++this.#lastId, ...layout }, lastNamedMs: nowMs }
          this.#byText.set(text, known)
          fresh.push(known.layout)
        }
        known.lastNamedMs = nowMs
        ids[layoutKey(endpoint.name, planned?.version ?? 0)] = known.layout.id
      }
    }
    return ids
  }

  #forget(nowMs: number): number[] {
    const dropped: number[] = []
    for (const [text, { layout, lastNamedMs }] of this.#byText) {
      if (nowMs - lastNamedMs < FORGET_AFTER_MS) continue
      this.#byText.delete(text)
      dropped.push(layout.id)
    }
    return dropped
  }
}
