/** A set of whole numbers of which most lie side by side: what is kept are their runs. */

/** Both ends included. */
export type NumberRun = readonly [from: number, to: number]

/** Of runs in the order in which they begin those that touch are one. */
const joined = (runs: readonly NumberRun[]): readonly NumberRun[] => {
  const all: [from: number, to: number][] = []
  for (const [from, to] of runs) {
    const last = all.at(-1)
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else all.push([from, to])
  }
  return all
}

export class NumberRuns {
  /** In order, none beside another. */
  #runs: readonly NumberRun[]

  constructor(runs: readonly NumberRun[] = []) {
    this.#runs = runs
  }

  get runs(): readonly NumberRun[] {
    return this.#runs
  }

  has(number: number): boolean {
    let [low, high] = [0, this.#runs.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#runs[middle]![1] < number) low = middle + 1
      else high = middle
    }
    const [from] = this.#runs[low] ?? [Number.POSITIVE_INFINITY]
    return from <= number
  }

  add(numbers: readonly number[]): void {
    const sorted = Float64Array.from(numbers).sort()
    const runs = joined(Array.from(sorted, (number) => [number, number]))
    this.#runs = joined([...this.#runs, ...runs].sort(([a], [b]) => a - b))
  }

  /**
   * Makes no more than `runsMax` of them, from the lowest on, by taking for members what lies
   * between: not, however, where one of the numbers `apart` does, which are in order.
   */
  bridge(apart: ArrayLike<number>, runsMax: number): void {
    let excess = this.#runs.length - runsMax
    if (excess <= 0) return
    const all: [from: number, to: number][] = []
    let at = 0
    for (const [from, to] of this.#runs) {
      const last = all.at(-1)
      while (last !== undefined && at < apart.length && apart[at]! <= last[1]) at++
      const isApart = at < apart.length && apart[at]! < from
      if (last === undefined || excess === 0 || isApart) all.push([from, to])
      else {
        last[1] = to
        excess--
      }
    }
    this.#runs = all
  }
}
