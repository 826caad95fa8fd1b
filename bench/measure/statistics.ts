/** The few statistics of the benchmarks. None of them accepts an empty list. */

const sorted = (values: readonly number[]): number[] => {
  if (values.length === 0) throw new RangeError('no values')
  return [...values].sort((a, b) => a - b)
}

export interface Spread {
  readonly median: number
  readonly lowest: number
  readonly highest: number
}

/** Median (the mean of the middle two when there are two) with the range. */
export const spreadOf = (values: readonly number[]): Spread => {
  const all = sorted(values)
  const upper = all[all.length >> 1]!
  const lower = all[(all.length - 1) >> 1]!
  return { median: (lower + upper) / 2, lowest: all[0]!, highest: all.at(-1)! }
}

/** The smallest value that the share `q` of all does not exceed; q in 0 .. 1. */
export const quantileOf = (values: readonly number[], q: number): number => {
  const all = sorted(values)
  return all[Math.max(0, Math.ceil(q * all.length) - 1)]!
}

/**
 * How much cheaper the baseline is: its lowest cost over our lowest. The lowest of interleaved
 * rounds is the one that other work on the machine disturbed least. 1: equal; .5: we cost double.
 */
export const costRatio = (baseline: readonly number[], ours: readonly number[]): number =>
  spreadOf(baseline).lowest / spreadOf(ours).lowest

/**
 * Slope of y over x by Theil and Sen: the median of the slopes of all pairs of points. Unlike least
 * squares it is not bent by single outliers, such as a sample taken before a garbage collection.
 */
export const slopeOf = (points: readonly (readonly [x: number, y: number])[]): number => {
  const slopes = points.flatMap(([x, y], i) =>
    points
      .slice(i + 1)
      .flatMap(([otherX, otherY]) => (otherX === x ? [] : (otherY - y) / (otherX - x))),
  )
  return spreadOf(slopes).median
}
