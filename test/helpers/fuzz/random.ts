/** Choices that a seed decides: the same ones every time, as fast as a million cases need. */

export interface Random {
  /** A whole number from 0 to below `count`. */
  below(count: number): number
  pick<Value>(list: readonly Value[]): Value
  /** True once in `times`. */
  once(times: number): boolean
}

/** mulberry32, which two different seeds leave at different places. */
export const randomOf = (seed: number): Random => {
  let state = Math.imul(seed, 0x9e3779b1)
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  const below = (count: number): number => next() % count
  return {
    below,
    pick: (list) => list[below(list.length)]!,
    once: (times) => below(times) === 0,
  }
}
