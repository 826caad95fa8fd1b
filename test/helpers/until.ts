/** Waiting for what happened, not for time to pass: the one place where tests poll. */

export interface UntilOptions {
  /** For the error when it does not come to pass. */
  readonly what: string
  readonly timeoutMs?: number
  readonly everyMs?: number
}

/**
 * Resolves with the first truthy value of `condition`, which is asked again and again; a throw
 * counts as "not yet". Rejects after the timeout with the last error as its cause.
 */
export const until = async <Value>(
  condition: () => Value | Promise<Value>,
  { what, timeoutMs = 10_000, everyMs = 10 }: UntilOptions,
): Promise<NonNullable<Value>> => {
  const deadline = performance.now() + timeoutMs
  let last: unknown
  do {
    try {
      const value = await condition()
      if (value) return value
    } catch (error) {
      last = error
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  } while (performance.now() < deadline)
  throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`, { cause: last })
}
