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

/** Part of a load whose rate changes. */
export interface Phase {
  readonly seconds: number
  /** On average; 0: silence. */
  readonly perSecond: number
}

export const secondsOf = (phases: readonly Phase[]): number =>
  phases.reduce((sum, { seconds }) => sum + seconds, 0)

/**
 * Milliseconds from the start to each next arrival, at the rates of phases that follow one another;
 * Infinity when they are over. A Poisson process of rate 1, on a clock that runs at the rate.
 */
export const phasedArrivals = (phases: readonly Phase[], seed: number): (() => number) => {
  const uniform = seededUniform(seed)
  let index = 0
  /** Where the phase begins and how far into it the last arrival was. */
  let startMs = 0
  let insideMs = 0
  return () => {
    let left = -Math.log(1 - uniform())
    for (; index < phases.length; index++) {
      const { seconds, perSecond } = phases[index]!
      const expected = ((seconds * 1000 - insideMs) / 1000) * perSecond
      if (left < expected) {
        insideMs += (left / perSecond) * 1000
        return startMs + insideMs
      }
      left -= expected
      startMs += seconds * 1000
      insideMs = 0
    }
    return Number.POSITIVE_INFINITY
  }
}
