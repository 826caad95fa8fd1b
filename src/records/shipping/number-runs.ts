/** A set of whole numbers of which most lie side by side: what is kept are their runs. */

/** Both ends included. */
export type NumberRun = readonly [from: number, to: number]

/** Of more the lowest are forgotten. */
const RUNS_MAX = 1000

export class NumberRuns {
  /** In order, none beside another. */
  readonly #runs: NumberRun[]

  constructor(runs: readonly NumberRun[] = []) {
    this.#runs = [...runs]
  }

  get runs(): readonly NumberRun[] {
    return [...this.#runs]
  }

  has(number: number): boolean {
    const [from] = this.#runs[this.#at(number)] ?? [Number.POSITIVE_INFINITY]
    return from <= number
  }

  add(number: number): void {
    if (this.has(number)) return
    const at = this.#at(number)
    const [before, after] = [this.#runs[at - 1], this.#runs[at]]
    const [joinsBefore, joinsAfter] = [before?.[1] === number - 1, after?.[0] === number + 1]
    const from = joinsBefore ? before![0] : number
    const to = joinsAfter ? after![1] : number
    this.#runs.splice(joinsBefore ? at - 1 : at, Number(joinsBefore) + Number(joinsAfter), [
      from,
      to,
    ])
    if (this.#runs.length > RUNS_MAX) this.#runs.shift()
  }

  /** Of the first run that does not end below a number. */
  #at(number: number): number {
    let [low, high] = [0, this.#runs.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#runs[middle]![1] < number) low = middle + 1
      else high = middle
    }
    return low
  }
}
