/** How long a replica that died waits for its successor. Pure. */

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
