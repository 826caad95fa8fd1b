/** How many rows a run should have at most. Pure. */

/** [rows, microseconds of the run], by rising rows. */
type Runs = readonly (readonly [rows: number, us: number])[]

/** A size whose cost per row is within this of the best counts as good: smaller is fairer. */
const TOLERANCE = 1.1

const lowestCost = (runs: Runs): number =>
  Math.min(Number.POSITIVE_INFINITY, ...runs.map(([rows, us]) => us / rows))

/**
 * The smallest measured size at which the cost per row has stopped falling (within 10 % of the
 * lowest). 1 when nothing was measured.
 */
export const batchCap = (runs: Runs): number => {
  const best = lowestCost(runs)
  return runs.find(([rows, us]) => us / rows <= best * TOLERANCE)?.[0] ?? 1
}

/** Whether the last two sizes brought less than 10 %: still larger ones will not bring more. */
export const hasSettled = (runs: Runs): boolean =>
  runs.length > 2 && lowestCost(runs.slice(0, -2)) <= lowestCost(runs.slice(-2)) * TOLERANCE
