/**
 * A bucket of tokens for each key, over all threads of a replica exactly: one word of shared memory
 * a key, changed by compare-exchange.
 *
 * The word is the time at which the bucket would be full again, the "theoretical arrival time" of
 * the Generic Cell Rate Algorithm (ITU-T I.371, virtual scheduling). A request is let in if that is
 * at most `burst - 1` intervals ahead, and moves it one interval further.
 */

/** What may be sent, in nanoseconds. */
export interface Pace {
  readonly intervalNs: bigint
  /** How far the word may be ahead of now for a request to be let in. */
  readonly toleranceNs: bigint
}

export const paceOf = (perSecond: number, burst: number): Pace => {
  const intervalNs = BigInt(Math.max(1, Math.round(1e9 / perSecond)))
  return { intervalNs, toleranceNs: intervalNs * BigInt(burst - 1) }
}

/**
 * Takes one token at `nowNs`, of a clock that all threads share. 0: taken; else the nanoseconds
 * after which there will be one, and nothing was taken.
 */
export const takeToken = (
  words: BigInt64Array,
  index: number,
  { intervalNs, toleranceNs }: Pace,
  nowNs: bigint,
): bigint => {
  for (;;) {
    const word = Atomics.load(words, index)
    const fromNs = word > nowNs ? word : nowNs
    const waitNs = fromNs - nowNs - toleranceNs
    if (waitNs > 0n) return waitNs
    if (Atomics.compareExchange(words, index, word, fromNs + intervalNs) === word) return 0n
  }
}
