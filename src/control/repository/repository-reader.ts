/**
 * The repository as it was last read, and what is to be said about that; whole, or model by model.
 * Holds back what is still being written, and knows when to look at it again.
 */

import type { ModelStamp } from '../../registry/file-stamps.ts'
import type { RepositoryFault, RepositoryScan, ScannedModel } from '../../registry/folder.ts'
import type { Clock } from '../../shared/clock.ts'
import { GatewayError, type Refusal } from '../../shared/errors.ts'
import { isModelName } from '../../shared/ids.ts'
import type { Logger } from '../../shared/logger.ts'
import { foreignError } from '../log-fields.ts'
import { failedAttempt, type RetryPolicy } from '../planning/load-retries.ts'
import { type RestlessParts, restlessParts, SETTLE_MS, withoutRestless } from './settling.ts'

/** The folder. All throw GatewayError REPOSITORY_UNREADABLE when it cannot be read at all. */
export interface Repository {
  scan(): RepositoryScan
  /** null: it is not there. */
  scanModel(name: string): ScannedModel | null
  stamps(): ReadonlyMap<string, ModelStamp>
  stampModel(name: string): ModelStamp
}

export interface ReaderSources {
  readonly repository: Repository
  readonly clock: Clock
  readonly logger: Logger
  retries(): RetryPolicy
}

/** A fault and whose it is; '' for those of the repository itself. */
interface OwnedFault {
  readonly model: string
  readonly fault: RepositoryFault
}

/** When a model is looked at again by itself, and what the last look saw of it. */
interface NextLook {
  /** Monotonic milliseconds. */
  readonly atMs: number
  readonly parts: RestlessParts
  /** Looks in a row that could not read it. */
  readonly tries: number
}

const NEVER = Number.POSITIVE_INFINITY
const AT_REST: RestlessParts = new Map()

const faultsOf = ({ models, faults }: RepositoryScan): OwnedFault[] => [
  ...faults.map((fault) => ({ model: '', fault })),
  ...models.flatMap(({ name, faults: own }) => own.map((fault) => ({ model: name, fault }))),
]

const nameOf = ({ model, fault }: OwnedFault): string =>
  JSON.stringify([model, fault.code, fault.file, fault.detail])

const textOf = ({ settings, versions }: ModelStamp): string =>
  JSON.stringify([settings.text, ...[...versions].map(([number, { text }]) => [number, text])])

const isUnreadable = ({ faults, versions }: ScannedModel): boolean =>
  [...faults, ...versions.map(({ fault }) => fault)].some(
    (fault) => fault?.code === 'REPOSITORY_UNREADABLE',
  )

export class RepositoryReader {
  readonly #sources: ReaderSources
  #last: RepositoryScan | null = null
  #fault: Refusal | null = null
  /** Readings in a row that failed, and when the next one is due by itself. */
  #failures = { tries: 0, atMs: NEVER }
  readonly #looks = new Map<string, NextLook>()
  /** What was last read, by model: stamps. */
  readonly #seen = new Map<string, string>()
  /** Faults that have been logged and are still there. */
  #logged: ReadonlySet<string> = new Set()

  constructor(sources: ReaderSources) {
    this.#sources = sources
  }

  /** Why the last reading failed; null when it did not. */
  get fault(): Refusal | null {
    return this.#fault
  }

  /** When all of it is to be read again, because the last reading failed. Monotonic. */
  get readAtMs(): number {
    return this.#failures.atMs
  }

