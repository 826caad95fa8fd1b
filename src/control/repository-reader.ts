/** The repository as it was last read, and what is to be said about that. */

import type { RepositoryScan } from '../registry/folder.ts'
import { GatewayError, type Refusal } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { foreignError } from './log-fields.ts'

export class RepositoryReader {
  readonly #scan: () => RepositoryScan
  readonly #logger: Logger
  #last: RepositoryScan | null = null
  #fault: Refusal | null = null

  /** `scan` throws GatewayError REPOSITORY_UNREADABLE. */
  constructor(scan: () => RepositoryScan, logger: Logger) {
    this.#scan = scan
    this.#logger = logger
  }

  /** Why the last reading failed; null when it did not. */
  get fault(): Refusal | null {
    return this.#fault
  }

  /** Reads it now; null when it cannot be read, which is logged. */
  read(): RepositoryScan | null {
    try {
      this.#last = this.#scan()
      this.#fault = null
      return this.#last
    } catch (thrown) {
      const { code, message } = GatewayError.from(thrown)
      this.#fault = { code, detail: message }
      const event = { event: 'repository_unreadable', code, ...foreignError(thrown) }
      this.#logger.error(event, message)
      return null
    }
  }

  /** Sentences for the operator. */
  warnings(): string[] {
    const { models = null, faults = [] } = this.#last ?? {}
    const fault = this.#fault
    return [
      ...(fault === null ? [] : [`${fault.detail}; what was served before is served on`]),
      ...faults.map(({ detail }) => detail),
      ...(models?.length === 0 ? ['The model repository holds no model'] : []),
    ]
  }
}
