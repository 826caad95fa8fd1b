/**
 * Which models are to be loaded at all. In the modes `none` and `poll` all are; in the explicit
 * mode those that the config names and clients have asked for since, less those that they have
 * asked to unload. What was asked for outlives control, in its state folder.
 */

import type { RetryPolicy } from '../planning/load-retries.ts'
import type { Requests } from '../state/stored-requests.ts'

/** From sluice.yaml; may be replaced by a reload. */
export interface ModelControlSettings {
  readonly mode: 'none' | 'poll' | 'explicit'
  readonly pollMs: number
  /** Loaded at start in the explicit mode; `*`: all. */
  readonly loadModels: readonly string[]
  readonly retries: RetryPolicy
}

/** Null: nobody has asked, and the config decides. */
export type Wish = 'load' | 'unload' | null

export interface RequestStore {
  /** Throws GatewayError STATE_UNWRITABLE. */
  write(requests: Requests): void
}

export class ModelControl {
  settings: ModelControlSettings
  readonly #store: RequestStore
  #requests: Requests

  /** `requests`: what was asked for under an earlier control. */
  constructor(settings: ModelControlSettings, requests: Requests, store: RequestStore) {
    this.settings = settings
    this.#requests = requests
    this.#store = store
  }

  readonly isWanted = (model: string): boolean => {
    const { mode, loadModels } = this.settings
    if (mode !== 'explicit') return true
    const { loaded, unloaded } = this.#requests
    if (loaded.includes(model)) return true
    return !unloaded.includes(model) && ['*', model].some((name) => loadModels.includes(name))
  }

  /** What clients have asked of a model last. */
  wishFor(model: string): Wish {
    const { loaded, unloaded } = this.#requests
    return loaded.includes(model) ? 'load' : unloaded.includes(model) ? 'unload' : null
  }

  /**
   * From now on clients want this of a model.
   *
   * @throws GatewayError STATE_UNWRITABLE: nothing has changed
   */
  ask(model: string, wish: Wish): void {
    const asked = this.#withWish(model, wish)
    this.#store.write(asked)
    this.#requests = asked
  }

  /**
   * The wish from before a request counts again.
   *
   * @throws GatewayError STATE_UNWRITABLE: it counts all the same, but not after the next start
   */
  restore(model: string, wish: Wish): void {
    this.#requests = this.#withWish(model, wish)
    this.#store.write(this.#requests)
  }

  #withWish(model: string, wish: Wish): Requests {
    const others = (names: readonly string[]) => names.filter((name) => name !== model)
    return {
      loaded: [...others(this.#requests.loaded), ...(wish === 'load' ? [model] : [])],
      unloaded: [...others(this.#requests.unloaded), ...(wish === 'unload' ? [model] : [])],
    }
  }
}
