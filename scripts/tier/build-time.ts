/** Time for what is built from source: a slow build must not eat the time of the tests. */

/**
 * Runs builds for at most `msMax` together. Each gets what is left of that and of its tier, and
 * throws where it is not done by then, or nothing is left.
 */
export const createBuildTime = (msMax: number, now = (): number => performance.now()) => {
  let spentMs = 0
  return (leftMs: number, build: (timeoutMs: number) => void): void => {
    const timeoutMs = Math.floor(Math.min(leftMs, msMax - spentMs))
    if (timeoutMs < 1) throw new Error('no time is left to build it')
    const startMs = now()
    try {
      build(timeoutMs)
    } finally {
      spentMs += now() - startMs
    }
  }
}
