/**
 * Blocks of shared memory for pools, used again: no garbage collector sees how large they are, so
 * that one lies about for long when all threads have let go of it. A block is given out again when
 * the last thread that could write into it has said that it will not.
 */

/** Blocks kept for the next version; others are left to the collector. */
const SPARE_MAX = 2

export class PoolBlocks {
  readonly #spare: SharedArrayBuffer[] = []
  /** Blocks that some threads have not let go of. */
  readonly #leaving = new Map<number, { block: SharedArrayBuffer; readonly threads: Set<number> }>()

  /** A block of at least so many bytes, and at most twice as many. It may hold what once was. */
  take(bytes: number): SharedArrayBuffer {
    const fitting = this.#spare
      .filter(({ byteLength }) => byteLength >= bytes && byteLength <= bytes * 2)
      .sort((a, b) => a.byteLength - b.byteLength)[0]
    if (fitting === undefined) return new SharedArrayBuffer(bytes)
    this.#spare.splice(this.#spare.indexOf(fitting), 1)
    return fitting
  }

  /** The pool has gone, but for these threads, which have still to say so. */
  leave(pool: number, block: SharedArrayBuffer, threads: readonly number[]): void {
    this.#leaving.set(pool, { block, threads: new Set(threads) })
    this.#settle(pool)
  }

  /** A thread has let go of a pool. */
  left(pool: number, thread: number): void {
    this.#leaving.get(pool)?.threads.delete(thread)
    this.#settle(pool)
  }

  /** A thread has ended. */
  ended(thread: number): void {
    for (const pool of [...this.#leaving.keys()]) this.left(pool, thread)
  }

  #settle(pool: number): void {
    const leaving = this.#leaving.get(pool)
    if (leaving === undefined || leaving.threads.size > 0) return
    this.#leaving.delete(pool)
    if (this.#spare.length < SPARE_MAX) this.#spare.push(leaving.block)
  }
}
