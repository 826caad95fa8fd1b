/** What is to be said of a plan that was made: each thing once, until it has gone. */

import type { PrepareFailure } from '../../shared/epoch-plan.ts'
import type { Logger } from '../../shared/logger.ts'
import type { RecordPolicies } from '../../shared/record-policy.ts'
import { versionName } from './planned-version.ts'
import type { PlanResult } from './planner.ts'

export interface PlanFaultsParts {
  readonly logger: Logger
  readonly records: {
    readonly policies: RecordPolicies
    /** How many rules for records fit nothing. */
    onUnmatched(rules: number): void
  }
}

export class PlanFaults {
  readonly #parts: PlanFaultsParts
  #unknownDefault: string | null = null
  #unbound: readonly PrepareFailure[] = []
  #unfit: readonly string[] = []

  constructor(parts: PlanFaultsParts) {
    this.#parts = parts
  }

  /** Versions that cannot keep the contract of their endpoint. */
  get unbound(): readonly PrepareFailure[] {
    return this.#unbound
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    return [...(this.#unknownDefault === null ? [] : [this.#unknownDefault]), ...this.#unfit]
  }

  /** `wanted`: the default endpoint that the config names. */
  take({ body, unbound, unfit }: PlanResult, wanted: string | null): void {
    const { logger, records } = this.#parts
    const isUnknown = wanted !== null && body.defaultEndpoint === null
    const fault = isUnknown ? `default_endpoint '${wanted}' names no endpoint` : null
    if (fault !== null && fault !== this.#unknownDefault) {
      logger.warn({ event: 'default_endpoint_unknown' }, fault)
    }
    this.#unknownDefault = fault
    for (const { endpoint, name, detail } of unfit) {
      if (this.#unfit.includes(detail)) continue
      logger.error({ event: 'records_policy_unmatched', endpoint, name, detail }, detail)
    }
    records.onUnmatched(unfit.length)
    this.#unfit = unfit.map(({ detail }) => detail)
    const known = new Set(this.#unbound.map(versionName))
    this.#unbound = unbound
    for (const failure of unbound) {
      if (known.has(versionName(failure))) continue
      logger.error({ event: 'version_failed', ...failure }, 'a version cannot serve')
    }
  }
}