  /** When some model is to be looked at again. Monotonic milliseconds. */
  get lookAtMs(): number {
    return Math.min(NEVER, ...[...this.#looks.values()].map(({ atMs }) => atMs))
  }

  /** Whether something is still being written that will be looked at again. */
  get isRestless(): boolean {
    return [...this.#looks.values()].some(({ parts }) => parts.size > 0)
  }

  /** Models that are to be looked at by now. */
  due(nowMs: number): string[] {
    return [...this.#looks].filter(([, { atMs }]) => atMs <= nowMs).map(([name]) => name)
  }

  /** Files of a model have changed while they were read: it is looked at again a little later. */
  lookLater(name: string): void {
    const { parts = AT_REST, tries = 0 } = this.#looks.get(name) ?? {}
    const atMs = this.#sources.clock.monotonic() + SETTLE_MS
    this.#looks.set(name, { atMs, parts, tries })
  }

  /** Reads all of it now; null when it cannot be read, which is logged. */
  read(): RepositoryScan | null {
    const { repository } = this.#sources
    return this.#try(() => {
      const before = repository.stamps()
      const scan = repository.scan()
      const after = repository.stamps()
      const names = new Set(scan.models.map(({ name }) => name))
      for (const name of this.#looks.keys()) if (!names.has(name)) this.#looks.delete(name)
      this.#seen.clear()
      for (const [name, stamp] of before) this.#seen.set(name, textOf(stamp))
      const models = scan.models.map((model) =>
        this.#settle(model, before.get(model.name), after.get(model.name)),
      )
      return this.#keep({ ...scan, models })
    })
  }

  /**
   * Reads one model now. Its absence is a reading too.
   *
   * @returns undefined when the repository cannot be read, which is logged
   */
  readModel(name: string): ScannedModel | null | undefined {
    const { repository } = this.#sources
    const read = this.#try(() => {
      const before = repository.stampModel(name)
      const scanned = repository.scanModel(name)
      const { models = [], faults = [] } = this.#last ?? {}
      const others = models.filter((model) => model.name !== name)
      if (scanned === null) {
        this.#looks.delete(name)
        this.#seen.delete(name)
        this.#keep({ models: others, faults })
        return { model: null }
      }
      this.#seen.set(name, textOf(before))
      const model = this.#settle(scanned, before, repository.stampModel(name))
      this.#keep({ models: [...others, model], faults })
      return { model }
    })
    if (read === null && this.#looks.has(name)) this.lookLater(name)
    return read === null ? undefined : read.model
  }

  /**
   * Models that have come, gone or changed since they were last read; null when something else has,
   * so that all is to be read. None when the repository cannot be read.
   */
  changed(): string[] | null {
    const found = this.#try(() => this.#sources.repository.stamps())
    if (found === null) return []
    const names = new Set([...found.keys(), ...this.#seen.keys()])
    const changed = [...names].filter((name) => {
      const stamp = found.get(name)
      return this.#seen.get(name) !== (stamp === undefined ? undefined : textOf(stamp))
    })
    return changed.every(isModelName) ? changed : null
  }

  #try<T>(read: () => T): T | null {
    const { clock, logger, retries } = this.#sources
    try {
      const result = read()
      this.#fault = null
      this.#failures = { tries: 0, atMs: NEVER }
      return result
    } catch (thrown) {
      const { code, message } = GatewayError.from(thrown)
      const isNews = this.#fault?.detail !== message
      this.#fault = { code, detail: message }
      const { tries } = this.#failures
      const { retryAtMs } = failedAttempt(code, tries, retries(), clock.monotonic())
      this.#failures = { tries: tries + 1, atMs: retryAtMs ?? NEVER }
      const event = { event: 'repository_unreadable', code, ...foreignError(thrown) }
      if (isNews) logger.error(event, message)
      return null
    }
  }

  /** What of a model counts now, and when to look at the rest. */
  #settle(
    model: ScannedModel,
    before: ModelStamp | undefined,
    after: ModelStamp | undefined,
  ): ScannedModel {
    const { clock, retries } = this.#sources
    const monotonicMs = clock.monotonic()
    const known = this.#looks.get(model.name)
    this.#looks.delete(model.name)
    if (before === undefined || after === undefined) {
      this.#looks.set(model.name, { atMs: monotonicMs + SETTLE_MS, parts: AT_REST, tries: 0 })
      return model
    }
    const look = { before, after, nowMs: clock.now(), monotonicMs, known: known?.parts ?? AT_REST }
    const { parts, waitMs } = restlessParts(look)
    if (parts.size > 0) {
      this.#looks.set(model.name, { atMs: monotonicMs + waitMs, parts, tries: 0 })
    } else if (isUnreadable(model)) {
      const tries = known?.tries ?? 0
      const attempt = failedAttempt('REPOSITORY_UNREADABLE', tries, retries(), monotonicMs)
      const atMs = attempt.retryAtMs ?? NEVER
      this.#looks.set(model.name, { atMs, parts, tries: attempt.tries })
    }
    return withoutRestless(model, parts, before)
  }

  #keep(scan: RepositoryScan): RepositoryScan {
    this.#last = scan
    const found = faultsOf(scan)
    // Each fault once, until it has gone.
    for (const owned of found) {
      if (this.#logged.has(nameOf(owned))) continue
      const { model, fault } = owned
      const { code, file = '' } = fault
      this.#sources.logger.warn({ event: 'repository_fault', model, code, file }, fault.detail)
    }
    this.#logged = new Set(found.map(nameOf))
    return scan
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
