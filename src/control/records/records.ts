/** Control's part in records: what endpoints want of them, and what is to be said of them. */

import type { SluiceConfig } from '../../config/config.ts'
import type { RecordPolicies } from '../../shared/record-policy.ts'

export class Records {
  #policies: RecordPolicies

  constructor({ policies }: SluiceConfig['records']) {
    this.#policies = policies
  }

  /** What is written down of each endpoint from the next epoch on. */
  get policies(): RecordPolicies {
    return this.#policies
  }

  /** Of the config that was read again: what can change while this runs. */
  reload({ policies }: SluiceConfig['records']): void {
    this.#policies = policies
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    return []
  }
}
