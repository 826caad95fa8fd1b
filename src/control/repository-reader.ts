/** The repository as it was last read, and what is to be said about that. */

import type { RepositoryFault, RepositoryScan } from '../registry/folder.ts'
import { GatewayError, type Refusal } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import { foreignError } from './log-fields.ts'

/** A fault and whose it is; '' for those of the repository itself. */
interface OwnedFault {
  readonly model: string
  readonly fault: RepositoryFault
}

const faultsOf = ({ models, faults }: RepositoryScan): OwnedFault[] => [
  ...faults.map((fault) => ({ model: '', fault })),
  ...models.flatMap(({ name, faults: own }) => own.map((fault) => ({ model: name, fault }))),
]

const nameOf = ({ model, fault }: OwnedFault): string =>
  JSON.stringify([model, fault.code, fault.file, fault.detail])

export class RepositoryReader {
  readonly #scan: () => RepositoryScan
  readonly #logger: Logger
  #last: RepositoryScan | null = null
  #fault: Refusal | null = null
  /** Faults that have been logged and are still there. */
  #logged: ReadonlySet<string> = new Set()

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
      this.#log(faultsOf(this.#last))
      return this.#last
    } catch (thrown) {
      const { code, message } = GatewayError.from(thrown)
      this.#fault = { code, detail: message }
      const event = { event: 'repository_unreadable', code, ...foreignError(thrown) }
      this.#logger.error(event, message)
      return null
    }
  }

  /** Each fault once, until it has gone. */
  #log(found: readonly OwnedFault[]): void {
    for (const owned of found) {
      if (this.#logged.has(nameOf(owned))) continue
      const { model, fault } = owned
      const { code, file = '' } = fault
      this.#logger.warn({ event: 'repository_fault', model, code, file }, fault.detail)
    }
    this.#logged = new Set(found.map(nameOf))
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
