/**
 * What clients ask of the repository in the explicit mode: to load a model, which is answered once
 * all replicas serve it or it is known that they will not; and to unload one, which is answered
 * once it takes no more requests. A client that goes away calls nothing off.
 */

import type { Clock } from '../../shared/clock.ts'
import { delay } from '../../shared/clock.ts'
import { GatewayError, type Refusal, refuse } from '../../shared/errors.ts'
import { isModelName } from '../../shared/ids.ts'
import type { Logger } from '../../shared/logger.ts'
import type { Catalog } from '../planning/catalog.ts'
import type { Planning } from '../planning/planning.ts'
import type { Publisher } from '../planning/publisher.ts'
import { type LoadFacts, type LoadOutcome, loadOutcome } from './load-outcome.ts'
import type { ModelControl, Wish } from './model-control.ts'

/** A little less than a replica waits for the answer (`LOAD_MS_MAX` of `server/agent-calls.ts`). */
const LOAD_MS_MAX = 595_000
const UNLOAD_MS_MAX = 10_000
/** How long a load waits for files that are still being written. */
const SETTLING_MS_MAX = 30_000

export interface LoadParts {
  readonly control: ModelControl
  readonly catalog: Catalog
  readonly publisher: Publisher
  readonly planning: Pick<Planning, 'look' | 'onChanged' | 'unbound' | 'isPlanDue' | 'unreadable'>
  readonly clock: Clock
  readonly logger: Logger
  /** Resolves when a condition holds, which is looked at whenever planning has done something. */
  when(condition: () => boolean): Promise<void>
  isDraining(): boolean
  /** Versions of the model that were poison may be loaded again. Throws STATE_UNWRITABLE. */
  forgive(model: string): void
}

const DONE = ''

export class ModelLoads {
  readonly #parts: LoadParts
  /** Unloads that were asked for, by model: a load that finds one more was overtaken. */
  readonly #unloads = new Map<string, number>()
  /** By model that is being loaded: what clients wanted of it before. */
  readonly #before = new Map<string, Wish>()

  constructor(parts: LoadParts) {
    this.#parts = parts
  }

  /** '' once the model serves, or LOAD_FAILED in Triton's words: what served before serves on. */
  async load(model: string): Promise<string | Refusal> {
    const { control, planning, clock, logger, forgive } = this.#parts
    const refusal = this.#refusal()
    if (refusal !== null) return refusal
    if (!isModelName(model)) return failed('load', model, NOT_FOUND)
    const unloads = this.#unloads.get(model)
    const before = control.wishFor(model)
    logger.info({ event: 'model_load', model }, 'a client asks for a model')
    try {
      forgive(model)
      if (before !== 'load') control.ask(model, 'load')
    } catch (thrown) {
      return failed('load', model, GatewayError.from(thrown).message)
    }
    // Of loads that overlap the first one knows.
    if (!this.#before.has(model)) this.#before.set(model, before)
    let isRead = false
    void planning.look(model).then(() => {
      isRead = true
    })
    const startedMs = clock.monotonic()
    const outcome = await this.#until(LOAD_MS_MAX, () => {
      if (!isRead) return null
      if (this.#unloads.get(model) !== unloads) return ['it was asked to unload meanwhile']
      const found = this.#outcome(model)
      if (found === 'loading') return null
      const isLate = clock.monotonic() - startedMs > SETTLING_MS_MAX
      if (found === 'settling') return isLate ? ['its files are still being written'] : null
      return found === 'loaded' ? [] : found
    })
    const isEnding = this.#parts.isDraining()
    const why = outcome ?? [isEnding ? 'Sluice is shutting down' : 'it takes too long; it goes on']
    if (this.#unloads.get(model) === unloads) {
      const hasFailed = outcome !== null && outcome.length > 0
      if (hasFailed && !this.#isPlanned(model)) this.#withdraw(model)
      this.#before.delete(model)
    }
    return why.length === 0 ? DONE : failed('load', model, why.join('; '))
  }

  /** '' once the model takes no more requests; those under way are answered. */
  async unload(model: string): Promise<string | Refusal> {
    const { control, catalog, planning, logger } = this.#parts
    const refusal = this.#refusal()
    if (refusal !== null) return refusal
    if (!catalog.models.has(model)) return failed('unload', model, NOT_FOUND)
    logger.info({ event: 'model_unload', model }, 'a client lets go of a model')
    try {
      control.ask(model, 'unload')
    } catch (thrown) {
      return failed('unload', model, GatewayError.from(thrown).message)
    }
    this.#unloads.set(model, (this.#unloads.get(model) ?? 0) + 1)
    this.#before.delete(model)
    catalog.release(model)
    planning.onChanged()
    const done = await this.#until(UNLOAD_MS_MAX, () =>
      control.isWanted(model) || !this.#isPlanned(model) ? DONE : null,
    )
    return done ?? failed('unload', model, 'it still serves; it goes on')
  }

  #refusal(): Refusal | null {
    const { mode } = this.#parts.control.settings
    if (mode === 'explicit') return null
    const why = `model_control_mode is '${mode}'`
    return refuse('FORBIDDEN', `explicit model load / unload is not allowed: ${why}`)
  }

  /**
   * A load that failed leaves the model as it was before. If it was not wanted, it must not keep
   * the gateway from being ready.
   */
  #withdraw(model: string): void {
    const { control, catalog, planning, logger } = this.#parts
    const before = this.#before.get(model)
    // Another load that failed with this one has done it.
    if (before === undefined) return
    try {
      control.restore(model, before)
    } catch (thrown) {
      const { code, message } = GatewayError.from(thrown)
      logger.error({ event: 'request_not_stored', code, model }, message)
    }
    if (control.isWanted(model)) return
    catalog.abandon(model)
    planning.onChanged()
  }

  #isPlanned(model: string): boolean {
    const { plan, replicas } = this.#parts.publisher
    const { publisher } = this.#parts
    const plans = [plan, ...replicas.map((replica) => publisher.servedBy(replica))]
    return plans.some((each) => each?.versions.some((version) => version.model === model))
  }

  #outcome(name: string): LoadOutcome {
    const { catalog, planning, publisher, control } = this.#parts
    const { unreadable } = planning
    if (unreadable !== null) return [unreadable.detail]
    const model = catalog.models.get(name)
    if (model === undefined) return [NOT_FOUND]
    if (!control.isWanted(name) || !model.isWanted) return ['it was asked to unload meanwhile']
    const { replicas, plan } = publisher
    const facts: LoadFacts = {
      planned: plan?.versions ?? [],
      isEverywhere: (planned) =>
        replicas.length > 0 && replicas.every((replica) => publisher.isLoadedIn(replica, planned)),
      unbound: planning.unbound,
      isPlanDue: planning.isPlanDue,
    }
    return loadOutcome(model, facts)
  }

  /** What `look` finds, as soon as that is not null; null after `limitMs`. */
  async #until<T>(limitMs: number, look: () => T | null): Promise<T | null> {
    const { clock, when, isDraining } = this.#parts
    let found: T | null = null
    let isOver = false
    const met = when(() => {
      found = look()
      return found !== null || isOver || isDraining()
    })
    await Promise.race([met, delay(clock, limitMs)])
    isOver = true
    return found
  }
}

const NOT_FOUND = 'failed to poll from model repository'

const failed = (what: 'load' | 'unload', model: string, why: string): Refusal =>
  refuse('LOAD_FAILED', `failed to ${what} '${model}', ${why}`)
