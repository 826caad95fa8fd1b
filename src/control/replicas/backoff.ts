/** How long a replica that died waits for its successor. */

const FIRST_MS = 100
const LONGEST_MS = 30_000
/** Connected for this long, a replica counts as healthy and earlier deaths are forgotten. */
const HEALTHY_MS = 60_000

/** Deaths in a row, after one more that followed `healthyMs` of connected life. */
export const countDeath = (deaths: number, healthyMs: number): number =>
  healthyMs >= HEALTHY_MS ? 1 : deaths + 1

/** Milliseconds from the last of `deaths` in a row to the next start: 100 doubling to 30,000. */
export const restartDelayMs = (deaths: number): number =>
  deaths === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (deaths - 1))

/** When the next process of one place may start. */
export class Backoff {
  #deaths = 0
  /** Monotonic milliseconds. */
  startAtMs = 0

  /** A process has ended, or must, after `healthyMs` of connected life. */
  noteEnd(isPlanned: boolean, healthyMs: number, nowMs: number): void {
    if (!isPlanned) this.#deaths = countDeath(this.#deaths, healthyMs)
    this.startAtMs = isPlanned ? nowMs : nowMs + restartDelayMs(this.#deaths)
  }
}
