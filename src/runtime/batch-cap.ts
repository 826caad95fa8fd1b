/** How many rows a run should have at most. Pure. */

/** A size whose cost per row is within this of the best counts as good: smaller is fairer. */
const TOLERANCE = 1.1

/**
 * The smallest measured size at which the cost per row has stopped falling (within 10 % of the
 * lowest). `runs`: [rows, microseconds of the run], by rising rows. 1 when nothing was measured.
 */
export const batchCap = (runs: readonly (readonly [rows: number, us: number])[]): number => {
  let best = Number.POSITIVE_INFINITY
  for (const [rows, us] of runs) best = Math.min(best, us / rows)
  return runs.find(([rows, us]) => us / rows <= best * TOLERANCE)?.[0] ?? 1
}
