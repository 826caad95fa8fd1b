/** What replicas could not prepare: it is in no plan until it is read again, or tried again. */

import { loadKey, type PlannedVersion } from '../../shared/epoch-plan.ts'

export class Barred {
  readonly #byKey = new Map<string, PlannedVersion>()

  get size(): number {
    return this.#byKey.size
  }

  /** `key`: of `loadKey`. */
  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  add(planned: PlannedVersion): void {
    this.#byKey.set(loadKey(planned), planned)
  }

  /** This load of it alone. */
  lift(planned: PlannedVersion): void {
    this.#byKey.delete(loadKey(planned))
  }

  /**
   * All loads of a model, or of one version of it: not only of what is sound at the moment, because
   * once it is proved again it is the same load as before.
   */
  liftAll(name: string, number?: number): void {
    for (const [key, { model, version }] of this.#byKey) {
      if (model === name && version === (number ?? version)) this.#byKey.delete(key)
    }
  }

  clear(): void {
    this.#byKey.clear()
  }
}
