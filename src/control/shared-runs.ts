/** Work that many ask for at once, and that one piece of serves all. */

/**
 * Runs `run` for whoever calls what this returns: one run at a time, which all share who came
 * before it began. So nobody gets what is older than his question, however many ask.
 *
 * @param pause awaited between two runs
 */
export const sharedRuns = <T>(
  run: () => Promise<T>,
  pause: () => Promise<void> = () => Promise.resolve(),
): (() => Promise<T>) => {
  let next: Promise<T> | null = null
  let last = Promise.resolve()
  return () => {
    if (next !== null) return next
    const own = last.then(() => {
      next = null
      return run()
    })
    next = own
    last = own.then(pause, pause)
    return own
  }
}
