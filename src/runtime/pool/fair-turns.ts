/**
 * Turns of a compute thread, shared out fairly among its versions by the time that they take: of
 * those that want one, the version whose turns have taken least has the next. A version that comes
 * back after a pause is put on a level with the others: it has no claim to what it did not use.
 *
 * One turn to a turn of the event loop, so that messages are heard in between.
 */

import type { Turns } from '../batcher-policy.ts'

export class FairTurns {
  readonly #turns: Turns
  readonly #onIdle: () => void
  readonly #due = new Set<Tenant>()
  #isDue = false
  /** Time of the tenant that had the last turn. */
  #levelMs = 0

  /** `onIdle`: nobody wants a turn any more. */
  constructor(turns: Turns, onIdle: () => void) {
    this.#turns = turns
    this.#onIdle = onIdle
  }

  /** `takeTurn` is called when it is its turn, once for any number of `want`. */
  tenant(takeTurn: () => void): Tenant {
    return new Tenant(takeTurn, (tenant) => this.#want(tenant))
  }

  /** Nobody wants a turn. */
  get isIdle(): boolean {
    return this.#due.size === 0
  }

  /** It gets no turn any more. */
  evict(tenant: Tenant): void {
    this.#due.delete(tenant)
  }

  #want(tenant: Tenant): void {
    if (this.#due.has(tenant)) return
    tenant.usedMs = Math.max(tenant.usedMs, this.#levelMs)
    this.#due.add(tenant)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isDue) return
    this.#isDue = true
    this.#turns.soon(this.#onTurn)
  }

  readonly #onTurn = (): void => {
    this.#isDue = false
    const next = this.#next()
    if (next !== null) {
      this.#due.delete(next)
      this.#levelMs = next.usedMs
      const startedMs = this.#turns.monotonic()
      next.takeTurn()
      next.usedMs += this.#turns.monotonic() - startedMs
    }
    if (this.#due.size > 0) this.#schedule()
    else this.#onIdle()
  }

  #next(): Tenant | null {
    let next: Tenant | null = null
    for (const tenant of this.#due) {
      if (next === null || tenant.usedMs < next.usedMs) next = tenant
    }
    return next
  }
}

export class Tenant {
  readonly takeTurn: () => void
  readonly #want: (tenant: Tenant) => void
  /** Milliseconds of its turns, and what it let pass. */
  usedMs = 0

  constructor(takeTurn: () => void, want: (tenant: Tenant) => void) {
    this.takeTurn = takeTurn
    this.#want = want
  }

  want(): void {
    this.#want(this)
  }
}
