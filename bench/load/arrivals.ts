/** When requests of the open loop are due: a Poisson process from a seed. */

/** Mulberry32: uniform in [0, 1), 32 bits of state. */
export const seededUniform = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Milliseconds from the start to each next arrival; `perSecond` on average. */
export const poissonArrivals = (perSecond: number, seed: number): (() => number) => {
  const uniform = seededUniform(seed)
  let atMs = 0
  return () => {
    atMs -= (Math.log(1 - uniform()) / perSecond) * 1000
    return atMs
  }
}
