/**
 * Which models are to be loaded at all. In the modes `none` and `poll` all are; in the explicit
 * mode those that the config names and clients have asked for since, less those that they have
 * asked to unload. What was asked for outlives control, in its state folder.
 */

import type { RetryPolicy } from './load-retries.ts'
import type { Requests } from './stored-requests.ts'

/** From sluice.yaml; may be replaced by a reload. */
export interface ModelControlSettings {
  readonly mode: 'none' | 'poll' | 'explicit'
  readonly pollMs: number
  /** Loaded at start in the explicit mode; `*`: all. */
  readonly loadModels: readonly string[]
  readonly retries: RetryPolicy
}

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

  /**
   * From now on the model is wanted, or not.
   *
   * @throws GatewayError STATE_UNWRITABLE: it counts all the same, but not after the next start
   */
  ask(model: string, isWanted: boolean): void {
    const others = (names: readonly string[]) => names.filter((name) => name !== model)
    const [loaded, unloaded] = [others(this.#requests.loaded), others(this.#requests.unloaded)]
    this.#requests = isWanted
      ? { loaded: [...loaded, model], unloaded }
      : { loaded, unloaded: [...unloaded, model] }
    this.#store.write(this.#requests)
  }
}
